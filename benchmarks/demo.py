"""The README's first command on a clean clone: seconds until the page is there, and the most memory a process took.

The packages must be in pip's cache already, for the network is not what is measured.
"""

import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, benchmark


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "lineament"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        rows = []
        for step, command in steps(quick).items():
            started = time.perf_counter()
            subprocess.run(command, cwd=clone, check=True, stdout=subprocess.DEVNULL)
            rows.append({"step": step, "seconds": time.perf_counter() - started})
        page = clone / "dossier.html"
        size = page.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"seconds": sum(row["seconds"] for row in rows), "peak_gb": peak, "page_mb": size}, rows


def steps(quick: bool) -> dict[str, list[str]]:
    """`make demo` as its two halves; quick leaves out the installation and asks for a first look only."""
    if quick:
        return {"dossier": [str(ROOT / ".venv" / "bin" / "lineament"), "dossier", "--quick"]}
    return {"install": ["make", ".venv/.demo"], "dossier": ["make", "demo"]}


if __name__ == "__main__":
    benchmark(
        "demo", "make demo on a clean clone: under five minutes and 3 GB once the packages are downloaded", measure
    )
