"""What a detector is made of and how it is trained: the configuration, and the presets that people name.

A preset is a function of the attribute names; its docstring states source, expected score, cost and command.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lineament.detectors.attributes import PART_ATTRIBUTES
from lineament.detectors.augmentation import Augmentation
from lineament.errors import UsageError
from lineament.faces.parts import NETWORK_PARTS, Window

__all__ = ["PRESETS", "DetectorConfig", "Part", "binary", "lineament", "paper", "parts_to_json", "portraits", "wide"]


@dataclass(frozen=True)
class Part:
    """One network of a detector: where it looks, what it is, and which attributes it carries.

    Attributes:
        name: of the part, or of the attribute for a binary network.
        architecture: ``"deep"``, ``"wide"`` (table 2.12) or ``"residual"``.
        window: what it sees, in the canonical face frame.
        attributes: the names it is trained on.
        channels: first-stage channels of a residual network; the published ones have their own.
        dropout: share of a residual network's embedding dropped in training.
    """

    name: str
    architecture: Literal["deep", "wide", "residual"]
    window: Window
    attributes: tuple[str, ...]
    channels: int = 32
    dropout: float = 0.0

    @property
    def embedding(self) -> int:
        """The number of units of the network's embedding."""
        return {"deep": 32, "wide": 128, "residual": 8 * self.channels}[self.architecture]


@dataclass(frozen=True)
class DetectorConfig:
    """Everything that decides a detector, but for its data and seed.

    Attributes:
        preset: what to call it.
        parts: the networks.
        sampling: ``"in_turn"`` (natural frequencies), ``"queues"`` (balanced, spec 2.5) or ``"oversampled"`` (one
            attribute a part).
        augmentation: how strongly training images are changed.
        head: ``"svm"``, a linear SVM an attribute on the parts' concatenated embeddings, or ``"networks"``, the mean of
            the parts' own log-odds. Both are calibrated on the development part.
        mirror: whether prediction averages over the image and its mirror image, at twice the cost.
        epochs: at most; an epoch is as many batches as make up the training images once.
        patience: evaluations (one an epoch) without a better development score before training ends; None for never.
        batch: images a step, over all processes.
        learning_rate: at its peak, after a warm-up of half an epoch; it falls to zero as half a cosine.
        weight_decay: of the matrices and kernels (AdamW, decoupled); 0 gives Adam.
        smoothing: share of certainty taken from each label.
        mixup: alpha of the Beta law by which pairs of images are mixed; 0 for none.
        averaging: decay of the exponential moving average of the weights; 0 for none.
    """

    preset: str
    parts: tuple[Part, ...]
    sampling: Literal["in_turn", "queues", "oversampled"]
    augmentation: Augmentation
    head: Literal["svm", "networks"]
    mirror: bool
    epochs: int
    patience: int | None
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    smoothing: float = 0.0
    mixup: float = 0.0
    averaging: float = 0.0

    @property
    def attributes(self) -> tuple[str, ...]:
        """All attributes that some part carries, in the order of their first part."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.attributes))


def paper(attributes: Sequence[str]) -> DetectorConfig:
    """MultiDeep-CNNAA (section 2.4): ten Deep part networks, balanced queues, linear SVMs on their embeddings.

    Published: 89.4 % mean accuracy on CelebA with 160,000 training images; expect 88.4 % from 8,600. Cost: 2.42 M
    parameters, 1.32 G multiply-adds a face.
    ``lineament train detector --preset paper --data celeba --root DIR --out runs/paper``
    """
    return _multi("paper", "deep", attributes)


def wide(attributes: Sequence[str]) -> DetectorConfig:
    """MultiWide-CNNAA (section 2.4): as `paper` with ten Wide part networks.

    Published: 89.5 % mean accuracy on CelebA. Cost: 15.6 M parameters.
    ``lineament train detector --preset wide --data celeba --root DIR --out runs/wide``
    """
    return _multi("wide", "wide", attributes)


def binary(attributes: Sequence[str]) -> DetectorConfig:
    """BinaryDeep-CNNAA (section 2.4): for each attribute a Deep network of its own on the whole face, classes equal.

    Published: 87.7 % mean accuracy on CelebA for forty of them. Cost: 0.58 M parameters and 0.42 G multiply-adds each;
    all of them learn at once, so train a few at a time with --attributes where memory is short.
    ``lineament train detector --preset binary --data celeba --root DIR --attributes Eyeglasses --out runs/binary``
    """
    face = Window(0, 24, 128, 128, zoom=0.7)
    return DetectorConfig(
        preset="binary",
        parts=tuple(Part(name, "deep", face, (name,)) for name in attributes),
        sampling="oversampled",
        augmentation=Augmentation(turn=0.1, zoom=0.1, shift=0.05),
        head="networks",
        mirror=False,
        epochs=20,
        patience=4,
    )


def lineament(attributes: Sequence[str]) -> DetectorConfig:
    """Two residual networks (He et al. 2016), one on the head and one on the face, for real photographs.

    Expect 89.6 % mean accuracy, 77 % balanced accuracy and 0.915 AUC from 8,600 images of CelebA
    (benchmarks/results/detector_celeba.json). Cost: 5.6 M parameters, 1.5 G multiply-adds a face with its mirror image;
    training on these images took 81 minutes on one busy core with AVX512-BF16.
    ``lineament train detector --preset lineament --data celeba --root DIR --out runs/celeba``
    """
    names = tuple(attributes)
    return DetectorConfig(
        preset="lineament",
        parts=(
            Part("Head", "residual", Window(0, 10, 128, 128, zoom=0.5), names, channels=32, dropout=0.3),
            Part("Face", "residual", Window(0, 24, 96, 96, zoom=0.64), names, channels=32, dropout=0.3),
        ),
        sampling="in_turn",
        augmentation=Augmentation(
            turn=0.07, zoom=0.08, shift=0.05, contrast=0.15, gamma=0.15, saturation=0.15, brightness=0.03, erase=0.25
        ),
        head="networks",
        mirror=True,
        epochs=30,
        patience=None,
        learning_rate=2e-3,
        weight_decay=0.05,
        mixup=0.2,
        averaging=0.998,
    )


def portraits(attributes: Sequence[str]) -> DetectorConfig:
    """One small residual network (He et al. 2016) on the whole picture, for the embedded drawings; it ships.

    Expect 98.3 % mean accuracy on people never seen (benchmarks/results/detector_portraits.json). Cost: 1.6 M
    parameters, 0.07 G multiply-adds a face; training takes about four minutes of one core.
    ``lineament train detector --preset portraits --data portraits --out runs/portraits``
    """
    return DetectorConfig(
        preset="portraits",
        parts=(
            Part("Head", "residual", Window(0, 3, 64, 64, zoom=0.215), tuple(attributes), channels=24, dropout=0.2),
        ),
        sampling="in_turn",
        augmentation=Augmentation(turn=0.05, zoom=0.08, shift=0.1, contrast=0.1, gamma=0.1, brightness=0.03),
        head="networks",
        mirror=False,
        epochs=24,
        patience=None,
        learning_rate=3e-3,
        weight_decay=0.05,
        averaging=0.998,
    )


PRESETS: dict[str, Callable[[Sequence[str]], DetectorConfig]] = {
    "paper": paper,
    "wide": wide,
    "binary": binary,
    "lineament": lineament,
    "portraits": portraits,
}


def _multi(preset: str, architecture: Literal["deep", "wide"], attributes: Sequence[str]) -> DetectorConfig:
    carried = {part: tuple(name for name in names if name in attributes) for part, names in PART_ATTRIBUTES.items()}
    if missing := set(attributes) - {name for names in carried.values() for name in names}:
        raise UsageError(
            f"preset {preset!r}: no face part carries {', '.join(sorted(missing))}; choose among CelebA's forty "
            "attributes with --attributes, or take the preset 'lineament', which knows no parts"
        )
    return DetectorConfig(
        preset=preset,
        parts=tuple(Part(part, architecture, NETWORK_PARTS[part], names) for part, names in carried.items() if names),
        sampling="queues",
        augmentation=Augmentation(turn=0.05, zoom=0.05, shift=0.03),
        head="svm",
        mirror=False,
        epochs=24,
        patience=4,
        weight_decay=0.05,
        averaging=0.998,
    )


def parts_to_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The parts as JSON values, for a card; `parts_from_json` reads them back."""
    return [asdict(part) for part in parts]


def parts_from_json(values: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    """The parts that `parts_to_json` wrote; raises ``TypeError`` or ``KeyError`` on anything else."""
    return tuple(
        Part(**{**value, "window": Window(**value["window"]), "attributes": tuple(value["attributes"])})
        for value in values
    )
