"""A set together with its edited images: in memory, and as a folder that `--data folder` opens."""

import csv
import io
import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.folder import EYES
from lineament.datasets.framing import framed
from lineament.editing.augmentation import Edited
from lineament.errors import JobError

__all__ = ["check_vacant", "joined", "write_folder"]


def joined(dataset: AttributeDataset, edited: Edited) -> AttributeDataset:
    """The set as `framed` for its editor, and then the edited images; without styles, which these do not have."""
    base = framed(dataset, edited.images.shape[1:3], colour=True)
    arrays: dict[str, Any] = {
        name: np.concatenate([values, values[edited.source]])
        for name in ("identity", "session", "split", "eyes", "landmarks")
        if (values := getattr(base, name)) is not None
    }
    digest = sha256(edited.images.tobytes()).hexdigest()[:12]  # caches know an image by its name
    return replace(
        base,
        name=f"{dataset.name}-edited",
        read=_Joined(base, edited.images),
        names=[*dataset.names, *(f"edited-{digest}/{i:06d}.png" for i in range(len(edited)))],
        labels=np.concatenate([dataset.labels, edited.labels]),
        style=None,
        **arrays,
    )


@dataclass(frozen=True)
class _Joined:
    """A reader of a set and of what follows it; a class, not a closure, so that it travels between processes."""

    dataset: AttributeDataset
    more: NDArray[np.uint8]

    def __call__(self, i: int) -> NDArray[np.uint8]:
        return self.dataset.read(i) if i < len(self.dataset) else self.more[i - len(self.dataset)]


def write_folder(
    dataset: AttributeDataset, edited: Edited, folder: str | Path, *, alone: bool = False, note: Mapping[str, Any]
) -> Path:
    """Write a set and its edited images as PNG files beside ``labels.csv`` and ``provenance.jsonl``.

    The set's own images are written at the size of the edited ones, so that their sharpness tells nobody which is
    which. Where that cuts an eye off, the table is without eyes. The folder is there whole or not at all.

    Args:
        dataset: what was edited.
        edited: of it.
        folder: new or empty.
        alone: leave out the set's own images.
        note: further entries of the provenance of every edited image: the editor, the licence.

    Returns:
        The folder. Raises ``JobError`` if it holds something, cannot be written, or an image cannot be read.
    """
    folder = Path(folder).resolve()
    check_vacant(folder)
    whole, n = joined(dataset, edited), len(dataset)
    rows = np.arange(n if alone else 0, len(whole))
    files = [f"original/{i:06d}.png" if i < n else f"edited/{i - n:06d}.png" for i in rows]
    fresh = folder.parent / f".lineament-{secrets.token_hex(8)}"
    try:
        for place in ("original", "edited"):
            (fresh / place).mkdir(parents=True)
        for i, file in _shown(rows, files):
            Image.fromarray(whole.read(i)).save(fresh / file)
        (fresh / "labels.csv").write_text(_table(whole, rows, files), encoding="utf-8", newline="")
        lines = [{"source": name} for name in dataset.names] + [line | dict(note) for line in edited.provenance]
        told = (json.dumps({"file": file} | lines[i]) + "\n" for i, file in zip(rows, files, strict=True))
        (fresh / "provenance.jsonl").write_text("".join(told), encoding="utf-8")
        fresh.replace(folder)
    except OSError as error:
        raise JobError(f"{folder}: could not be written ({error.strerror or error}); nothing was kept") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def check_vacant(folder: Path) -> None:
    """``JobError`` if something is in the place of a folder yet to be written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise JobError(f"{folder}: exists already; name a new or an empty folder")


def _shown(rows: NDArray[np.int64], files: list[str]) -> Iterator[tuple[int, str]]:
    console = Console(stderr=True)
    pairs = list(zip(rows.tolist(), files, strict=True))
    yield from track(pairs, "writing", console=console, disable=not sys.stderr.isatty(), transient=True)


def _table(dataset: AttributeDataset, rows: NDArray[np.int64], files: list[str]) -> str:
    """The table that `datasets.folder` reads: one line an image."""
    columns: dict[str, list[Any]] = {
        "file": files,
        "identity": ["" if person < 0 else person for person in dataset.identity[rows].tolist()],
        "session": dataset.session[rows].tolist(),
        "split": [SPLITS[part] for part in dataset.split[rows].tolist()],
    }
    if dataset.eyes is not None and ((eyes := dataset.eyes[rows]) >= 0).all() and (eyes <= 1).all():
        columns |= dict(zip(EYES, eyes.reshape(-1, 4).T.tolist(), strict=True))
    columns |= dict(zip(dataset.attributes, dataset.labels[rows].T.tolist(), strict=True))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return table.getvalue()
