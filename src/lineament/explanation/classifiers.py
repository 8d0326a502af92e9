"""Which classifier the verbs explain, on which images: a detector's attribute, an ONNX file, a small one made here.

A run keeps a copy of its classifier beside the explainer, so that the folder explains pictures without being told
again what it explains: ``classifier/``, an artifact, or ``classifier.onnx``.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lineament import artifacts
from lineament.classifier import from_module, from_onnx
from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import at_size, pixels
from lineament.detectors.loading import AnyDetector, load_any
from lineament.errors import JobError, UsageError, nearest
from lineament.explanation.decisions import Decisions
from lineament.explanation.material import TRAINING, VALIDATION, at_most, check_parts, fitted, in_channels, some
from lineament.explanation.pairs import Pair, pair
from lineament.explanation.small_classifiers import build, train_small

__all__ = [
    "KIND",
    "SHIPPED_DETECTOR",
    "Chosen",
    "decisions_in",
    "of_detector",
    "of_file",
    "of_pair",
    "two_classes",
    "weights_in",
]

SHIPPED_DETECTOR = Path(str(files("lineament.detectors"))) / "shipped" / "portraits"

KIND = "small_classifier"
"""Of the artifact of a small classifier."""

_KEEPS_ANOTHER = "this run explains another classifier"
_ELSEWHERE = "choose another folder, or delete this one"


@dataclass(frozen=True)
class Chosen:
    """A classifier that can be had, and images to explain it on.

    Attributes:
        classes: what it decides between.
        column: see `Decisions`.
        images: train the explainer, ``(n, channels, height, width)`` uint8.
        validation: choose its checkpoint, likewise.
        keep: puts the classifier into a folder, from which `decisions_in` takes it; trains it if need be. Raises
            ``UsageError`` if the folder keeps another one.
    """

    classes: tuple[str, ...]
    column: int | None
    images: Tensor
    validation: Tensor
    keep: Callable[[Path], object]


def of_detector(
    detector: Path | None, attribute: str, dataset: AttributeDataset, size: int | None, unit: int = 1
) -> Chosen:
    """One attribute of a detector, an artifact or a run folder; None for the one that comes with the package.

    Args:
        detector: the folder.
        attribute: one of its attributes.
        dataset: the images; no label of theirs is read.
        size: longer side in pixels that they are brought to; None for the detector's own, `SIZE` at most.
        unit: both sides become multiples of it.

    Raises:
        UsageError: an unknown attribute, a size that is none, or no images to train on; before any is decoded.
    """
    folder = SHIPPED_DETECTOR if detector is None else detector
    folder = run if (run := folder / "detector").is_dir() else folder
    opened = load_any(folder)
    if attribute not in opened.attributes:
        raise UsageError(nearest(attribute, opened.attributes, "attribute"))
    check_parts(dataset)
    memory = pixels(dataset, fitted(opened.shape, size, unit))

    def keep(place: Path) -> None:
        artifact = artifacts.load(folder, kind=artifacts.read_card(folder)["kind"])
        if _keeps(place, str(artifact.card["weights_sha256"])):
            return
        ours = ("format", "lineament", "weights_bytes", "weights_sha256", "card_sha256")
        card = {key: value for key, value in artifact.card.items() if key not in ours}
        artifacts.save(place / "classifier", tensors=artifact.tensors, **card)

    images, validation = (
        some(memory, np.flatnonzero(dataset.split == split), most, channels=3)
        for split, most in ((0, TRAINING), (1, VALIDATION))
    )
    return Chosen((f"no {attribute}", attribute), 0, images, validation, keep)


def of_file(
    path: Path,
    classes: tuple[str, ...],
    column: int | None,
    dataset: AttributeDataset,
    *,
    size: int | None = None,
    unit: int = 1,
    seed: int = 0,
) -> Chosen:
    """An ONNX file, on images of its classes if the set has them as attributes, else on all.

    Images are brought to the size and the channels that the file fixes, else as `of_pair` does. The file is asked about
    one blank image first, so that logits that do not fit ``classes`` and ``column`` are told before any is decoded.
    """
    decisions = Decisions(from_onnx(path), classes, column)
    check_parts(dataset)
    read = dataset.read(0)
    fixed = _fixed(path)
    channels, *sides = (want or own for want, own in zip(fixed, (read.shape[2], *read.shape[:2]), strict=True))
    shape = (sides[0], sides[1]) if any(fixed[1:]) else fitted((sides[0], sides[1]), size, unit)
    if size is not None and max(shape) != size and any(fixed[1:]):
        raise UsageError(f"--size {size}: {path} takes images of {shape[0]} x {shape[1]} pixels; leave --size out")
    if shape[0] % unit or shape[1] % unit:
        raise UsageError(
            f"{path}: takes images of {shape[0]} x {shape[1]} pixels, and an explainer's sides are multiples of "
            f"{unit}; export the file with free height and width"
        )
    decisions(torch.zeros(1, channels, *shape))
    keep = partial(_keep_file, path)
    if set(classes) <= set(dataset.attributes):
        parts = pair(at_size(at_most(dataset, classes, seed), shape), classes, seed)
        images, validation = (in_channels(part.images, channels) for part in (parts.explainer, parts.validation))
        return Chosen(classes, column, images, validation, keep)
    memory = pixels(dataset, shape)
    images, validation = (some(memory, np.flatnonzero(dataset.split == split), most, channels)
                          for split, most in ((0, TRAINING), (1, VALIDATION)))  # fmt: skip
    return Chosen(classes, column, images, validation, keep)


def of_pair(
    classes: tuple[str, ...], dataset: AttributeDataset, seed: int, size: int | None = None, unit: int = 1
) -> Chosen:
    """The chapter's small classifier of two or more classes of a set, trained on their first part (section 4.5.1).

    Args:
        classes: attributes of the set; images that show exactly one of them are used.
        dataset: the images.
        seed: of the parts and the classifier.
        size: longer side in pixels that images are brought to; None for that of the first, `SIZE` at most.
        unit: both sides become multiples of it.
    """
    few = at_most(dataset, classes, seed)
    first = dataset.read(0).shape
    parts = pair(at_size(few, fitted((first[0], first[1]), size, unit)), classes, seed)
    facts = {"data": dataset.name, "licence": dataset.licence}
    return Chosen(classes, None, parts.explainer.images, parts.validation.images,
                  lambda place: keep_small(parts, place, seed, **facts))  # fmt: skip


def keep_small(parts: Pair, place: Path, seed: int, **card: str) -> None:
    """Train the small classifier of a pair into the folder ``place``, unless an earlier call has.

    Raises ``UsageError`` if the folder keeps one of other classes, images or another seed.
    """
    shape = list(parts.classifier.images.shape[1:])
    config = {"architecture": "convolutional", "shape": shape, "classes": list(parts.classes)}
    facts = {"kind": KIND, "config": config, "training": {"seed": seed}, **card}
    if kept := _kept_in(place):
        earlier = {"kind": "an ONNX file"} if kept.is_file() else artifacts.read_card(kept)
        if changed := [key for key in facts if key != "licence" and earlier.get(key) != facts[key]]:
            told = "; ".join(f"{key} {earlier.get(key)} is now {facts[key]}" for key in changed)
            raise UsageError(f"{place}: {_KEEPS_ANOTHER} ({told}); {_ELSEWHERE}")
        return
    network = train_small(parts.classifier, len(parts.classes), architecture="convolutional", seed=seed).module
    if network is not None:
        artifacts.save(place / "classifier", tensors=network.state_dict(), **facts)  # type: ignore[arg-type]


def decisions_in(
    run: Path, classes: Sequence[str], *, column: int | None = None, detector: Path | None = None
) -> tuple[Decisions, str]:
    """The classifier that a run's folder keeps, and the sha256 of its weights.

    Args:
        run: a folder that `Chosen.keep` wrote to. Without a classifier in it, the detector that comes with the package
            is meant.
        classes: what it decides between, as the explainer names them.
        column: of an ONNX file of one logit for two classes.
        detector: take this one instead.
    """
    classes, place, weights = tuple(classes), _kept(run, detector), weights_in(run, detector)
    if place.is_file():
        return Decisions(from_onnx(place), classes, column), weights
    if artifacts.read_card(place)["kind"] == KIND:
        return Decisions(from_module(_small(place)), classes), weights
    return two_classes(load_any(place), classes[1]), weights


def weights_in(run: Path, detector: Path | None = None) -> str:
    """The sha256 of the weights of what `decisions_in` would open, told apart from any other without opening it."""
    place = _kept(run, detector)
    if place.is_file():
        return hashlib.sha256(place.read_bytes()).hexdigest()
    return str(artifacts.read_card(place)["weights_sha256"])


def _kept(run: Path, detector: Path | None) -> Path:
    """The ONNX file or the artifact of a run's classifier, or of ``detector`` if one is named."""
    if detector is None and (file := run / "classifier.onnx").is_file():
        return file
    folder = detector or (inside if (inside := run / "classifier").is_dir() else SHIPPED_DETECTOR)
    return inside if (inside := folder / "detector").is_dir() else folder


def two_classes(detector: AnyDetector, attribute: str) -> Decisions:
    """The decisions of a detector about one attribute, at that attribute's cost, by its stored threshold."""
    alone = detector.only(attribute)
    return Decisions(alone, (f"no {attribute}", attribute), 0, float(alone.thresholds[0]))  # type: ignore[arg-type]


def _small(folder: Path) -> torch.nn.Module:
    artifact = artifacts.load(folder, kind=KIND)
    try:
        config = artifact.card["config"]
        network = build(config["architecture"], tuple(config["shape"]), len(config["classes"]))
        network.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe a classifier ({error})") from None
    return network


def _keep_file(path: Path, place: Path) -> None:
    raw = path.read_bytes()
    if not _keeps(place, hashlib.sha256(raw).hexdigest()):
        artifacts.write_atomically(place / "classifier.onnx", raw)


def _keeps(place: Path, weights: str) -> bool:
    """Whether a run's folder keeps the classifier of these weights already; ``UsageError`` if it keeps another."""
    kept = _kept_in(place)
    if kept and (found := weights_in(place)) != weights:
        raise UsageError(
            f"{place}: {_KEEPS_ANOTHER} ({kept.name}: weights {found[:12]}…, not {weights[:12]}…); {_ELSEWHERE}"
        )
    return kept is not None


def _kept_in(place: Path) -> Path | None:
    """The classifier in a run's folder; ``UsageError`` for the folder of a run that explains none."""
    found = next((path for name in ("classifier.onnx", "classifier") if (path := place / name).exists()), None)
    if found is None and (place / "run.json").exists():
        raise UsageError(f"{place}: holds a run that is no explainer's; choose another folder")
    return found


def _fixed(path: Path) -> tuple[int | None, int | None, int | None]:
    """Channels, height and width that an ONNX file fixes; None for each that is free."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    channels, height, width = (side if isinstance(side, int) else None for side in session.get_inputs()[0].shape[1:])
    return channels, height, width
