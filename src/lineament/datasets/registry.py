"""Every data set by name: what opens it, where it lies under a root, and what it needs there."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineament.datasets.base import AttributeDataset
from lineament.datasets.celeba import celeba
from lineament.datasets.clips import clips
from lineament.datasets.folder import folder
from lineament.datasets.identities import extended_yale_b, mobio, orl, umdaa01, yale
from lineament.datasets.idx import fashion_mnist, mnist
from lineament.errors import JobError, LineamentError, UsageError, nearest

__all__ = ["DATASETS", "Entry", "find_dataset", "open_dataset", "overview"]


@dataclass(frozen=True)
class Entry:
    """One registered set.

    Attributes:
        open: takes the set's folder first (an embedded set takes none), then options.
        place: its folder below the data root, as its authors name it; None for an embedded set.
        needs: what must lie in that folder, in words.
    """

    open: Callable[..., AttributeDataset]
    place: str | None
    needs: str


def _portraits(**options: Any) -> AttributeDataset:
    from lineament.datasets.portraits import portraits  # draws with skia, which the readers do without

    _check_options("portraits", portraits, options)
    return portraits(**options)


DATASETS: dict[str, Entry] = {
    "portraits": Entry(_portraits, None, "nothing: its images are rendered"),
    "celeba": Entry(
        celeba, "celeba", "img_align_celeba/, list_attr_celeba.txt, identity_CelebA.txt, list_eval_partition.txt"
    ),
    "mnist": Entry(mnist, "MNIST", "raw/ of four idx files; download=True fetches them"),
    "fashion_mnist": Entry(fashion_mnist, "FashionMNIST", "raw/ of four idx files; download=True fetches them"),
    "extended_yale_b": Entry(extended_yale_b, "extended_yale_b", "yaleBNN/yaleBNN_P00A+000E+00.jpg"),
    "orl": Entry(orl, "orl_faces", "sN/M.pgm"),
    "yale": Entry(yale, "yale_faces", "subjectNN.condition.png"),
    "mobio": Entry(mobio, "mobio", "but/f201/.../f201_01_f02_i0_0.mp4, other sites alike"),
    "umdaa01": Entry(umdaa01, "umdaa01", "USER/SESSION/TASK.mp4"),
    "clips": Entry(clips, "face_video", "clips.csv (clip, subject; perhaps frames), or a folder a subject"),
    "folder": Entry(folder, "images", "labels.csv or .parquet (file, attributes; perhaps identity, session, split)"),
}
"""Name to entry, in the order in which they are listed."""


def open_dataset(name: str, root: str | Path | None = None, **options: Any) -> AttributeDataset:
    """Open a registered set.

    Args:
        name: a key of ``DATASETS``.
        root: the set's own folder or a folder that holds it under its usual name; None takes ``$LINEAMENT_DATA``.
        options: passed on to the function that opens it.

    Raises:
        UsageError: an unknown name or option (the nearest is offered), or no root for a set that needs one.
        JobError: the set is not there or cannot be understood.
    """
    if name not in DATASETS:
        raise UsageError(nearest(name, DATASETS, "data set"))
    entry = DATASETS[name]
    place = [] if entry.place is None else [_place(name, entry.place, root)]
    if entry.place is not None:
        _check_options(name, entry.open, options)
    return entry.open(*place, **options)


def find_dataset(name: str, root: str | Path | None = None) -> Path | None:
    """The folder in which ``open_dataset`` would look for a set if it exists, else None; None for embedded sets."""
    place, base = DATASETS[name].place, root or os.environ.get("LINEAMENT_DATA")
    found = Path(base, place) if place and base else None
    return found if found and found.is_dir() else None


def overview(root: str | Path | None = None) -> list[dict[str, str]]:
    """One row a registered set: its ``name``, if it is ``found`` (or why not), its ``images``, what it ``needs``."""
    rows = []
    for name, entry in DATASETS.items():
        place = find_dataset(name, root)
        row = {"name": name, "found": "no", "images": "", "needs": entry.needs}
        if entry.place is not None:
            row["needs"] = f"{entry.place}/ with {entry.needs}"
        if place or entry.place is None:
            try:
                row |= {"images": f"{len(open_dataset(name, root)):,}", "found": "yes" if place else "embedded"}
            except LineamentError as error:
                row["found"] = str(error)
        rows.append(row)
    return rows


def _place(name: str, place: str, root: str | Path | None) -> Path:
    base = root or os.environ.get("LINEAMENT_DATA")
    if not base:
        raise UsageError(f"{name}: no folder given; pass a root (--root DIR) or set LINEAMENT_DATA")
    if not Path(base).is_dir():
        raise JobError(f"{base}: no such folder; expected {name}, or a folder that holds it as {place}/")
    return find_dataset(name, base) or Path(base)


def _check_options(name: str, function: Callable[..., AttributeDataset], options: Mapping[str, Any]) -> None:
    known = inspect.signature(function).parameters.keys() - {"root"}
    if wrong := next((key for key in options if key not in known), None):
        raise UsageError(f"{name}: {nearest(wrong, known, 'option')}")
