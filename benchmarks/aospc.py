"""Table 4.1 on MNIST and Fashion-MNIST: how far the decided class falls as what a map ranks first turns to noise.

Equation 4.17 over ten segments for each of three thresholds: every attribution method for the decided class, beside
ExplainGAN's mask, on test images of every pair and seed of a data set together. A column is a data set at a threshold;
ExplainGAN counts as first or tied if its mean is not below the interval (bootstrap over images) of the best other one.
The printed unit is unknown: the drop of the probability decides the columns, that of the log-odds stands beside it, and
the published figures lend their order alone.
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
IMAGES, QUICK_IMAGES = 500, 40
"""Test images of each pair and seed."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, help="how many runs of each pair, from --seed on")


def measure(*, quick: bool, seed: int, seeds: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.explanation.pairs import PAIRS

    rows = [row for data in PAIRS for row in columns(data, [case(p) for p in pair_plans(data, seed, seeds, quick)])]
    metrics: dict[str, float] = {}
    for unit in ("probability", "log_odds"):
        places = [place(rows, data, threshold, unit) for data in PAIRS for threshold in THRESHOLDS]
        suffix = "" if unit == "probability" else f"_{unit}"
        metrics[f"columns_first{suffix}"] = sum(first for first, _ in places)
        metrics[f"columns_first_or_tied{suffix}"] = sum(tied for _, tied in places)
    ours = [row for row in rows if row["method"] == OURS]
    metrics["mean_drop"] = float(np.mean([row["probability"] for row in ours]))
    metrics["mean_drop_of_random_places"] = float(np.mean([row["control"] for row in ours]))
    return metrics, rows


def columns(data: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """A row for each threshold and method, over the images of all cases."""
    from lineament.explanation.perturbation import aospc, bootstrap

    found: dict[tuple[float, str], list[Any]] = {}
    for one in cases:
        images, maps = mapped(one)
        for threshold in THRESHOLDS:
            for method, own in maps.items():
                drops = aospc(one.decisions, images, own, threshold=threshold, seed=one.plan.seed)
                found.setdefault((threshold, method), []).append(drops)
    printed, rows = published(data), []
    for (threshold, method), parts in found.items():
        valid = np.concatenate([part.valid for part in parts])
        row: dict[str, Any] = {"data": data, "threshold": threshold, "method": method, "images": len(valid),
                               "skipped": float(1 - valid.mean())}  # fmt: skip
        for name, side, unit in (("probability", 0, 0), ("log_odds", 0, 1), ("control", 1, 0)):
            drops = joined([part[side][unit].mean(1) for part in parts])[valid]
            row[name], *row[f"{name}_interval"] = bootstrap(drops)
        rows.append(row | {"published": printed.get((method, threshold))})
    return rows


def mapped(one: Case) -> tuple[Any, dict[str, Any]]:
    """Test images drawn by the run's seed, and the maps ``(n, height, width)`` of every method."""
    import torch

    from lineament.explanation.attribution import METHODS, attribute
    from lineament.explanation.pairs import floats

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


def place(rows: Sequence[Mapping[str, Any]], data: str, threshold: float, unit: str) -> tuple[bool, bool]:
    """Whether ExplainGAN is the first of a column, and whether it is first or within the interval of the first."""
    column = {row["method"]: row for row in rows if (row["data"], row["threshold"]) == (data, threshold)}
    ours = column.pop(OURS)[unit]
    best = max(column.values(), key=lambda row: -np.inf if np.isnan(row[unit]) else float(row[unit]))
    return bool(ours > best[unit]), bool(ours >= best[f"{unit}_interval"][0])


if __name__ == "__main__":
    benchmark("aospc", "the mask marks what the decision rests on, as well as the best attribution", measure,
              arguments=flags)  # fmt: skip
