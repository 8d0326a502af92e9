"""One number of a table: as measured here, its interval, and as the dissertation prints it."""

import csv
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Entry", "published"]


class Entry(NamedTuple):
    """One measured number of a table, its 95 % interval (of no width where nothing is drawn), and the printed one."""

    table: str
    row: str
    column: str
    value: float
    low: float
    high: float
    printed: float | None
    n: int | None = None
    """Test images behind it."""
    schedule: str = ""
    """What it was measured with, where that is not told by the table's title."""


def published(table: str) -> list[dict[str, str]]:
    """The rows of a printed table, by its number; a cell that the source leaves empty is ``""``."""
    text = files(__name__.rpartition(".")[0]).joinpath("published", f"table_{table.replace('.', '_')}.csv").read_text()
    return list(csv.DictReader(text.splitlines()))
