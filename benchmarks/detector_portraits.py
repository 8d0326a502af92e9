"""Attribute detection on portraits of people never seen: the preset whose artifact ships with the package."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.datasets.pixels import pixels
    from lineament.datasets.portraits import portraits
    from lineament.detectors import presets
    from lineament.detectors.evaluation import commonest, evaluate
    from lineament.detectors.prediction import log_odds, sigmoid
    from lineament.detectors.training import train_detector

    dataset = portraits(people=60, images_per_person=6, seed=seed) if quick else portraits(seed=seed)
    config = presets.portraits(dataset.attributes)
    if quick:
        config = replace(config, epochs=2)
    folder = ROOT / "runs" / "benchmarks" / "detector_portraits" / ("quick" if quick else f"full-{seed}")
    detector = train_detector(dataset, config, folder, seed=seed)
    train, test = dataset.split == 0, np.flatnonzero(dataset.split == 2)
    part = dataset.subset(test)
    result = evaluate(
        sigmoid(log_odds(detector, dataset, pixels(dataset), test)),
        part.labels,
        detector.thresholds,
        part.identity,
        attributes=dataset.attributes,
        majority=commonest(dataset.labels[train]),
    )
    metrics = {f"mean_{key}": float(value[0]) for key, value in result.means.items()}
    metrics |= {
        "majority": float(np.mean(result.majority)),
        "calibration_error": float(np.mean(result.calibration_error)),
        "n": len(test),
        "people": len(np.unique(part.identity)),
    }
    metrics |= {f"mean_accuracy_{end}": float(result.means["accuracy"][i]) for i, end in ((1, "low"), (2, "high"))}
    return metrics, result.rows()


if __name__ == "__main__":
    benchmark("detector_portraits", "attributes of drawn people never seen: mean accuracy at least 98 %", measure)
