"""The verbs of data sets and faces, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tyro.conf import Positional

__all__ = ["VERBS"]


def data_list(root: Path | None = None) -> None:
    """List the data sets: how many images each has, whether it was found, what it needs on disk.

    Args:
        root: folder that holds data sets under their usual names; $LINEAMENT_DATA unless given.
    """
    from rich.console import Console

    from lineament.datasets.commands import overview_table

    Console().print(overview_table(root))


def data_check(name: Positional[str], root: Path | None = None, json: bool = False) -> None:
    """Read every image of a data set once; report its counts, its labels, and what is broken (then exit code 1).

    Args:
        name: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        json: print the whole report as JSON instead of tables.
    """
    from lineament.datasets.commands import check

    check(name, root, json=json)


def data_show(
    name: Positional[str],
    out: Path,
    root: Path | None = None,
    attribute: str | None = None,
    n: int = 40,
    seed: int = 0,
) -> None:
    """Write a contact sheet: a random sample of a data set's images with their labels, as one PNG.

    Args:
        name: a data set that `lineament data list` names.
        out: the PNG to write.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        attribute: show half images that have this attribute and half that do not.
        n: how many images.
        seed: which sample.
    """
    from lineament.datasets.commands import show

    show(name, root, out, attribute=attribute, n=n, seed=seed)


def data_fetch(name: Positional[str], root: Path | None = None) -> None:
    """Fetch a data set that anyone may: mnist or fashion_mnist, each file held against its published md5.

    Args:
        name: the data set.
        root: folder that holds data sets under their usual names, and gets this one; $LINEAMENT_DATA unless given.
    """
    from lineament.datasets.registry import fetch_dataset

    print(fetch_dataset(name, root))


def data_align(name: Positional[str], out: Path, root: Path | None = None, size: int = 128) -> None:
    """Find the largest face of every photo and write it, framed as CelebA's are, to a folder for `--data folder`.

    Called again, it goes on where it was stopped.

    Args:
        name: a data set that `lineament data list` names.
        out: the folder of the crops and their labels.csv.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        size: pixels of a crop's side.
    """
    from lineament.alignment import align_dataset
    from lineament.datasets.registry import open_dataset

    done = align_dataset(open_dataset(name, root), out, size)
    for reason in done.left_out.values():
        print(f"left out: {reason}", file=sys.stderr)
    print(f"{done.kept} crops in {out}, {len(done.left_out)} images left out; open with --data folder --root {out}")


def faces_fetch(wheel: Path | None = None) -> None:
    """Fetch the two face models (1.5 MB, Apache-2.0) out of the mediapipe 0.10.21 wheel on PyPI, once.

    Args:
        wheel: take them out of this wheel file instead, on a machine without network.
    """
    from lineament.faces.models import fetch

    for path in fetch(wheel):
        print(path)


def faces_show(images: Positional[tuple[Path, ...]], out: Path | None = None, json: bool = False) -> None:
    """Find the faces in pictures and say what is wrong with each; with --out, draw them and their ten part crops.

    Args:
        images: the pictures.
        out: the PNG to draw.
        json: print boxes, eyes and every measured value as JSON instead of a table.
    """
    from lineament.faces.commands import show

    show(images, out, json=json)


VERBS: dict[str, Callable[..., Any]] = {
    "data list": data_list,
    "data check": data_check,
    "data show": data_show,
    "data fetch": data_fetch,
    "data align": data_align,
    "faces fetch": faces_fetch,
    "faces show": faces_show,
}
"""Open, check, show, fetch and align data sets; find faces."""
