"""What the data verbs do: say which sets there are, check one, show one."""

import json as json_module
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lineament.artifacts import write_atomically
from lineament.datasets.check import check as check_dataset
from lineament.datasets.check import tables
from lineament.datasets.registry import open_dataset, overview
from lineament.datasets.sheet import contact_sheet
from lineament.errors import JobError

__all__ = ["check", "overview_table", "show"]


def overview_table(root: Path | None) -> Table:
    """A row a registered set."""
    table = Table("name", Column("images", justify="right"), "found", "needs", title="data sets")
    for row in overview(root):
        table.add_row(row["name"], row["images"], escape(row["found"]), escape(row["needs"]))
    return table


def check(name: str, root: Path | None, *, json: bool) -> None:
    """Print what is in a set and what is broken; ``JobError`` if anything is."""
    report = check_dataset(open_dataset(name, root))
    if json:
        print(json_module.dumps(report.as_dict(), indent=1))
    else:
        Console().print(*tables(report))
    if not report.sound:
        counts = (
            f"{len(report.broken)} broken, {len(report.unlisted)} unlisted, {len(report.overlap)} people in two parts"
        )
        raise JobError(f"{name}: {counts}")


def show(name: str, root: Path | None, out: Path, *, attribute: str | None, n: int, seed: int) -> None:
    """Write the contact sheet; ``JobError``, after it is written, if an image on it could not be read."""
    sheet, unreadable = contact_sheet(open_dataset(name, root), attribute=attribute, n=n, seed=seed)
    write_atomically(out, lambda file: sheet.save(file, "PNG"))
    if unreadable:
        print(*unreadable, sep="\n", file=sys.stderr)
        raise JobError(f"{name}: {len(unreadable)} of the images in {out} cannot be read and are grey fields there")
