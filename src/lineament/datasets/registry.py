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
from lineament.datasets.download import FASHION_MNIST, MNIST, Source, fetch
from lineament.datasets.folder import folder
from lineament.datasets.identities import extended_yale_b, mobio, orl, umdaa01, yale
from lineament.datasets.idx import fashion_mnist, mnist
from lineament.errors import JobError, LineamentError, UsageError, nearest

__all__ = ["DATASETS", "Entry", "fetch_dataset", "find_dataset", "open_dataset", "overview"]


@dataclass(frozen=True)
class Entry:
    """One registered set.

    Attributes:
        open: takes the set's folder first (an embedded set takes none), then options.
        place: its folder below the data root, as its authors name it; None for an embedded set, "" for one without a
            usual name, which is never looked for below the root.
        needs: what must lie in that folder, in words.
        giver: whom to ask for it.
        marks: files of which any shows that a folder is the set's own, whatever lies below it.
        source: what `fetch_dataset` downloads; None for what only its giver can give.
    """

    open: Callable[..., AttributeDataset]
    place: str | None
    needs: str
    giver: str = ""
    marks: tuple[str, ...] = ()
    source: Source | None = None


def _portraits(**options: Any) -> AttributeDataset:
    from lineament.datasets.portraits import portraits  # draws with skia, which the readers do without

    _check_options("portraits", portraits, options)
    return portraits(**options)


DATASETS: dict[str, Entry] = {
    "portraits": Entry(_portraits, None, "nothing: its images are rendered", "nobody: it comes with the package"),
    "celeba": Entry(
        celeba,
        "celeba",
        "img_align_celeba/, list_attr_celeba.txt, identity_CelebA.txt, list_eval_partition.txt",
        "its authors: mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ),
    "mnist": Entry(
        mnist, "MNIST", "raw/ of four idx files: `lineament data fetch mnist`", "the fetch verb", source=MNIST
    ),
    "fashion_mnist": Entry(
        fashion_mnist,
        "FashionMNIST",
        "raw/ of four idx files: `lineament data fetch fashion_mnist`",
        "the fetch verb",
        source=FASHION_MNIST,
    ),
    "extended_yale_b": Entry(
        extended_yale_b, "extended_yale_b", "yaleBNN/yaleBNN_P00A+000E+00.jpg", "UC San Diego: vision.ucsd.edu"
    ),
    "orl": Entry(orl, "orl_faces", "sN/M.pgm", "its authors' successors: cam-orl.co.uk/facedatabase.html"),
    "yale": Entry(yale, "yale_faces", "subjectNN.condition.png", "UC San Diego: vision.ucsd.edu"),
    "mobio": Entry(
        mobio,
        "mobio",
        "but/f201/.../f201_01_f02_i0_0.mp4, other sites alike",
        "Idiap, by agreement: idiap.ch/dataset/mobio",
    ),
    "umdaa01": Entry(umdaa01, "umdaa01", "USER/SESSION/TASK.mp4", "its authors at the University of Maryland"),
    "clips": Entry(
        clips,
        "face_video",
        "clips.csv (clip, subject; perhaps frames), or a folder a subject",
        "you: they are your own",
        marks=("clips.csv",),
    ),
    "folder": Entry(
        folder,
        "",
        "labels.csv or .parquet (file, attributes; perhaps identity, session, split)",
        "you: it is your own",
        marks=("labels.csv", "labels.parquet"),
    ),
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
    entry, base = DATASETS[name], root or os.environ.get("LINEAMENT_DATA")
    if entry.place is None or not base:
        return None
    if any(Path(base, mark).exists() for mark in entry.marks):
        return Path(base)
    found = Path(base, entry.place)
    return found if entry.place and found.is_dir() else None


def fetch_dataset(name: str, root: str | Path | None = None) -> Path:
    """Bring what a set lacks into its usual folder below ``root`` (else ``$LINEAMENT_DATA``); return that folder.

    Raises:
        UsageError: an unknown name, no root, or a set that cannot be fetched; says who gives it.
        JobError: no network, a file that is not the published one, or a full disk.
    """
    if name not in DATASETS:
        raise UsageError(nearest(name, DATASETS, "data set"))
    entry = DATASETS[name]
    if entry.source is None:
        fetched = ", ".join(key for key, other in DATASETS.items() if other.source)
        raise UsageError(f"{name}: cannot be fetched (only {fetched} can); it comes from {entry.giver}")
    place = Path(_base(name, root), str(entry.place))
    fetch(place / "raw", entry.source)
    entry.open(place)  # so that success means a set that can be read
    return place


def overview(root: str | Path | None = None) -> list[dict[str, str]]:
    """One row a registered set: its ``name``, if it is ``found`` (or why not), its ``images``, what it ``needs``."""
    rows = []
    for name, entry in DATASETS.items():
        place = find_dataset(name, root)
        row = {"name": name, "found": "no", "images": "", "needs": entry.needs}
        if entry.place is not None:
            row["needs"] = f"{entry.place}/ with {entry.needs}" if entry.place else entry.needs
        if place or entry.place is None:
            try:
                row |= {"images": f"{len(open_dataset(name, root)):,}", "found": "yes" if place else "embedded"}
            except LineamentError as error:
                row["found"] = str(error)
        rows.append(row)
    return rows


def _place(name: str, place: str, root: str | Path | None) -> Path:
    base = _base(name, root)
    if not Path(base).is_dir():
        below = f", or a folder that holds it as {place}/" if place else ""
        raise JobError(f"{base}: no such folder; expected {name}{below}")
    return find_dataset(name, base) or Path(base)


def _base(name: str, root: str | Path | None) -> str | Path:
    base = root or os.environ.get("LINEAMENT_DATA")
    if not base:
        raise UsageError(f"{name}: no folder given; pass a root (--root DIR) or set LINEAMENT_DATA")
    return base


def _check_options(name: str, function: Callable[..., AttributeDataset], options: Mapping[str, Any]) -> None:
    known = inspect.signature(function).parameters.keys() - {"root"}
    if wrong := next((key for key in options if key not in known), None):
        raise UsageError(f"{name}: {nearest(wrong, known, 'option')}")
