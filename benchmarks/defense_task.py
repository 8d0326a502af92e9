"""What the benchmarks of the defence share: images, networks, purifiers, and a memory of what was dear to compute.

A projection takes up to a third of a second of a core for one image, and the tables ask for tens of thousands. So
projections, attacks and substitutes are kept in ``runs/benchmarks/defense/DATA/kept``, each named by the sha256 of all
that it follows from: weights, settings, seed, images. A run that was killed goes on, one of more images adds to one of
fewer, and no benchmark computes again what another one has. What does not show in the name is a change of the code
itself: after one, delete the folder.
"""

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness import ROOT, data_root
from lineament.datasets.labelled import floats
from lineament.errors import UsageError
from lineament.reproduction import memory
from lineament.reproduction.material import PIECE
from lineament.reproduction.parts import Parts
from lineament.reproduction.parts import parts as section_5_4

RUNS = ROOT / "runs" / "benchmarks" / "defense"
DATA = ("mnist", "fashion_mnist")
CLASSES = 10

PRINTED = {"mnist": "MNIST", "fashion_mnist": "F-MNIST"}
"""What the dissertation's tables call the sets."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One data set, and how much of it.

    Attributes:
        data: registered set.
        n: test images, the first of a permutation.
        seed: of the permutation and all else.
        quick: a run to see that it runs: few images, the cheapest classifier, what is trained is not kept.
    """

    data: str
    n: int = 1000
    seed: int = 0
    quick: bool = False

    @property
    def networks(self) -> Path:
        """Where networks that were trained for this set are looked for."""
        return RUNS / self.data

    @property
    def home(self) -> Path:
        """Where what is computed and trained is kept; of a quick run it is gone when the process ends."""
        return Path(scratch().name) / self.data if self.quick else self.networks

    @property
    def models(self) -> tuple[str, ...]:
        """The classifiers of table 5.4."""
        return ("D",) if self.quick else ("A", "B", "C", "D")


@functools.cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """Where quick runs lie."""
    return tempfile.TemporaryDirectory()


@functools.cache
def parts(task: Task) -> Parts:
    """The images of a task, as bytes, in the parts of section 5.4."""
    try:
        return section_5_4(task.data, data_root(), task.n, seed=task.seed)
    except UsageError as error:
        sys.exit(f"--n: {error}")


def given(task: Task) -> tuple[Tensor, Tensor]:
    """Test images, as an image batch, and their classes."""
    part = parts(task).test
    return floats(part.images), part.labels


def kept(task: Task, make: Callable[[], Mapping[str, Tensor]], *facts: object) -> dict[str, Tensor]:
    """What ``make`` gives, which must follow from ``facts``: computed once, then read."""
    return memory.kept(task.home / "kept", make, *facts)


def pieces(name: str, total: int, make: Callable[[int], Mapping[str, Tensor]], size: int = PIECE) -> dict[str, Tensor]:
    """What ``make`` gives of each piece of images that starts there, put together; says how long it took if long."""
    started = time.perf_counter()
    found = [make(start) for start in range(0, total, size)]
    if (seconds := time.perf_counter() - started) > 5:
        print(f"{time.strftime('%H:%M:%S')} {name}: {total} images in {seconds:.0f} s", flush=True)
    return {key: torch.cat([piece[key] for piece in found]) for key in found[0]}


def row(
    task: Task, table: str, attack: str, model: str, defence: str, n: int, scores: Sequence[list[float]],
    published: float | None = None, **details: Any,
) -> Row:  # fmt: skip
    """One defence in one cell: accuracy without attack, accuracy under it with its 95 % interval, the printed one.

    Args:
        scores: both accuracies, each with its interval, as `defense_networks.right` gives them.
        details: what the row carries, but a terminal does not show.
    """
    clean, (accuracy, low, high) = scores
    return {
        "data": task.data, "table": table, "attack": attack, "model": model, "defence": defence, "n": n,
        "clean": clean[0], "accuracy": accuracy, "low": low, "high": high, "published": published,
        "details": {"clean_interval": clean[1:], **details},
    }  # fmt: skip


def over(measure: Callable[[Task], tuple[dict[str, float], list[Row]]], *, few: int) -> Callable[..., Any]:
    """What `harness.benchmark` runs: ``measure`` over both sets, or over one, whose figures are then not recorded.

    Args:
        measure: metrics and rows of one task.
        few: images of a quick run.
    """

    def run(*, quick: bool, seed: int, data: str | None, n: int) -> tuple[dict[str, float], list[Row]]:
        metrics: dict[str, float] = {}
        rows: list[Row] = []
        for name in [data] if data else DATA:
            more, found = measure(Task(name, few if quick else n, seed, quick))
            metrics, rows = metrics | more, rows + found
        if data and not quick:
            print("\n".join(f"{name}: {value:.4f}" for name, value in metrics.items()))
            raise SystemExit(0)
        return metrics, rows

    return run


def arguments(n: int) -> Callable[[argparse.ArgumentParser], None]:
    """The flags of a benchmark that by default measures ``n`` images."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--data", choices=DATA, help="compute and keep what this set needs, and record nothing")
        parser.add_argument("--n", type=int, default=n, help="test images of each set")

    return add
