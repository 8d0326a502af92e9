"""What the verbs about detectors do: train, evaluate, predict, export. The command line parses and calls these."""

import csv
import io
import json as json_module
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Column, Table
from torch import Tensor, nn

from lineament.artifacts import write_atomically
from lineament.classifier import export_onnx
from lineament.datasets.base import Split
from lineament.datasets.registry import open_dataset
from lineament.detectors.detector import Detector, load, shipped
from lineament.detectors.evaluation import METRICS, Criterion, Evaluation, commonest, thresholds
from lineament.detectors.evaluation import evaluate as hold
from lineament.detectors.loading import AnyDetector, load_any
from lineament.detectors.prediction import Prediction, decoded, log_odds, predict_file, sigmoid
from lineament.detectors.presets import PRESETS, DetectorConfig
from lineament.detectors.training import train_detector
from lineament.errors import JobError, UsageError, nearest
from lineament.images import FORMATS
from lineament.training.run import Device, Precision

__all__ = ["evaluate", "export", "predict", "train"]

PICTURES = {ending for ending, form in Image.registered_extensions().items() if form in FORMATS}


def train(
    *,
    out: Path,
    data: str,
    root: Path | None,
    preset: str | None,
    attributes: Sequence[str],
    epochs: int | None,
    size: int | None,
    seed: int,
    device: Device,
    precision: Precision,
    jobs: int,
    dry_run: bool,
) -> None:
    """Train a detector and say where it is; arguments as on the command line."""
    preset = preset or ("portraits" if data == "portraits" else "lineament")
    if preset not in PRESETS:
        raise UsageError(nearest(preset, PRESETS, "preset"))
    dataset = open_dataset(data, root)
    for name in attributes:
        dataset.column(name)
    if not (names := tuple(attributes) or dataset.attributes):
        raise UsageError(f"{data}: has no attribute labels, so there is nothing to detect")
    config = PRESETS[preset](names)
    if epochs is not None:
        if epochs < 1:
            raise UsageError(f"--epochs: expected at least 1, got {epochs}")
        config = replace(config, epochs=epochs)
    if dry_run:
        print(json_module.dumps(_resolved(config, data, len(dataset), dataset.split, out, seed), indent=1))
        return
    train_detector(dataset, config, out, seed=seed, device=device, precision=precision, size=size, jobs=jobs)
    where = f" --root {root}" if root else ""
    Console(stderr=True).print(
        f"The detector is in {out / 'detector'}. Next: lineament evaluate --data {data}{where} --detector {out}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _resolved(config: DetectorConfig, data: str, n: int, split: Any, out: Path, seed: int) -> dict[str, Any]:
    counts = np.bincount(split, minlength=3).tolist()
    images = dict(zip(("train", "development", "test"), counts, strict=True))
    steps = config.epochs * (counts[0] // config.batch)
    return {
        "data": data,
        "images": n,
        **images,
        "out": str(out),
        "seed": seed,
        "steps": steps,
        "config": asdict(config),
    }


def _opened(detector: Path | None) -> AnyDetector:
    return shipped() if detector is None else load_any(detector)


def evaluate(
    *,
    data: str,
    root: Path | None,
    detector: Path | None,
    part: Split,
    criterion: Criterion | Literal["stored"],
    seed: int,
    json: Path | None,
) -> Evaluation:
    """Print a table of every attribute, and write its figures to ``json`` if asked; arguments as in the verb."""
    chosen, dataset = _opened(detector), open_dataset(data, root)
    shared = tuple(name for name in chosen.attributes if name in dataset.attributes)
    if not shared:
        raise UsageError(
            f"{data}: none of the detector's attributes is labelled there ({', '.join(chosen.attributes[:5])}, ...)"
        )
    chosen = chosen.only(*shared)
    memory = decoded(dataset, chosen.shape)

    def scores(wanted: Split) -> tuple[Any, Any, Any]:
        rows = np.flatnonzero(dataset.split == ("train", "development", "test").index(wanted))
        if not len(rows):
            raise UsageError(f"{data}: has no {wanted} part")
        labels = np.stack([dataset.column(name)[rows] for name in shared], 1)
        return sigmoid(log_odds(chosen, dataset, memory, rows, progress=True)), labels, dataset.identity[rows]

    if criterion != "stored" and part == "development":
        raise UsageError("--criterion: thresholds are chosen on the development part; measure them on --part test")
    cuts = chosen.thresholds
    if criterion != "stored":
        values, labels, _ = scores("development")
        cuts = thresholds(values, labels, criterion).astype(np.float32)
    values, labels, identity = scores(part)
    reference = dataset.subset(dataset.split == 0) if (dataset.split == 0).any() else dataset
    majority = commonest(np.stack([reference.column(name) for name in shared], 1))
    result = hold(values, labels, cuts, identity, attributes=shared, majority=majority, seed=seed)
    Console().print(_table(result, f"{data}, {part}: {len(labels)} images, seed {seed}"))
    if json is not None:
        facts = {"data": data, "part": part, "images": len(labels), "seed": seed, "criterion": criterion}
        write_atomically(json, json_module.dumps({**facts, **result.to_dict()}, indent=1).encode())
    return result


def _table(result: Evaluation, title: str) -> Table:
    caption = "per cent; in brackets the 95 % bootstrap interval over people; majority: always the commonest answer"
    table = Table(Column("attribute", no_wrap=True), title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("present", "accuracy", "majority", "balanced", "F1", "AUC", "ECE"):
        table.add_column(heading, justify="right")

    def add(name: str, single: Sequence[Any], spans: Sequence[Any]) -> None:
        accuracy, balanced, f1, auc = (100 * np.asarray(span) for span in spans)
        present, majority, error = (100 * np.asarray(value) for value in single)
        interval = f"{accuracy[0]:.1f} [dim]\\[{accuracy[1]:.1f}, {accuracy[2]:.1f}][/dim]"
        rest = (majority, balanced[0], f1[0], auc[0], error)
        table.add_row(name, f"{present:.1f}", interval, *(f"{value:.1f}" for value in rest))

    for i, name in enumerate(result.attributes):
        single = (result.prevalence[i], result.majority[i], result.calibration_error[i])
        add(name, single, [getattr(result, key)[i] for key in METRICS])
    table.add_section()
    columns = (result.prevalence, result.majority, result.calibration_error)
    add("mean", [np.nanmean(column) for column in columns], [result.means[key] for key in METRICS])
    return table


def predict(
    images: Sequence[Path],
    *,
    detector: Path | None,
    attributes: Sequence[str],
    find_faces: bool,
    grey: bool,
    form: Literal["table", "json", "csv"],
    out: Path | None,
) -> None:
    """Print or write one row a face; arguments as on the command line.

    Files that cannot be read, or show no face, are named on standard error; the rest is still predicted, and then
    ``JobError`` is raised.
    """
    chosen = _opened(detector)
    chosen = chosen.only(*attributes) if attributes else chosen
    predictions, failures = [], []
    for path in _expanded(images):
        try:
            predictions += predict_file(chosen, path, find_faces=find_faces, grey=grey)
        except JobError as error:
            failures.append(str(error))
    if predictions:
        text = _written(predictions, chosen, form)
        if out is None:
            sys.stdout.write(text)
        else:
            write_atomically(out, text.encode())
    if failures:
        raise JobError("\n".join(failures))


def _expanded(images: Sequence[Path]) -> list[Path]:
    """The files, with every folder replaced by the pictures in it."""
    found: list[Path] = []
    for path in images:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES) if path.is_dir() else [path]
        if not inside:
            raise JobError(
                f"{path}: an empty folder, or none of its files is a picture ({', '.join(sorted(PICTURES))})"
            )
        found += inside
    if not found:
        raise UsageError("images: name at least one picture, or a folder of them")
    return found


def _written(predictions: Sequence[Prediction], detector: AnyDetector, form: Literal["table", "json", "csv"]) -> str:
    if form == "json":
        return json_module.dumps([prediction.to_dict() for prediction in predictions], indent=1) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", "face", *detector.attributes, "situation"])
        for row in predictions:
            writer.writerow([row.file, row.face, *row.probabilities.values(), " ".join(row.situation)])
        return text.getvalue()
    table = Table(Column("file", overflow="fold"), "face", "present (probability)", "situation")
    for row in predictions:
        told = ", ".join(f"{name} {row.probabilities[name]:.2f}" for name in row.present)
        table.add_row(row.file, str(row.face), told or "none", " ".join(row.situation))
    console = Console(file=io.StringIO(), width=Console().width)
    console.print(table)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


class _Probabilities(nn.Module):
    """Images in, probabilities out: what somebody wants who has nothing but an ONNX runtime."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Tensor:
        """``(batch, 3, height, width)`` in [0, 1] to ``(batch, attributes)``."""
        return self.detector.probabilities(images)


def export(out: Path, *, detector: Path | None) -> None:
    """Write the ONNX file, and beside it a JSON file of attribute names, thresholds and where the eyes must be."""
    chosen = shipped() if detector is None else load(detector)
    apart = export_onnx(_Probabilities(chosen), out, (3, *chosen.shape))
    facts = {
        "attributes": list(chosen.attributes),
        "thresholds": chosen.thresholds.tolist(),
        "eyes": chosen.eyes.tolist(),
        "input": ["batch", 3, *chosen.shape],
    }
    beside = out.with_name(out.name + ".json")
    write_atomically(beside, json_module.dumps(facts, indent=1).encode())
    Console(stderr=True).print(
        f"{out}: {out.stat().st_size / 1e6:.1f} MB, off PyTorch by {apart:.1e}; names and thresholds in {beside}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
