"""What the verb `reproduce table` does: print a table of the dissertation as measured here, printed values beside."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Column
from rich.table import Table as Printed

from lineament.explanation.commands import check_seed
from lineament.reproduction.chapter_4 import TABLES, Entry, Setting, Table, planned
from lineament.training.run import Device, Precision

__all__ = ["reproduce"]


def reproduce(
    number: Table, *, root: Path | None, out: Path, data: str, quick: bool, seed: int, device: Device,
    precision: Precision, json: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Train what is missing, measure and print a table; arguments as on the command line."""
    check_seed(seed)
    sets = ("mnist", "fashion_mnist") if data == "both" else (data,)
    setting = Setting(root, out, sets, quick, seed, device, precision)
    if dry_run:
        told = {"table": number, "pairs": [[name, *classes] for name, classes in planned(number, setting)],
                "out": str(out), "quick": quick, "seed": seed}  # fmt: skip
        print(json_module.dumps(told, indent=1))
        return
    entries = list(TABLES[number](setting))
    if json:
        print(json_module.dumps([entry._asdict() for entry in entries], indent=1))
        return
    console = Console()
    for title in dict.fromkeys(entry.table for entry in entries):
        console.print(_table(number, [entry for entry in entries if entry.table == title]))
    if quick:
        console.print("Quick schedule: to see that it runs, not to compare.", highlight=False)


def _table(number: Table, entries: Sequence[Entry]) -> Printed:
    """A row a method or pair: measured with its interval, below it the printed value."""
    columns = list(dict.fromkeys(entry.column for entry in entries))
    table = Printed(Column("", no_wrap=True), *(Column(name.replace("_", " "), justify="right") for name in columns),
                    title=f"Table {number}: {entries[0].table}", box=box.SIMPLE_HEAD, padding=(0, 1),
                    caption="measured, its 95 % interval; [dim]printed[/]")  # fmt: skip
    for row in dict.fromkeys(entry.row for entry in entries):
        found = {entry.column: entry for entry in entries if entry.row == row}
        table.add_row(row, *(_cell(found.get(column)) for column in columns))
    return table


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return ""
    measured = f"{entry.value:.3f} \\[{entry.low:.3f}, {entry.high:.3f}]"
    if entry.printed is None:
        return measured
    return (
        f"{measured}\n[dim]{entry.printed:.3f}[/]" if entry.printed <= 2 else f"{measured}\n[dim]{entry.printed:.0f}[/]"
    )
