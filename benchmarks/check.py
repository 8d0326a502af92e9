"""Holds the recorded results against the targets: ``python -m benchmarks.check [--wing W]``; exit 1 if one misses.

Only the full schedule counts. A figure of a quick run is shown where there is no other, and decides nothing.
"""

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS

TARGETS = Path(__file__).resolve().parent / "benchmarks.csv"
COLUMNS = ("wing", "metric", "target", "figure", "met", "schedule", "revision")


def recorded(benchmark: str, folder: Path) -> Mapping[str, Any]:
    """The result of the full schedule, else of a quick run, else nothing."""
    for path in (folder / f"{benchmark}.json", folder / f"{benchmark}.quick.json"):
        if path.exists():
            try:
                result: Mapping[str, Any] = json.loads(path.read_text())
                return {key: result[key] for key in ("metrics", "schedule", "revision")}
            except (ValueError, KeyError, TypeError) as error:
                sys.exit(f"{path}: not a benchmark's result ({error!r}); run python -m benchmarks.{benchmark} again")
    return {"metrics": {}, "schedule": "", "revision": ""}


def verdict(target: Mapping[str, str], result: Mapping[str, Any]) -> dict[str, str]:
    """One row of the table; ``met`` is yes or no for a full result, open while there is none."""
    figure = result["metrics"].get(target["metric"])
    bound = float(target["target"])
    # a full result that lacks the metric, or is NaN, has not met it
    reached = figure is not None and (figure >= bound if target["at"] == ">=" else figure <= bound)
    return {
        "wing": target["wing"],
        "metric": f"{target['benchmark']}.{target['metric']}",
        "target": f"{target['at']} {target['target']}",
        "figure": "-" if figure is None else f"{figure:.4g}",
        "met": ("yes" if reached else "NO") if result["schedule"] == "full" else "open",
        "schedule": result["schedule"] or "-",
        "revision": result["revision"] or "-",
    }


def main(arguments: Sequence[str] | None = None, folder: Path = RESULTS, targets: Path = TARGETS) -> int:
    with targets.open(newline="") as file:
        wanted = list(csv.DictReader(file))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wing", choices=sorted({target["wing"] for target in wanted}), help="this wing's alone")
    wing = parser.parse_args(arguments).wing
    results = {name: recorded(name, folder) for name in sorted({target["benchmark"] for target in wanted})}
    rows = [verdict(target, results[target["benchmark"]]) for target in wanted if wing in (None, target["wing"])]
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in COLUMNS}
    for row in [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]:
        print("  ".join(row[column].ljust(widths[column]) for column in COLUMNS).rstrip())
    count = {met: sum(row["met"] == met for row in rows) for met in ("yes", "NO", "open")}
    print(f"\n{count['yes']} met, {count['NO']} missed, {count['open']} open")
    return int(count["NO"] > 0)


if __name__ == "__main__":
    sys.exit(main())
