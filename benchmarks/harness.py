"""What every benchmark shares: the flags ``--quick`` and ``--seed``, and the JSON that it leaves behind."""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def data_root() -> Path:
    """Where the real data sets lie: ``$LINEAMENT_DATA``, else the folder ``data`` beside the project's ``shared``."""
    root = Path(os.environ.get("LINEAMENT_DATA", ROOT.parent / "shared" / "data"))
    if not root.is_dir():
        sys.exit(f"{root}: no such folder; set LINEAMENT_DATA to where the data sets lie")
    return root.resolve()


def revision() -> str:
    """The commit this ran on, with ``+`` if tracked files other than results were changed."""
    run = lambda *words: subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()  # noqa: E731
    changed = run("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
    return run("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def processor_seconds(work: Callable[[], object], *, quick: bool) -> float:
    """Median processor time of one call on one thread, the least of three rounds: other programs only add to it."""
    work()
    rounds = []
    for _ in range(1 if quick else 3):
        times = []
        for _ in range(5 if quick else 15):
            started = time.process_time()
            work()
            times.append(time.process_time() - started)
        rounds.append(statistics.median(times))
    return min(rounds)


def processor() -> str:
    """The processor's name and the number of cores this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return f"{named[0] if named else platform.processor()}, {len(os.sched_getaffinity(0))} cores"


def benchmark(
    name: str,
    claim: str,
    measure: Callable[..., tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]],
    *,
    threads: int = 1,
    arguments: Callable[[argparse.ArgumentParser], None] | None = None,
    parts: str | None = None,
) -> None:
    """Run ``measure(quick=…, seed=…, **flags)`` from the command line and write its metrics and rows.

    A quick run writes ``NAME.quick.json`` (ignored by git), so that it never passes for the full schedule.

    Args:
        name: of the module and of the file.
        claim: what is measured, in a sentence.
        measure: gives metrics and rows.
        threads: of torch.
        arguments: adds flags of its own.
        parts: a flag, also a column of the rows, that names a part of the whole, so that hours of work can be recorded
            part by part: when it is given, what the file holds of the other parts stays (`beside`).
    """
    parser = argparse.ArgumentParser(description=claim)
    parser.add_argument("--quick", action="store_true", help="under a minute; not the figure that is claimed")
    parser.add_argument("--seed", type=int, default=0)
    if arguments is not None:
        arguments(parser)
    flags = vars(parser.parse_args())
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    import torch

    torch.set_num_threads(threads)
    started, at = time.perf_counter(), revision()
    metrics, rows = measure(**flags)
    result = {
        "name": name,
        "claim": claim,
        "command": " ".join(["python -m", f"benchmarks.{name}", *sys.argv[1:]]),
        "revision": at,
        "machine": processor(),
        "threads": threads,
        "seed": flags["seed"],
        "schedule": "quick" if flags["quick"] else "full",
        "seconds": round(time.perf_counter() - started, 1),
        "metrics": {key: float(value) for key, value in metrics.items()},
        "rows": [dict(row) | ({"revision": at} if parts else {}) for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / (f"{name}.quick.json" if flags["quick"] else f"{name}.json")
    if parts and flags[parts] and path.exists():
        result = beside(json.loads(path.read_text()), result, parts)
    from lineament.artifacts import write_atomically

    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    show(result)
    print(f"-> {path}")


def beside(recorded: Mapping[str, Any], result: Mapping[str, Any], column: str) -> dict[str, Any]:
    """``result`` with the rows and metrics that were recorded of other parts; each row tells its own revision."""
    measured = {row[column] for row in result["rows"]}
    others = [row for row in recorded["rows"] if row[column] not in measured]
    others = [{"revision": recorded["revision"], **row} for row in others]
    rows = sorted([*others, *result["rows"]], key=lambda row: str(row[column]))  # stable: of a part as it was
    return {**result, "metrics": {**recorded["metrics"], **result["metrics"]}, "rows": rows}


def show(result: Mapping[str, Any]) -> None:
    """Print the metrics beside their targets, and the rows beside the published values that they name."""
    from rich.console import Console
    from rich.table import Table

    with (ROOT / "benchmarks" / "benchmarks.csv").open() as file:
        wanted = {
            row["metric"]: f"{row['at']} {row['target']}"
            for row in csv.DictReader(file)
            if row["benchmark"] == result["name"]
        }
    console = Console(width=160)
    metrics = Table("metric", "measured", "target", title=f"{result['name']} ({result['schedule']})")
    for key, value in result["metrics"].items():
        metrics.add_row(key, f"{value:.4f}", wanted.get(key, ""))
    console.print(metrics)
    if not result["rows"]:
        return
    columns = [key for key, value in result["rows"][0].items() if isinstance(value, str | int | float | None)]
    rows = Table(*columns)
    for row in result["rows"]:
        cells = (row.get(key) for key in columns)
        rows.add_row(
            *("" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells)
        )
    console.print(rows)
