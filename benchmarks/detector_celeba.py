"""Attribute detection on CelebA: the published MultiDeep, our preset, and what each of its changes brought.

Trained on split 0, tuned on split 1 (checkpoint, calibration, thresholds, column statistics), tested on split 2.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root

RUNS = ROOT / "runs" / "benchmarks" / "detector_celeba"


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", help="train and test these rows alone, and write nothing")


def measure(
    *, quick: bool, seed: int, only: Sequence[str] | None
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    from lineament.datasets.celeba import celeba
    from lineament.detectors.presets import DetectorConfig

    torch.set_num_threads(1)
    dataset = celeba(data_root() / "celeba")
    if quick:
        people = np.unique(dataset.identity)
        dataset = dataset.subset(np.isin(dataset.identity, people[::12]))
    schedules: dict[str, DetectorConfig] = configurations(dataset.attributes)
    if quick:
        schedules = {
            name: replace(config, epochs=1) for name, config in schedules.items() if name in ("flip", "augmented")
        }
    rows = [row(name, config, dataset, seed, quick) for name, config in schedules.items() if not only or name in only]
    if only:
        raise SystemExit("\n".join(map(str, rows)))
    by_name = {entry["row"]: entry for entry in rows}
    best, published = by_name.get("lineament", rows[-1]), by_name.get("paper", rows[0])
    keys = ("mean_accuracy", "mean_balanced_accuracy", "mean_auc", "set_eer", "single_eer")
    return {key: best[key] for key in keys} | {"paper_mean_accuracy": published["mean_accuracy"]}, rows


def configurations(attributes: Sequence[str]) -> dict[str, Any]:
    """The two presets, and a chain of short runs at 64 px in which one thing is added at a time."""
    from lineament.detectors.augmentation import Augmentation
    from lineament.detectors.presets import lineament, paper

    full = lineament(attributes)
    head, face = (replace(part, dropout=0.0, window=_half(part.window)) for part in full.parts)
    short = replace(full, epochs=10, mirror=False, averaging=0.0, mixup=0.0, smoothing=0.0)
    plain = Augmentation(contrast=0, gamma=0)
    dropped = (replace(head, dropout=full.parts[0].dropout), replace(face, dropout=full.parts[1].dropout))
    chain = {"flip": replace(short, parts=(head,), augmentation=plain)}
    chain["augmented"] = replace(short, parts=(head,))
    chain["queues"] = replace(short, parts=(head,), sampling="queues")
    chain["averaged"] = replace(short, parts=dropped[:1], averaging=full.averaging)
    chain["mixup"] = replace(chain["averaged"], mixup=0.2)
    chain["parts"] = replace(short, parts=dropped, averaging=full.averaging)
    chain["resolution"] = replace(short, parts=full.parts, averaging=full.averaging)
    return {"paper": paper(attributes), "lineament": full, **chain}


def _half(window: Any) -> Any:
    return replace(window, width=window.width // 2, height=window.height // 2, zoom=window.zoom / 2)


def row(name: str, config: Any, dataset: Any, seed: int, quick: bool) -> dict[str, Any]:
    """Train one configuration (or take up its finished run) and hold it against the test part."""
    from lineament.authentication.verification import set_eer, single_eer, standardise
    from lineament.datasets.pixels import pixels
    from lineament.detectors.evaluation import commonest, evaluate, thresholds
    from lineament.detectors.prediction import log_odds, sigmoid
    from lineament.detectors.training import train_detector

    folder = RUNS / ("quick" if quick else "full") / name
    detector = train_detector(dataset, config, folder, seed=seed)
    memory = pixels(dataset)
    # column by column in the data set's own order
    order = [detector.attributes.index(attribute) for attribute in dataset.attributes]
    found = log_odds(detector, dataset, memory)[:, order]
    train, development, test = (dataset.split == part for part in range(3))
    scores = sigmoid(found)
    majority = commonest(dataset.labels[train])

    def held(criterion: Any) -> Any:
        chosen = thresholds(scores[development], dataset.labels[development], criterion)
        return evaluate(
            scores[test], dataset.labels[test], chosen, dataset.identity[test],
            attributes=dataset.attributes, majority=majority,
        )  # fmt: skip

    result, balanced = held("accuracy"), held("balanced_accuracy")
    names = [dataset.names[i] for i in np.flatnonzero(test)]
    vectors = standardise(found[test], found[development])
    pair = set_eer(vectors, dataset.identity[test], names), single_eer(vectors, dataset.identity[test], names)
    return {
        "row": name,
        "n": int(test.sum()),
        "epochs": config.epochs,
        "mean_accuracy": float(result.means["accuracy"][0]),
        "mean_balanced_accuracy": float(result.means["balanced_accuracy"][0]),
        "mean_auc": float(result.means["auc"][0]),
        "set_eer": float(pair[0].eer[0]),
        "single_eer": float(pair[1].eer[0]),
        "balanced_accuracy_at_balanced_thresholds": float(balanced.means["balanced_accuracy"][0]),
        "accuracy_at_balanced_thresholds": float(balanced.means["accuracy"][0]),
        "majority": float(np.mean(result.majority)),
        "intervals": {key: value.tolist() for key, value in result.means.items()}
        | {"set_eer": np.asarray(pair[0].eer).tolist(), "single_eer": np.asarray(pair[1].eer).tolist()},
        "attributes": result.rows() if name in ("paper", "lineament") else [],
    }


if __name__ == "__main__":
    benchmark(
        "detector_celeba",
        "40 attributes of CelebA on people never seen: the published MultiDeep and our preset",
        measure,
        arguments=flags,
    )
