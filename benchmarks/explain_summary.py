"""From the figures of explained images to rows of a table, from rows of seeds to a pair's, from those to metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

METHODS = ("explaingan", "nearest", "pgd")
RANGED = {"validity": "validity 95%", "oracle_validity": "oracle 95%", "cout": "cout 95%", "l1": "l1 95%"}
"""Figures with an interval, and the heading over its two ends."""

SHOWN = (*RANGED, "mask_area", "kid")
"""What stands in the table; ``details`` of a row holds the rest."""


def shown(run: str, method: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table: `SHOWN`, each of `RANGED` followed by the two ends of its interval, and ``details``."""
    row: dict[str, Any] = {"run": run, "method": method}
    for key in SHOWN:
        row[key] = figures.get(key)
        if key in RANGED:
            ends = [figures.get(f"{key}_{end}") for end in ("low", "high")]
            row[RANGED[key]] = None if None in ends else " ".join(f"{end:.3g}".replace("0.", ".", 1) for end in ends)
    return row | {"minutes": None, "details": {key: value for key, value in figures.items() if key not in SHOWN}}


def pooled(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each pair and method over its seeds, in the form of `shown`.

    Intervals are of the mean over seeds. For the validities all seeds' images count as one sample (Wilson); for COUT
    and L1 the seeds' own intervals are taken for independent. The test images are the same for every seed, so neither
    tells of other images or trainings in general: beside them, ``NAME_spread`` in ``details`` is the greatest figure of
    a seed less the least.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in found:
        groups.setdefault((row["run"].split("/")[0], row["method"]), []).append(row)
    return [over_seeds(pair, method, rows) for (pair, method), rows in groups.items()]


def over_seeds(pair: str, method: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The row of one pair and method."""
    from lineament.explanation.counterfactuals import wilson

    every = [{**row["details"], **row} for row in rows]
    names = [key for key, value in every[0].items() if isinstance(value, float) and key != "minutes"]
    figures: dict[str, Any] = {key: float(np.mean([one[key] for one in every])) for key in names}
    figures["images"] = sum(one["images"] for one in every)
    for key in RANGED:
        values = [one[key] for one in every]
        figures[f"{key}_spread"] = max(values) - min(values)
        if "validity" in key:
            figures[f"{key}_low"], figures[f"{key}_high"] = wilson(figures[key], figures["images"])
            continue
        for end in ("low", "high"):
            far = np.linalg.norm([one[f"{key}_{end}"] - one[key] for one in every]) / len(every)
            figures[f"{key}_{end}"] = figures[key] + float(far if end == "high" else -far)
    return shown(pair, method, figures)


def area_ratio(ours: Mapping[str, Any], near: Mapping[str, Any]) -> float:
    """How many times as many pixels visibly change in the nearest image as in our mask, or as change in our composite.

    The lesser of both: a mask must neither be faint where much changes nor wide where little does.
    """
    return float(near["details"]["changed"] / max(ours["details"]["changed"], ours["mask_area"]))


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The metrics of the pairs, each the worst pair's, mean over seeds where it does not say otherwise."""
    ours, near, adversarial = ([row for row in pooled(found) if row["method"] == method] for method in METHODS)
    own = [row for row in found if row["method"] == METHODS[0]]
    rival = [max(a["cout"], b["cout"]) for a, b in zip(near, adversarial, strict=True)]
    metrics = {
        "max_training_minutes": max((row["minutes"] for row in own if row["minutes"] is not None), default=np.nan),
        "nearest_over_mask_area": min(area_ratio(*both) for both in zip(ours, near, strict=True)),
        "nearest_over_l1": min(b["l1"] / a["l1"] for a, b in zip(ours, near, strict=True)),
        "cout_over_baselines": min(a["cout"] - b for a, b in zip(ours, rival, strict=True)),
    }
    for key in ("validity", "oracle_validity"):
        worst = min(ours, key=lambda row: float(row[key]))
        metrics[f"min_{key}"] = worst[key]
        metrics[f"min_{key}_low"], metrics[f"min_{key}_high"] = (
            worst["details"][f"{key}_{x}"] for x in ("low", "high")
        )
        metrics[f"min_{key}_of_a_seed"] = min(row[key] for row in own)
    metrics |= {f"greatest_spread_of_{key}": max(row["details"][f"{key}_spread"] for row in ours) for key in RANGED}
    for key in ("cout", "l1", "mask_area", "changed", "kid", "kid_floor", "fid", "fid_floor"):
        metrics[f"mean_{key}"] = float(np.mean([{**row["details"], **row}[key] for row in ours]))
    return metrics | {"mean_kid_nearest": float(np.mean([row["kid"] for row in near])), "runs": len(own)}
