"""What else is asked of explainers of pairs: shuffled labels, a black box, one network for three classes, a chain.

Each row of the chain, which is of digits alone, takes one thing away from a short training, to say what it brought.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.explain_measures import crossed, rows, share, tested
from benchmarks.explain_pairs import Case, Plan, case

SHORT = 500
"""Steps of a training in the chain."""

CHAINED = "mnist"
"""The data set of the chain; one is enough for what it costs."""

CHAIN: dict[str, dict[str, Any]] = {
    "short": {},
    "short-no-R1": {"penalty": 0.0},
    "short-no-averaging": {"averaging": 0.0},
    "short-nothing-shared": {"shared": False},
    "short-no-shift": {"shift": 0, "noise": 0.0},
}


def plans(data: str, pair: tuple[str, str], several: tuple[str, ...], seed: int, quick: bool) -> list[Plan]:
    """The control runs of one data set, all but the multi-class one of the same pair; the chain on digits alone."""
    chain = [
        Plan(data, pair, seed, note=note, changes={"steps": SHORT} | changes)
        for note, changes in CHAIN.items()
        if data == CHAINED
    ]
    found = [Plan(data, pair, seed, "shuffled"), Plan(data, pair, seed, "black-box"), Plan(data, several, seed), *chain]
    return [Plan(**(vars(plan) | {"quick": quick})) for plan in found]


def measure(controls: Sequence[Plan], alike: Sequence[Plan]) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Metrics and rows of the control runs.

    Args:
        controls: as `plans` gives them.
        alike: trainings of the pair itself by one or two seeds; between two, masks are as alike as they can be.
    """
    shuffled, *others = [case(plan) for plan in controls]
    made = [row for one in (shuffled, *others) for row in rows(one)]
    ours = {row["run"].split("/")[0]: row for row in made if row["method"] == "explaingan"}
    black_box, several, *chain = (ours[one.plan.name.split("/")[0]] for one in others)
    metrics = {
        "black_box_validity": black_box["validity"],
        "several_classes_validity": several["validity"],
        "several_classes_oracle_validity": several["oracle_validity"],
    }
    for row, note in zip(chain[1:], list(CHAIN)[1:], strict=bool(chain)):
        metrics[f"{note.replace('-', '_')}_validity_lost"] = chain[0]["validity"] - row["validity"]
        metrics[f"{note.replace('-', '_')}_kid_lost"] = row["kid"] - chain[0]["kid"]
    first, *rest = [case(plan) for plan in alike]
    compared = {"shuffled": shuffled} | ({"seeds": rest[0]} if rest else {})
    return metrics | randomised(first, compared), made


def randomised(own: Case, others: Mapping[str, Case]) -> dict[str, float]:
    """How alike the masks of one test image are: of the pair, and of shuffled labels or of another seed of the pair.

    Correlation over pixels, and IoU of what lies above one half; means over images.
    """
    from lineament.explanation.regions import iou

    images = tested(own)
    mask, values = crossed(own, images).mask[:, 0], {}
    for name, one in others.items():
        other = crossed(one, images).mask[:, 0]
        values[f"mask_correlation_{name}"] = correlation(mask, other)
        values[f"mask_iou_{name}"] = float(np.nanmean(iou(mask, other > 0.5)))
    shuffled = others["shuffled"]
    changed = share(own.decisions.predict(images) != shuffled.decisions.predict(images))
    return values | {"shuffled_decides_otherwise": changed}


def correlation(one: Any, other: Any) -> float:
    """Of two maps of each image over its pixels, mean over images whose maps both vary."""
    one, other = ((maps.flatten(1) - maps.flatten(1).mean(1, keepdim=True)).double() for maps in (one, other))
    scale = one.norm(dim=1) * other.norm(dim=1)
    return float(((one * other).sum(1) / scale)[scale > 0].mean())
