"""Attribute detection on CelebA: the published MultiDeep, our preset, and what each of its changes brought.

Trained on split 0, tuned on split 1 (checkpoint, calibration, thresholds, whitening), tested on split 2.
Accuracy and balanced accuracy stand at the same thresholds: those that maximise accuracy plus a twentieth of balanced
accuracy on split 1. What the two would be at thresholds of their own is told beside them.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root, revision


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", nargs="+", metavar="ROW", help="train these rows alone, for a later full call")


def measure(
    *, quick: bool, seed: int, train: Sequence[str] | None
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    import torch

    from lineament.datasets.celeba import celeba

    torch.set_num_threads(1)
    dataset = celeba(data_root() / "celeba")
    schedules = configurations(dataset.attributes)
    if quick:
        people = np.unique(dataset.identity)
        dataset = dataset.subset(np.isin(dataset.identity, people[::12]))
        schedules = {name: replace(schedules[name], epochs=1) for name in ("flip", "augmented")}
    if unknown := set(train or ()) - set(schedules):
        raise SystemExit(f"--train: unknown rows {', '.join(unknown)}; known: {', '.join(schedules)}")
    if train:
        for name in train:
            trained(name, schedules[name], dataset, seed, quick)
        raise SystemExit(0)
    rows = [row(name, config, dataset, seed, quick) for name, config in schedules.items()]
    by_name = {entry["row"]: entry for entry in rows}
    metrics: dict[str, float] = {}
    if "lineament" in by_name:
        keys = ("mean_accuracy", "mean_balanced_accuracy", "mean_auc", "set_eer", "single_eer")
        metrics = {key: by_name["lineament"][key] for key in keys}
        metrics["paper_mean_accuracy"] = by_name["paper"]["mean_accuracy"]
    return metrics, rows


def folder(name: str, quick: bool) -> Path:
    """Where a row's run lies."""
    return ROOT / "runs" / "benchmarks" / "detector_celeba" / ("quick" if quick else "full") / name


def trained(name: str, config: Any, dataset: Any, seed: int, quick: bool) -> Any:
    """The row's detector: trained now, or taken from its finished run, which remembers the revision it began on."""
    from lineament.detectors.training import train_detector

    note = folder(name, quick) / "revision"
    if not note.exists():
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(revision())
    return train_detector(dataset, config, note.parent, seed=seed)


def configurations(attributes: Sequence[str]) -> dict[str, Any]:
    """The two presets, and a chain of short runs at 64 px, each of which changes one thing (``CHANGES``)."""
    from lineament.detectors.augmentation import Augmentation
    from lineament.detectors.presets import lineament, paper

    full = lineament(attributes)
    head, face = (replace(part, dropout=0.0) for part in full.parts)
    small_head, small_face = (replace(part, window=_half(part.window)) for part in (head, face))
    plain = Augmentation(contrast=0, gamma=0)
    chain = {
        "flip": replace(full, epochs=6, mirror=False, averaging=0.0, mixup=0.0, parts=(small_head,), augmentation=plain)
    }
    chain["augmented"] = replace(chain["flip"], augmentation=full.augmentation)
    chain["queues"] = replace(chain["flip"], sampling="queues")
    chain["averaged"] = replace(chain["flip"], averaging=full.averaging)
    chain["mixed labels"] = replace(chain["flip"], mixup=full.mixup)
    chain["parts"] = replace(chain["flip"], parts=(small_head, small_face))
    chain["resolution"] = replace(chain["flip"], parts=(head,))
    return {"paper": paper(attributes), "lineament": full, **chain}


CHANGES = {
    "paper": "the published MultiDeep with SVM heads",
    "lineament": "our preset, the full schedule",
    "flip": "base of the chain: head alone at 64 px, 6 epochs, mirror images as the only augmentation",
    "augmented": "base + augmentation",
    "queues": "base + balanced queues",
    "averaged": "base + averaged weights",
    "mixed labels": "base + mixup in the loss",
    "parts": "base + the face as a second part",
    "resolution": "base + 128 px instead of 64",
}


def _half(window: Any) -> Any:
    return replace(window, width=window.width // 2, height=window.height // 2, zoom=window.zoom / 2)


def row(name: str, config: Any, dataset: Any, seed: int, quick: bool) -> dict[str, Any]:
    """Train one configuration (or take up its finished run) and hold it against the test part."""
    from lineament.detectors.evaluation import commonest, evaluate, thresholds
    from lineament.detectors.prediction import decoded, log_odds, sigmoid

    place, detector = folder(name, quick), trained(name, config, dataset, seed, quick)
    train, development, test = (np.flatnonzero(dataset.split == part) for part in range(3))
    measured = np.concatenate([development, test])
    order = [detector.attributes.index(attribute) for attribute in dataset.attributes]
    found = log_odds(detector, dataset, decoded(dataset, detector.shape), measured)[:, order]
    first, second = found[: len(development)], found[len(development) :]

    def held(criterion: Any) -> Any:
        chosen = thresholds(sigmoid(first), dataset.labels[development], criterion)
        return evaluate(
            sigmoid(second), dataset.labels[test], chosen, dataset.identity[test],
            attributes=dataset.attributes, majority=commonest(dataset.labels[train]),
        )  # fmt: skip

    result, exact, balanced = held("mixed"), held("accuracy"), held("balanced_accuracy")
    who = identity(dataset, (development, first), (test, second))
    minutes = ((place / "checkpoint.safetensors").stat().st_mtime - (place / "run.json").stat().st_mtime) / 60
    return {
        "row": name,
        "change": CHANGES[name],
        "n": len(test),
        "epochs": config.epochs,
        "mean_accuracy": float(result.means["accuracy"][0]),
        "mean_balanced_accuracy": float(result.means["balanced_accuracy"][0]),
        "mean_auc": float(result.means["auc"][0]),
        "set_eer": who["set_eer"][0],
        "single_eer": who["single_eer"][0],
        "vectors": who["vectors"],
        "development_single_eer": who["development_single_eer"],
        "set_eer_cosine": who["set_eer_cosine"][0],
        "single_eer_cosine": who["single_eer_cosine"][0],
        "accuracy_at_accuracy_thresholds": float(exact.means["accuracy"][0]),
        "balanced_accuracy_at_balanced_thresholds": float(balanced.means["balanced_accuracy"][0]),
        "majority": float(np.mean(result.majority)),
        "wall_minutes_of_training": round(minutes, 1),
        "revision_of_training": (place / "revision").read_text(),
        "intervals": {key: value.tolist() for key, value in result.means.items()}
        | {key: who[key] for key in ("set_eer", "single_eer", "set_eer_cosine", "single_eer_cosine")},
        "attributes": beside_published(result.rows()) if name in ("paper", "lineament") else [],
    }


def identity(dataset: Any, development: tuple[Any, Any], test: tuple[Any, Any]) -> dict[str, Any]:
    """Set and single EER on the test people by the similarity of equation 2.2, and beside them by the cosine.

    Log-odds are standardised on development people, and whitened within people if that lowers their single EER.
    """
    from lineament.authentication.verification import set_eer, single_eer, standardise
    from lineament.authentication.whitening import within_person_whitening

    def people(index: Any) -> tuple[Any, list[str]]:
        return dataset.identity[index], [dataset.names[int(i)] for i in index]

    base = standardise(development[1], development[1])
    matrices = {"log-odds": np.eye(base.shape[1])}
    matrices["whitened log-odds"] = within_person_whitening(base, dataset.identity[development[0]])
    found = {
        name: single_eer(base @ matrix, *people(development[0]), resamples=10).eer[0]
        for name, matrix in matrices.items()
    }
    best = min(found, key=lambda name: found[name])
    vectors = standardise(test[1], development[1]) @ matrices[best]
    result: dict[str, Any] = {"vectors": best, "development_single_eer": found[best]}
    for kind, ending in (("inverse_distance", ""), ("cosine", "_cosine")):
        for name, method in (("set_eer", set_eer), ("single_eer", single_eer)):
            result[name + ending] = np.asarray(method(vectors, *people(test[0]), kind=kind).eer).tolist()
    return result


def beside_published(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each attribute's figures with the accuracy that table 2.11 prints for MultiDeep on CelebA's own test set."""
    with (ROOT / "benchmarks" / "published" / "table_2_11.csv").open() as file:
        published = {
            line["attribute"].replace(" ", "_"): float(line["multi_deep_cnnaa"]) for line in csv.DictReader(file)
        }
    return [{**entry, "published_multi_deep": published[entry["attribute"]] / 100} for entry in rows]


if __name__ == "__main__":
    benchmark(
        "detector_celeba",
        "40 attributes of CelebA on people never seen: the published MultiDeep and our preset",
        measure,
        arguments=flags,
    )
