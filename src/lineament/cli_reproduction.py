"""The verb that measures the dissertation's tables anew, as `lineament.cli` calls it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

__all__ = ["VERBS"]

Number = Literal[
    "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "5.10", "5.11", "5.12", "5.13"
]


def reproduce_table(
    number: Positional[Number],
    root: Path | None = None,
    out: Path = Path("runs/reproduction"),
    data: Literal["mnist", "fashion_mnist", "both"] = "both",
    n: int | None = None,
    mode: Literal["fast", "reference"] | None = None,
    quick: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    json: bool = False,
    dry_run: bool = False,
) -> None:
    """Measure a table of chapter 4 or 5 on your own data, the printed values beside; it can be resumed.

    4.1 perturbs what a map marks, 4.2 retrains classifiers on made images, 4.3 compares methods of making them. It
    takes some ten minutes of two cores a pair of classes, 4.3 half an hour.

    5.1 to 5.4 defend against attacks that do not know of the defence, 5.8 to 5.11 vary the projection's steps and
    restarts, 5.12 is of men and women in CelebA, 5.13 of seconds; 5.5 to 5.7 are the networks, layer by layer. One
    thousand images of 5.4 take an hour or two of a core in the fast mode, ten times that in the reference mode; 5.12
    first trains a generator of faces, for hours, unless OUT/defense/celeba/generator holds one.
    `lineament data fetch` brings MNIST and Fashion-MNIST.

    Args:
        number: of the table.
        root: folder that holds MNIST/, FashionMNIST/ and celeba/; $LINEAMENT_DATA unless given.
        out: folder of the runs; finished ones are taken up.
        data: one of the two sets alone.
        n: test images, for chapter 5; 1,000 unless given.
        mode: of the projection, for chapter 5 where a table does not vary it: fast unless given, or reference, which is
            L and R as printed.
        quick: one pair, or few images: to see that it runs, in about a minute.
        seed: of the split, of what is trained, and of the attacks.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        json: print every number as JSON instead of tables.
        dry_run: print what would be measured as JSON and stop.
    """
    from lineament.reproduction.commands import reproduce

    reproduce(
        number, root=root, out=out, data=data, n=n, mode=mode, quick=quick, seed=seed, device=device,
        precision=precision, json=json, dry_run=dry_run,
    )  # fmt: skip


VERBS: dict[str, Callable[..., Any]] = {"reproduce table": reproduce_table}
