"""An explainer together with the classifier it explains: from the folder of a run, an artifact, or the package."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament import artifacts
from lineament.detectors.loading import AnyDetector
from lineament.errors import UsageError
from lineament.explanation.classifiers import decisions_in, two_classes, weights_in
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, load

__all__ = ["Explained", "evenly", "for_detector", "opened", "shipped"]


@dataclass(frozen=True)
class Explained:
    """An explainer, the decisions it explains, and where it lies."""

    folder: Path
    explainer: Explainer
    decisions: Decisions


def opened(folder: Path, detector: Path | None = None) -> Explained:
    """The explainer of a run's folder or an artifact, with its classifier.

    Args:
        folder: of the run or the artifact.
        detector: the detector it explains; None for the classifier that the run kept, else the one that comes with
            the package.

    Raises:
        JobError: a folder that is missing or torn.
        UsageError: the classifier is not the one that the explainer was made for.
    """
    place = _artifact(folder)
    explainer = load(place)
    column = explainer.card.get("column")
    _check_classifier(explainer.card, weights_in(place.parent, detector), folder)
    decisions, _ = decisions_in(place.parent, explainer.classes, column=column, detector=detector)
    return Explained(folder, explainer, decisions)


def shipped() -> dict[str, Path]:
    """Attributes whose explainers come with the package, all of the detector that does, and their folders."""
    place = Path(str(files("lineament.explanation"))) / "shipped"
    return {path.name: path for path in sorted(place.iterdir())} if place.is_dir() else {}


def for_detector(detector: AnyDetector, folders: Iterable[Path] = ()) -> list[Explained]:
    """Explainers of a detector: those at ``folders``, and those of the package that were made for it.

    Raises ``UsageError`` for a folder whose explainer was made for another classifier.
    """
    weights, places = str(detector.card.get("weights_sha256")), [_artifact(folder) for folder in folders]
    for place in places:
        _check_classifier(artifacts.read_card(place), weights, place)
    ours = [path for path in shipped().values() if artifacts.read_card(path).get("classifier_sha256") == weights]
    explainers = {place: load(place) for place in (*places, *ours)}
    return [
        Explained(place, explainer, two_classes(detector, explainer.classes[1]))
        for place, explainer in explainers.items()
        if len(explainer.classes) == 2 and explainer.classes[1] in detector.attributes
    ]


def evenly(classes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Indices of ``count`` images, the first of each class in turn, so that a rare class is seen too; class by class.

    Args:
        classes: ``(n,)`` the class of each image.
        count: how many; all if there are fewer.
    """
    turn = np.empty(len(classes), dtype=np.int64)
    for value in np.unique(classes):
        inside = np.flatnonzero(classes == value)
        turn[inside] = np.arange(len(inside))
    chosen = np.argsort(turn, kind="stable")[:count]
    return np.asarray(chosen[np.argsort(classes[chosen], kind="stable")])


def _artifact(folder: Path) -> Path:
    return inside if (inside := folder / "explainer").is_dir() else folder


def _check_classifier(card: dict[str, Any], weights: str, folder: Path) -> None:
    if (wanted := card.get("classifier_sha256")) != weights:
        raise UsageError(
            f"{folder}: explains another classifier (weights {str(wanted)[:12]}…, not {weights[:12]}…); name the one "
            "it was made for, or train an explainer of this one with 'lineament train explainer'"
        )
