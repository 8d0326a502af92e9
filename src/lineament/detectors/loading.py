"""One door for every kind of detector: networks, classical models, the platform variant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament import artifacts
from lineament.detectors import classical, detector, platform
from lineament.errors import JobError

__all__ = ["KINDS", "AnyDetector", "AttributeDetector", "load_any"]


class AttributeDetector(Protocol):
    """What the report needs of a detector (`lineament.detectors.detector.Detector` is one)."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def thresholds(self) -> NDArray[Any]:
        """``(attributes,)``: the probability from which on an attribute counts as present."""

    @property
    def card(self) -> dict[str, Any]:
        """Provenance."""

    def probabilities(self, images: Tensor, eyes: Tensor | None = None) -> Tensor:
        """``(batch, attributes)`` in [0, 1] for ``(batch, 3, height, width)`` images, eyes as in the data set."""


class AnyDetector(AttributeDetector, Protocol):
    """What every kind of detector has beyond that."""

    @property
    def eyes(self) -> NDArray[np.float32]:
        """``(2, 2)`` where the eyes lie when a call does not say, in fractions of width and height."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels of the images it was trained on."""

    @property
    def device(self) -> torch.device:
        """Where its images must be."""

    def __call__(self, images: Tensor, eyes: Tensor | None = None) -> Tensor:
        """Calibrated log-odds ``(batch, attributes)``."""

    def only(self, *attributes: str) -> Self:
        """A detector of these attributes alone, at their cost alone."""


KINDS: dict[str, Callable[[Path], AnyDetector]] = {
    "detector": detector.load,
    "classical": classical.load,
    "platform": platform.load,
}
"""A card's kind to what reads it."""


def load_any(folder: str | Path) -> AnyDetector:
    """The detector in an artifact, or in the folder of the run that made it, whatever its kind.

    ``JobError`` says what is missing, torn, or no detector at all.
    """
    place = run if (run := Path(folder) / "detector").is_dir() else Path(folder)
    kind = artifacts.read_card(place)["kind"]
    if kind not in KINDS:
        raise JobError(f"{folder}: holds a {kind!r}, expected one of {', '.join(map(repr, KINDS))}")
    return KINDS[kind](place)
