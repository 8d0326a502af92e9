"""What the benchmarks of the defence share: a data set and how much of it, the rows of their tables, their flags.

Images, networks, attacked images and projections are those of `lineament.reproduction.material`, which the verb
``reproduce table`` measures with, too: kept in ``runs/benchmarks/defense/DATA``, so that a run that was killed goes on,
one of more images adds to one of fewer, and no benchmark computes again what another one has. A run of another seed
keeps what it trains and computes in a folder ``seedN`` there, a quick one in ``quick``.
"""

import argparse
import functools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from torch import Tensor

from benchmarks.harness import ROOT, data_root
from lineament.defense.architectures import Architecture
from lineament.errors import JobError, UsageError
from lineament.reproduction.chapter_5 import Defence
from lineament.reproduction.material import WIDTH, Material
from lineament.reproduction.memory import kept
from lineament.training.run import Device

RUNS = ROOT / "runs" / "benchmarks" / "defense"
DATA = ("mnist", "fashion_mnist")
CLASSES = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One data set, and how much of it.

    Attributes:
        data: registered set.
        n: test images, the first of a permutation.
        seed: of the permutation and all else.
        quick: a run to see that it runs: few images, the cheapest classifier, what is trained lies apart.
        device: where it is computed, see `Run`.
    """

    data: str
    n: int = 1000
    seed: int = 0
    quick: bool = False
    device: Device = "cpu"

    @property
    def material(self) -> Material:
        """Its images and networks, and what is computed of them."""
        return _material(self)

    @property
    def models(self) -> tuple[Architecture, ...]:
        """The classifiers of table 5.4."""
        return ("D",) if self.quick else ("A", "B", "C", "D")

    @property
    def prefix(self) -> str:
        """Of its metrics."""
        return self.data.partition("_")[0]

    def kept(self, make: Callable[[], Mapping[str, Tensor]], *facts: object) -> dict[str, Tensor]:
        """What ``make`` gives, which must follow from ``facts``: computed once, then read."""
        return kept(self.material.memory, make, *facts)


@functools.cache
def _material(task: Task) -> Material:
    return Material(task.data, RUNS / task.data, data_root(), task.n, task.seed, task.quick, task.device)


def row(
    task: Task, table: str, attack: str, model: str, defence: str, n: int, scores: Sequence[Sequence[float]],
    published: float | None = None, **details: Any,
) -> Row:  # fmt: skip
    """One defence in one cell: accuracy without attack, accuracy under it with its 95 % interval, the printed one.

    Args:
        scores: both accuracies, each with its interval, as `material.accuracy` gives them.
        details: what the row carries, but a terminal does not show.
    """
    clean, (accuracy, low, high) = scores
    if not task.quick:
        told = f"{task.data} {table} {attack} {model} {defence}"
        print(f"{time.strftime('%H:%M:%S')} {told}: {clean[0]:.3f} {accuracy:.3f}", flush=True)
    return {
        "data": task.data, "table": table, "attack": attack, "model": model, "defence": defence, "n": n,
        "clean": clean[0], "accuracy": accuracy, "low": low, "high": high, "published": published,
        "details": {"clean_interval": list(clean[1:]), **details},
    }  # fmt: skip


def learnt(task: Task, defence: Defence, model: Architecture) -> dict[str, Any]:
    """What the classifier of a defence learnt, and how wide its auto-encoder is, for the details of a row."""
    found = {"learnt": task.material.learnt(defence.trained(model))}
    reforms = defence.purifier in ("magnet", "autoencoded")
    return found | ({"width": WIDTH, "printed_width": 2 * WIDTH} if reforms else {})


def over(measure: Callable[[Task], tuple[dict[str, float], list[Row]]], *, few: int) -> Callable[..., Any]:
    """What `harness.benchmark` runs: ``measure`` over both sets, or over one.

    Args:
        measure: metrics and rows of one task.
        few: images of a quick run.
    """

    def run(*, quick: bool, seed: int, data: str | None, n: int, device: Device) -> tuple[dict[str, float], list[Row]]:
        metrics: dict[str, float] = {}
        rows: list[Row] = []
        for name in [data] if data else DATA:
            try:
                more, found = measure(Task(name, few if quick else n, seed, quick, device))
            except (JobError, UsageError) as error:
                sys.exit(f"{name}: {error}")
            metrics, rows = metrics | more, rows + found
        return metrics, rows

    return run


def arguments(n: int) -> Callable[[argparse.ArgumentParser], None]:
    """The flags of a benchmark that by default measures ``n`` images."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--data", choices=DATA, help="measure this set alone, and leave what is recorded of the other"
        )
        parser.add_argument("--n", type=int, default=n, help="test images of each set")
        parser.add_argument("--device", choices=get_args(Device), default="cpu")

    return add
