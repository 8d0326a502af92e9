"""Each network of table 2.16 on one core: parameters, megabytes, milliseconds, beside its seconds on a Nexus 5."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    from lineament.deployment.phone import network_costs
    from lineament.detectors.attributes import CELEBA_ATTRIBUTES
    from lineament.detectors.detector import Detector, build_network
    from lineament.detectors.heads import Head
    from lineament.detectors.presets import paper, wide

    torch.manual_seed(seed)
    with (ROOT / "benchmarks" / "published" / "table_2_16.csv").open() as file:
        published = {(row["architecture"], row["face_part"]): row for row in csv.DictReader(file)}
    rows = []
    for kind, preset in (("deep", paper), ("wide", wide)):
        parts = preset(CELEBA_ATTRIBUTES).parts
        width = sum(part.embedding for part in parts)
        detector = Detector(
            parts, {part.name: build_network(part) for part in parts},
            Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32)), attributes=["Male"],
            thresholds=np.full(1, 0.5), eyes=np.array([[0.386, 0.44], [0.61, 0.44]]), shape=(128, 128),
        )  # fmt: skip
        for cost in network_costs(detector, rounds=1 if quick else 5):
            printed = published[kind, cost.part]
            rows.append({"network": printed["network"], "parameters": cost.parameters, "megabytes": cost.megabytes,
                         "multiply_adds_m": cost.multiply_adds / 1e6, "ms": cost.milliseconds,
                         "published_phone_s": float(printed["prediction_time_s"])})  # fmt: skip
    ours, phone = (np.array([row[key] for row in rows]) for key in ("ms", "published_phone_s"))
    half = len(rows) // 2
    metrics = {
        "multi_deep_ms": ours[:half].sum(),
        "multi_wide_ms": ours[half:].sum(),
        "multi_deep_mb": sum(row["megabytes"] for row in rows[:half]),
        "multi_wide_mb": sum(row["megabytes"] for row in rows[half:]),
        "correlation_deep": float(np.corrcoef(ours[:half], phone[:half])[0, 1]),
        "correlation_wide": float(np.corrcoef(ours[half:], phone[half:])[0, 1]),
    }
    return metrics, rows


if __name__ == "__main__":
    benchmark("phone", "milliseconds and megabytes of each part network, beside table 2.16", measure)
