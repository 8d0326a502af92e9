"""Which classifier the verbs `attack` and `defend` mean: one of table 5.5, an ONNX file, a detector's attribute."""

from dataclasses import dataclass
from math import log
from pathlib import Path

import torch
from torch import Tensor, nn

from lineament import artifacts
from lineament.classifier import AdaptedClassifier, from_onnx
from lineament.datasets.idx import DIGITS, GARMENTS
from lineament.datasets.registry import open_dataset
from lineament.defense.architectures import ARCHITECTURES
from lineament.defense.classifiers import load_classifier
from lineament.defense.folders import named
from lineament.defense.modes import MODES
from lineament.defense.shipped import shipped
from lineament.detectors.detector import shipped as shipped_detector
from lineament.detectors.loading import load_any
from lineament.errors import JobError, UsageError, nearest
from lineament.training.run import Device

__all__ = ["Chosen", "Request", "check_seed", "chosen", "levels"]

SETS = {"mnist": DIGITS, "fashion_mnist": GARMENTS}
"""Sets for which classifiers come with the package, and the names of their classes."""


@dataclass(frozen=True)
class Request:
    """The flags that both verbs have, as on the command line.

    Attributes:
        images: picture files, and folders of them.
        classifier: a folder of `lineament train classifier`, an artifact, or one of the package, ``"mnist/A"``.
        onnx: a classifier as an ONNX file: a float image batch in [0, 1] to logits.
        classes: names of its logits, separated by commas.
        detector: an artifact or a run folder; None for the one that comes with the package.
        attribute: one of its attributes, whose absence and presence are told apart.
        defense: what stands before the classifier, see `shields.DEFENSES`; None for nothing.
        generator: folder of a run of `lineament train generator`.
        mode: of the projection on it.
        data, root: a set; its test images are meant where no pictures are named.
        n: how many of them.
        fit: bring images to what the classifier takes.
        seed: of everything drawn at random.
        device: where to compute.
    """

    images: tuple[Path, ...] = ()
    classifier: str | None = None
    onnx: Path | None = None
    classes: str = ""
    detector: Path | None = None
    attribute: str | None = None
    defense: str | None = None
    generator: Path | None = None
    mode: str = "fast"
    data: str | None = None
    root: Path | None = None
    n: int = 100
    fit: bool = False
    seed: int = 0
    device: Device = "auto"

    def __post_init__(self) -> None:
        flags = {"--classifier": self.classifier, "--onnx": self.onnx, "--attribute": self.attribute}
        if len(told := [flag for flag, value in flags.items() if value is not None]) > 1:
            raise UsageError(f"{' and '.join(told)}: name one classifier, not several")
        if self.detector is not None and self.attribute is None:
            raise UsageError("--detector: name one of its attributes with --attribute")
        if self.classes and self.onnx is None:
            raise UsageError("--classes: are an ONNX file's; name the file with --onnx")
        if self.generator is not None and self.defense is None:
            raise UsageError("--generator: stands before a classifier with --defense defense_gan")
        if not self.images and self.data is None:
            raise UsageError(
                "images: name pictures or folders of them, or with --data a set whose test images are meant"
            )
        if self.n < 1:
            raise UsageError(f"--n: expected at least 1, got {self.n}")
        check_seed(self.seed)
        if self.mode not in MODES:
            raise UsageError(f"--mode: {nearest(self.mode, MODES, 'mode')}")


def check_seed(seed: int) -> None:
    """``UsageError`` for what numpy or torch would not take as a seed."""
    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, got {seed}")


def levels(eps: float) -> str:
    """What to add to the refusal of a budget that was perhaps meant in grey levels."""
    return f"; {eps:g} grey levels of 255 are {eps / 255:.3g}" if 1 < eps <= 255 else ""


@dataclass(frozen=True)
class Chosen:
    """A classifier to attack or to defend.

    Attributes:
        classifier: image batch to logits ``(batch, classes)``.
        classes: their names.
        shape: channels, height and width of its images; None for each that is free.
        data: the set that it was trained on, if that is known.
    """

    classifier: AdaptedClassifier
    classes: tuple[str, ...]
    shape: tuple[int | None, int | None, int | None]
    data: str | None = None


def chosen(request: Request, device: torch.device) -> Chosen:
    """The classifier that the flags name; with nothing but ``data`` named, classifier A of the package for that set.

    Raises:
        UsageError: none is named, or an unknown one; an ONNX file whose classes nobody names.
        JobError: a folder or a file that is missing or torn.
    """
    if request.attribute is not None:
        return _of_detector(request.detector, request.attribute, device)
    if request.onnx is not None:
        return _of_file(request.onnx, request)
    if request.classifier is None and request.data not in SETS:
        raise UsageError(
            "name a classifier: --classifier FOLDER of 'lineament train classifier' or one that comes with the package "
            f"({', '.join(f'{name}/A to {name}/F' for name in SETS)}), --onnx FILE, or --attribute NAME of a detector"
        )
    return _of_artifact(request.classifier or f"{request.data}/A", device)


def _of_artifact(name: str, device: torch.device) -> Chosen:
    place = named("--classifier", _of_package(name), "classifier")
    made, card = load_classifier(place), artifacts.read_card(place)
    data, count = str(card.get("data", "")) or None, card["config"]["classes"]
    names = tuple(map(str, card.get("attributes") or SETS.get(str(data)) or range(count)))
    if len(names) != count:
        raise JobError(f"{place}: its card names {len(names)} classes of {count}; train it again")
    if made.module is not None:
        made.module.to(device)
    channels, height, width = card["config"]["shape"]
    return Chosen(made, names, (channels, height, width), data)


def _of_package(name: str) -> Path:
    """The classifier of the package that has this name, else the folder; a folder of yours of that name goes first."""
    if Path(name).exists() or (name not in ARCHITECTURES and name.partition("/")[0] not in SETS):
        return Path(name)
    if name in ARCHITECTURES:
        raise UsageError(f"--classifier {name}: no such folder; of the package, name {_listed(f'/{name}')}")
    known = [f"{data}/{letter}" for data in SETS for letter in ARCHITECTURES]
    if name not in known:
        raise UsageError(f"--classifier: {nearest(name, known, 'classifier of the package')}")
    data, letter = name.split("/")
    return shipped(data, f"classifiers/{letter}")


def _listed(end: str) -> str:
    return " or ".join(f"{data}{end}" for data in SETS)


def _of_file(path: Path, request: Request) -> Chosen:
    made = from_onnx(path)
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    channels, height, width = (side if isinstance(side, int) else None for side in session.get_inputs()[0].shape[1:])
    names = tuple(name.strip() for name in request.classes.split(",") if name.strip())
    if not names and request.data is None:
        raise UsageError(
            "--onnx: name its classes, in the order of its logits, with --classes A,B, or a set with --data"
        )
    names = names or open_dataset(str(request.data), request.root).attributes
    if len(set(names)) < max(2, len(names)):
        raise UsageError(f"--classes: expected two or more different names, as 3,8; got {','.join(names)}")
    return Chosen(made, names, (channels, height, width), request.data)


def _of_detector(folder: Path | None, attribute: str, device: torch.device) -> Chosen:
    detector = shipped_detector("portraits") if folder is None else load_any(folder)
    if attribute not in detector.attributes:
        raise UsageError(f"--attribute: {nearest(attribute, detector.attributes, 'attribute')}")
    alone = detector.only(attribute)
    alone = alone.to(device) if isinstance(alone, nn.Module) else alone
    cut = float(alone.thresholds[0])

    def compute(images: Tensor) -> Tensor:
        odds = alone(images) - log(cut / (1 - cut))
        return torch.cat([-odds, odds], 1) / 2

    module = alone if isinstance(alone, nn.Module) else None
    made = AdaptedClassifier(attribute, bool(getattr(alone, "differentiable", False)), 64, compute, module)
    return Chosen(made, (f"no {attribute}", attribute), (3, *alone.shape), alone.card.get("data"))
