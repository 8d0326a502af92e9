"""The dissertation's verification tables (2.4 to 2.7, 2.9, 2.14, 2.15) as CSV files, one row a line of the table."""

import csv
from importlib.resources import files

__all__ = ["published"]

_NAMES = {
    "lbp": "LBP", "LBP": "LBP", "acaa": "ACAA", "attributes": "ACAA", "AttrsSection3": "ACAA", "fusion": "LBP + ACAA",
    "multi_deep_cnnaa": "MultiDeep", "multi_wide_cnnaa": "MultiWide", "discovered_attributes": "discovered",
}  # fmt: skip
"""What the tables' headings mean; "attributes" and ACAA are both the classifiers of section 2.3.2."""


def published(table: str, row: int | str) -> dict[str, float]:
    """Equal error rates of a table by method, in [0, 1].

    Args:
        table: ``"2.14"``.
        row: number of the row from 0, or, where the rows are methods, the name of the column.
    """
    text = files(__name__).joinpath(f"table_{table.replace('.', '_')}.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    if isinstance(row, str):
        return {_NAMES.get(line["method"], line["method"]): float(line[row]) for line in rows}
    return {_NAMES[key[:-4]]: float(value) for key, value in rows[row].items() if key.endswith("_eer")}
