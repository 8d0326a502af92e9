"""What the verb `reproduce table` does: print a table of the dissertation as measured here, printed values beside."""

import json as json_module
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from rich import box
from rich.console import Console
from rich.table import Column
from rich.table import Table as Printed

from lineament.errors import UsageError
from lineament.explanation.commands import check_seed
from lineament.reproduction import chapter_4, chapter_5
from lineament.reproduction.entries import Entry
from lineament.training.run import Device, Precision

__all__ = ["reproduce"]

Mode = Literal["fast", "reference"]


def reproduce(
    number: chapter_4.Table | chapter_5.Table, *, root: Path | None, out: Path, data: str, n: int | None = None,
    mode: Mode | None = None, quick: bool, seed: int, device: Device, precision: Precision, json: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Train what is missing, measure and print a table; arguments as on the command line."""
    check_seed(seed)
    told, measure = _measure(number, data, n, mode, root=root, out=out, quick=quick, seed=seed, device=device,
                             precision=precision)  # fmt: skip
    if dry_run:
        print(json_module.dumps(told, indent=1))
        return
    entries = list(measure())
    if json:
        print(json_module.dumps([entry._asdict() for entry in entries], indent=1))
        return
    console = Console()
    for title in dict.fromkeys(entry.table for entry in entries):
        console.print(_table(number, [entry for entry in entries if entry.table == title]))
    if quick:
        console.print("Quick schedule: to see that it runs, not to compare.", highlight=False)


def _measure(
    number: chapter_4.Table | chapter_5.Table, data: str, n: int | None, mode: Mode | None, **common: Any
) -> tuple[dict[str, Any], Callable[[], Iterator[Entry]]]:
    """What would be measured, and what measures it."""
    common |= {} if data == "both" else {"data": (data,)}
    if number in chapter_5.TABLES:
        five = chapter_5.Setting(**common, n=n, mode=mode or "fast")
        return chapter_5.plan(number, five), partial(chapter_5.TABLES[number], five)
    if n is not None or mode is not None:
        raise UsageError(f"--n, --mode: of the tables of chapter 5; table {number} takes neither")
    four, numbered = chapter_4.Setting(**common), cast(chapter_4.Table, number)
    return chapter_4.plan(numbered, four), partial(chapter_4.TABLES[numbered], four)


def _table(number: str, entries: Sequence[Entry]) -> Printed:
    """A row a method or classifier: measured with its interval, below it the printed value."""
    columns = list(dict.fromkeys(entry.column for entry in entries))
    table = Printed(Column("", no_wrap=True), *(Column(name.replace("_", " "), justify="right") for name in columns),
                    title=f"Table {number}: {entries[0].table}", box=box.SIMPLE_HEAD, padding=(0, 1),
                    caption=_caption(entries))  # fmt: skip
    for row in dict.fromkeys(entry.row for entry in entries):
        found = {entry.column: entry for entry in entries if entry.row == row}
        table.add_row(row, *(_cell(found.get(column)) for column in columns))
    return table


def _caption(entries: Sequence[Entry]) -> str:
    told = ["measured, its 95 % interval; [dim]printed[/]" if entries[0].low < entries[0].high else
            "as built; [dim]printed[/]"]  # fmt: skip
    told += [f"n = {n:,}" for n in dict.fromkeys(entry.n for entry in entries) if n]
    return "\n".join([", ".join(told), *filter(None, dict.fromkeys(entry.schedule for entry in entries))])


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return ""
    exact = entry.low == entry.high
    told = _number(entry.value, exact)
    if not exact:
        told += f" \\[{_number(entry.low)}, {_number(entry.high)}]"
    return told if entry.printed is None else f"{told}\n[dim]{_number(entry.printed, exact)}[/]"


def _number(value: float, exact: bool = False) -> str:
    return f"{value:g}" if exact else f"{value:.3f}" if abs(value) <= 2 else f"{value:.0f}"
