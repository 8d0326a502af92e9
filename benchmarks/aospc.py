"""Table 4.1 on MNIST and Fashion-MNIST: how far the decided class falls as what a map ranks first turns to noise.

Equation 4.17 over ten segments for each of three thresholds: every attribution method for the decided class, beside
ExplainGAN's mask, on test images of every pair and seed of a data set together. A column is a data set at a threshold;
ExplainGAN counts as first or tied if its mean is not below the interval (bootstrap over images) of the best other one.
The printed unit is unknown: the drop of the probability decides the columns, that of the log-odds stands beside it, and
the published figures lend their order alone.

A signed map is read twice, as it is and with what speaks against the decision set to 0 before it is stretched to
[0, 1]; both readings stand as rows, so that the better of the two is what ExplainGAN is held against.

The measure rewards who marks more. Beside it stand the share of the pixels that were noise after the last step and the
excess of the drop over that of the same segments at a random place, and columns are counted by the excess too. Our row
of a column has the mean difference to the best other reading, image by image where both count, with its interval.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.explain_measures import crossed
from benchmarks.explain_pairs import Case, case, pair_plans
from benchmarks.explain_sheets import heat, sheet
from benchmarks.harness import ROOT, benchmark

OURS = "explaingan"
PRINTED = {"input_x_gradient": "Grad", "grad_cam": "Grad-CAM", "saliency": "Saliency", "occlusion": "Occlusion",
           "lrp_epsilon": "LRP", OURS: "ExplainGAN"}  # fmt: skip
"""Our names of the rows of table 4.1."""

THRESHOLDS = (0.5, 0.7, 0.9)
STEPS = 10
CLIPPED = " >= 0"
"""Added to the name of a method whose maps are read without their negative values."""

IMAGES, QUICK_IMAGES = 500, 40
"""Test images of each pair and seed."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, help="how many runs of each pair, from --seed on")


def measure(*, quick: bool, seed: int, seeds: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.explanation.pairs import PAIRS

    rows = [row for data in PAIRS for row in columns(data, [case(p) for p in pair_plans(data, seed, seeds, quick)])]
    metrics: dict[str, float] = {}
    for unit, suffix in (("probability", ""), ("log_odds", "_log_odds"), ("excess", "_by_excess")):
        places = [place(rows, data, threshold, unit) for data in PAIRS for threshold in THRESHOLDS]
        metrics[f"columns_first{suffix}"] = sum(first for first, _ in places)
        metrics[f"columns_first_or_tied{suffix}"] = sum(tied for _, tied in places)
    ours = [row for row in rows if row["method"] == OURS]
    metrics["mean_drop"] = float(np.mean([row["probability"] for row in ours]))
    metrics["mean_drop_of_random_places"] = float(np.mean([row["control"] for row in ours]))
    return metrics, rows


def columns(data: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """A row for each threshold and reading, over the images of all cases."""
    from lineament.explanation.perturbation import aospc, segments

    found: dict[tuple[float, str], list[dict[str, Any]]] = {}
    for one in cases:
        images, maps = mapped(one)
        for threshold in THRESHOLDS:
            for method, own in read(maps).items():
                by_map, control, valid = aospc(
                    one.decisions, images, own, threshold=threshold, steps=STEPS, seed=one.plan.seed
                )
                order = segments(own, threshold).order
                drop, elsewhere = by_map.probability.mean(1), control.probability.mean(1)
                found.setdefault((threshold, method), []).append({
                    "valid": valid, "probability": drop, "log_odds": by_map.log_odds.mean(1), "control": elsewhere,
                    "excess": drop - elsewhere, "marked": ((order > 0) & (order <= STEPS)).float().mean((1, 2)),
                })  # fmt: skip
    every = {key: {name: joined([part[name] for part in parts]) for name in parts[0]} for key, parts in found.items()}
    printed = published(data)
    rows = [
        {"data": data, "threshold": threshold, "method": method} | figures(one)
        | {"published": printed.get((method, threshold)), "ahead": None, "ahead_of": None}
        for (threshold, method), one in every.items()
    ]  # fmt: skip
    for threshold in THRESHOLDS:
        ours, best = column(rows, data, threshold, "probability")
        ours["ahead_of"] = best["method"]
        ours |= ahead(every[threshold, OURS], every[threshold, best["method"]])
    return rows


def read(maps: Mapping[str, Any]) -> dict[str, Any]:
    """Each map as it is, and without its negative values if it has any."""
    return {**maps, **{f"{name}{CLIPPED}": own.clamp(min=0) for name, own in maps.items() if own.min() < 0}}


def figures(one: Mapping[str, Any]) -> dict[str, Any]:
    """Means over the images that count, with the intervals of the drops, from values ``(n,)`` by name."""
    from lineament.explanation.perturbation import bootstrap

    valid = one["valid"]
    row: dict[str, Any] = {"images": len(valid), "skipped": float((~valid).float().mean())}
    row["marked"] = float(one["marked"][valid].mean())
    for name in ("probability", "log_odds", "control", "excess"):
        row[name], *row[f"{name}_interval"] = bootstrap(one[name][valid])
    return row


def ahead(ours: Mapping[str, Any], best: Mapping[str, Any]) -> dict[str, Any]:
    """By how much our drop of the probability exceeds another's on the images that count for both."""
    from lineament.explanation.perturbation import bootstrap

    both = ours["valid"] & best["valid"]
    difference, *ends = bootstrap((ours["probability"] - best["probability"])[both])
    return {"ahead": difference, "ahead_interval": ends}


def mapped(one: Case) -> tuple[Any, dict[str, Any]]:
    """Test images drawn by the run's seed, and the maps ``(n, height, width)`` of every method."""
    import torch

    from lineament.datasets.labelled import floats
    from lineament.explanation.attribution import METHODS, attribute

    generator = torch.Generator().manual_seed(one.plan.seed)
    order = torch.randperm(len(one.parts.test), generator=generator)
    images = floats(one.parts.test.images[order[: QUICK_IMAGES if one.plan.quick else IMAGES]])
    explanation = crossed(one, images)
    maps = {OURS: explanation.mask[:, 0]}
    for method in METHODS:
        print(f"  {method}", flush=True)
        maps[method] = attribute(method, one.decisions, images, explanation.source)
    pictures = {name: heat(own[:24]) for name, own in maps.items()}
    path = one.plan.sheet.with_name(f"maps-{one.plan.sheet.name}")
    sheet(path, {"input": images[:24], "composite": explanation.composite[:24], **pictures})
    return images, maps


def joined(parts: Sequence[Any]) -> Any:
    import torch

    return torch.cat(list(parts))


def published(data: str) -> dict[tuple[str, float], float | None]:
    """The column of table 4.1 by method and threshold; there is one for MNIST alone."""
    names = {printed: ours for ours, printed in PRINTED.items()}
    with (ROOT / "benchmarks" / "published" / "table_4_1.csv").open() as file:
        return {
            (names[row["method"]], float(row["segmentation_threshold"])): float(row["aospc"]) if row["aospc"] else None
            for row in csv.DictReader(file)
            if row["dataset"].lower() == data
        }


def column(rows: Sequence[dict[str, Any]], data: str, threshold: float, unit: str) -> tuple[dict[str, Any], ...]:
    """Our row of a column, and the best other one."""
    found = {row["method"]: row for row in rows if (row["data"], row["threshold"]) == (data, threshold)}
    ours = found.pop(OURS)
    return ours, max(found.values(), key=lambda row: -np.inf if np.isnan(row[unit]) else float(row[unit]))


def place(rows: Sequence[dict[str, Any]], data: str, threshold: float, unit: str) -> tuple[bool, bool]:
    """Whether ExplainGAN is the first of a column, and whether it is first or within the interval of the first."""
    ours, best = column(rows, data, threshold, unit)
    return bool(ours[unit] > best[unit]), bool(ours[unit] >= best[f"{unit}_interval"][0])


if __name__ == "__main__":
    benchmark("aospc", "the mask marks what the decision rests on, as well as the best attribution", measure,
              arguments=flags)  # fmt: skip
