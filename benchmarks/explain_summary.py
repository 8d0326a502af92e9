"""From the figures of explained images to rows of a table, from rows of seeds to a pair's, from those to metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

METHODS = ("explaingan", "nearest", "pgd")
RANGED = ("validity", "oracle_validity", "cout", "l1")
SHOWN = (*RANGED, "mask_area", "changed", "kid")
"""What stands in the table, with the intervals of `RANGED`; ``details`` of a row holds the rest."""


def shown(
    run: str, method: str, figures: Mapping[str, Any], classes: Sequence[str], judges: Sequence[str]
) -> dict[str, Any]:
    """A row of the table: `SHOWN`, each of `RANGED` followed by the two ends of its interval, and ``details``.

    Beside the validities stand those towards each class and by each oracle, in their order.
    """

    def line(*keys: str) -> str | None:
        return " ".join(f"{figures[key]:.3f}" for key in keys if key in figures) or None

    row: dict[str, Any] = {"run": run, "method": method}
    for key in SHOWN:
        row[key] = figures.get(key)
        if key in RANGED:
            row[f"{key}_95"] = line(f"{key}_low", f"{key}_high")
    row["by_target"] = line(*(f"validity_to_{name}" for name in classes))
    row["by_oracle"] = line(*(f"oracle_validity_{name}" for name in judges))
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
    classes, judges = (
        [key.removeprefix(prefix) for key in names if key.startswith(prefix)]
        for prefix in ("validity_to_", "oracle_validity_")
    )
    return shown(pair, method, figures, classes, [name for name in judges if name not in ("low", "high")])


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The metrics of the pairs, each the worst pair's, mean over seeds where it does not say otherwise."""
    ours, near, adversarial = ([row for row in pooled(found) if row["method"] == method] for method in METHODS)
    own = [row for row in found if row["method"] == METHODS[0]]
    rival = [max(a["cout"], b["cout"]) for a, b in zip(near, adversarial, strict=True)]
    metrics = {
        "max_training_minutes": max((row["minutes"] for row in own if row["minutes"] is not None), default=np.nan),
        "nearest_over_mask_area": min(b["mask_area"] / a["mask_area"] for a, b in zip(ours, near, strict=True)),
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
    metrics |= {f"mean_{key}": float(np.mean([row[key] for row in ours])) for key in SHOWN[2:]}
    for key in ("kid_floor", "fid", "fid_floor"):
        metrics[f"mean_{key}"] = float(np.mean([row["details"][key] for row in ours]))
    return metrics | {"mean_kid_nearest": float(np.mean([row["kid"] for row in near])), "runs": len(own)}
