"""What the verbs of editing tell of their edits: pictures and JSON in a folder, a grid, a table."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column as Heading
from rich.table import Table
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.datasets.files import IMAGE_SUFFIXES
from lineament.editing.grids import Column, write_grid
from lineament.editing.operations import Edit
from lineament.editing.pictures import write_pictures
from lineament.errors import UsageError
from lineament.report import readable

__all__ = ["Edited", "check_out", "is_grid", "show", "write"]

SHOWN = 24
"""Rows of a grid at most, and columns of edits."""


@dataclass(frozen=True)
class Edited:
    """Images, and what came of them.

    Attributes:
        names: of the images, ``n``.
        begun: the edit that has done nothing yet.
        changed: the attributes that were meant to change, and whether each shall be there.
        variants: what was done, each to all images, by a name that tells it from the others.
        inputs: columns of the grid before them, ``(n, 3, height, width)``, by title.
        heads: for each variant a picture ``(3, height, width)`` above its column; or none at all.
    """

    names: Sequence[str]
    begun: Edit
    changed: Mapping[str, bool]
    variants: Mapping[str, Edit]
    inputs: Mapping[str, Tensor]
    heads: Sequence[Tensor] = ()

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row an image and variant: what the editor reads before and after, and the mean change of a pixel value."""
        named = self.begun.editor.attributes
        before = [_readings(named, read) for read in self.begun.presence]
        found = []
        for variant, edit in self.variants.items():
            change = (edit.images - self.begun.images).abs().mean((1, 2, 3)).tolist()
            for i, read in enumerate(edit.presence):
                found.append(
                    {"image": self.names[i], "variant": variant, "before": before[i], "after": _readings(named, read),
                     "change": round(change[i], 5)}
                )  # fmt: skip
        return found

    @property
    def doubts(self) -> str:
        """One line on edits that the editor does not read as meant, and on images that were so before; "" if none."""

        def met(read: Mapping[str, float]) -> list[bool]:
            return [(read[name] > 0.5) == there for name, there in self.changed.items()]

        missed = sum(not all(met(row["after"])) for row in self.rows)
        idle = sum(any(met(row["before"])) for row in self.rows[: len(self.names)])
        told = [f"{missed} of {len(self.rows)} were not read as meant by the editor itself"] if missed else []
        told += [f"{idle} of {len(self.names)} images were so before"] if idle else []
        return "; ".join(told)


def is_grid(out: Path) -> bool:
    """Whether the grid alone is wanted, not a folder."""
    return out.suffix.lower() == ".png" and not out.is_dir()


def check_out(out: Path) -> None:
    """``UsageError`` unless ``out`` is a new name that ends in .png, or a folder that is new or empty."""
    if is_grid(out):
        if out.exists():  # it may be the very picture that is to be edited
            raise UsageError(f"--out {out}: exists already; name a new file or a folder")
        return
    if out.suffix.lower() in {*IMAGE_SUFFIXES, ".html", ".json"} or out.is_file():
        raise UsageError(f"--out {out}: expected a folder, or a name that ends in .png for the grid alone")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"--out {out}: holds files already; name a new or an empty folder")


def write(edited: Edited, out: Path, facts: Mapping[str, Any], caption: str) -> None:
    """Write the grid, and into a folder also every edited image as a PNG and ``edits.json`` with ``facts``.

    Args:
        edited: what to write.
        out: a name that ends in .png for the grid alone, else a folder.
        facts: of the call, JSON values.
        caption: of the grid.
    """
    if is_grid(out):
        return _write_grid(edited, out, caption)
    files: list[str] = []
    for variant, edit in edited.variants.items():
        ending = f"-{re.sub(r'[^A-Za-z0-9_.-]+', '-', variant)}" if len(edited.variants) > 1 else ""
        stems = [f"{Path(name).stem or 'image'}{ending}" for name in edited.names]
        files += write_pictures(out / "images", stems, edit.images, taken=files)
    _write_grid(edited, out / "grid.png", caption)
    rows = [{"file": f"images/{file}", **row} for file, row in zip(files, edited.rows, strict=True)]
    write_atomically(out / "edits.json", json.dumps({**facts, "images": rows}, indent=1).encode())


def show(edited: Edited) -> None:
    """Print a table of what the editor reads of each changed attribute before and after."""
    headings = [*(Heading(escape(readable(name)), justify="right") for name in edited.changed)]
    table = Table(
        Heading("image", overflow="fold"), "edit", *headings, Heading("others", justify="right"),
        Heading("change", justify="right"), box=box.SIMPLE_HEAD,
        caption="as the editor itself reads its result; others: mean change of its readings of all other attributes; "
        "change: mean change of a pixel value",
    )  # fmt: skip
    for row in edited.rows:
        read = [f"{row['before'][name]:.0%} → {row['after'][name]:.0%}" for name in edited.changed]
        apart = [abs(row["after"][name] - value) for name, value in row["before"].items() if name not in edited.changed]
        others = f"{sum(apart) / len(apart):.3f}" if apart else ""
        table.add_row(escape(Path(row["image"]).name), escape(row["variant"]), *read, others, f"{row['change']:.3f}")
    Console().print(table)


def _write_grid(edited: Edited, path: Path, caption: str) -> None:
    heads: Sequence[Tensor | None] = edited.heads or [None] * len(edited.variants)
    columns = [Column(title, images[:SHOWN]) for title, images in edited.inputs.items()]
    for (title, edit), head in [*zip(edited.variants.items(), heads, strict=True)][:SHOWN]:
        columns.append(Column(title, edit.images[:SHOWN], head))
    all_of = {"images": len(edited.names), "edits of each": len(edited.variants)}
    hidden = "".join(f" The first {SHOWN} of {n:,} {what}." for what, n in all_of.items() if n > SHOWN)
    names = [Path(name).stem for name in edited.names[:SHOWN]]
    write_grid(path, columns, names, caption + hidden, given=len(edited.inputs))


def _readings(names: Sequence[str], read: Tensor) -> dict[str, float]:
    return {name: round(value, 4) for name, value in zip(names, read.tolist(), strict=True)}
