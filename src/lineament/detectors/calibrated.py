"""What the detectors without networks share: one value an attribute, and a scale and a shift that make it log-odds."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy.typing import NDArray
from torch import Tensor

from lineament import artifacts
from lineament.detectors.evaluation import thresholds
from lineament.detectors.heads import Head, calibrated
from lineament.detectors.prediction import sigmoid
from lineament.errors import UsageError, nearest
from lineament.faces.parts import check_eyes
from lineament.images import check_images

__all__ = ["Calibration", "ValueDetector", "calibration", "from_artifact"]


@dataclass(frozen=True)
class Calibration:
    """How values become log-odds and answers; each ``(attributes,)`` float32.

    Attributes:
        scale, shift: log-odds are ``scale * value + shift`` (Platt, 1999).
        thresholds: the probability from which on an attribute counts as present.
    """

    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    thresholds: NDArray[np.float32]

    def log_odds(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values ``(n, attributes)`` to log-odds of the same shape."""
        return values * self.scale + self.shift


def calibration(values: NDArray[np.float32], labels: NDArray[np.int8]) -> Calibration:
    """Fit scale and shift on the development part, as `heads.calibrated` does, and thresholds on their result.

    Args:
        values: ``(n, attributes)``.
        labels: ``(n, attributes)``, -1 unknown.
    """
    count = values.shape[1]
    fitted = calibrated(Head(np.eye(count, dtype=np.float32), np.zeros(count, np.float32)), values, labels)
    cuts = thresholds(sigmoid(fitted(values)), labels, "mixed")
    return Calibration(np.diag(fitted.weight).copy(), fitted.bias.astype(np.float32), cuts.astype(np.float32))


@dataclass(frozen=True)
class ValueDetector(ABC):
    """A detector that computes one value an attribute; satisfies `subject.AttributeDetector`.

    A kind of detector adds what computes its values, restricts them to some attributes, and is to be saved.

    Attributes:
        attributes: names of the columns.
        calibration: from values to log-odds and answers.
        eyes: ``(2, 2)`` where the eyes lie when a call does not say, in fractions of width and height.
        shape: height and width in pixels of the images it was trained on.
        card: provenance.
    """

    kind: ClassVar[str]
    differentiable: ClassVar[bool] = False
    device: ClassVar[torch.device] = torch.device("cpu")

    attributes: tuple[str, ...]
    calibration: Calibration = field(repr=False)
    eyes: NDArray[np.float32] = field(repr=False)
    shape: tuple[int, int]
    card: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def thresholds(self) -> NDArray[np.float32]:
        """``(attributes,)``: the probability from which on an attribute counts as present."""
        return self.calibration.thresholds

    def values(self, images: Tensor, eyes: Tensor | None = None) -> NDArray[np.float32]:
        """The dissertation's attribute vector ``(batch, attributes)``; arguments as in `probabilities`."""
        check_images(images, channels=3)
        if eyes is None:
            eyes = torch.from_numpy(self.eyes).expand(images.shape[0], 2, 2)
        check_eyes(eyes, images.shape[0])
        return self._values(images, eyes)

    def __call__(self, images: Tensor, eyes: Tensor | None = None) -> Float32[Tensor, "batch attributes"]:
        """Calibrated log-odds ``(batch, attributes)``; arguments as in `probabilities`."""
        return torch.from_numpy(self.calibration.log_odds(self.values(images, eyes)))

    def probabilities(self, images: Tensor, eyes: Tensor | None = None) -> Float[Tensor, "batch attributes"]:
        """The probability ``(batch, attributes)`` that each attribute is present.

        Args:
            images: ``(batch, 3, height, width)`` in [0, 1], any size.
            eyes: ``(batch, 2, 2)`` eye centres in fractions of width and height; None where images are framed as the
                training set's were.
        """
        return self(images, eyes).sigmoid()

    def only(self, *attributes: str) -> Self:
        """A detector of these attributes alone, at their cost alone."""
        for name in attributes:
            if name not in self.attributes:
                raise UsageError(nearest(name, self.attributes, "attribute"))
        rows = [self.attributes.index(name) for name in attributes]
        own = self.calibration
        kept = Calibration(own.scale[rows], own.shift[rows], own.thresholds[rows])
        return replace(self._only(rows), attributes=attributes, calibration=kept)

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write the detector as an artifact; further card entries (data, licence, metrics) by name."""
        tensors, config = self._state()
        own = self.calibration
        shared = {"scale": own.scale, "shift": own.shift, "thresholds": own.thresholds, "eyes": self.eyes}
        return artifacts.save(
            folder,
            kind=self.kind,
            tensors={name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in (tensors | shared).items()},
            config={"shape": list(self.shape), **config},
            attributes=list(self.attributes),
            **card,
        )

    @abstractmethod
    def _values(self, images: Tensor, eyes: Tensor) -> NDArray[np.float32]:
        """`values` of checked arguments."""

    @abstractmethod
    def _only(self, rows: Sequence[int]) -> Self:
        """The same detector with what computes the values of ``rows`` alone."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Own arrays and own JSON values, for an artifact."""


def from_artifact(card: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """The arguments of `ValueDetector` that `ValueDetector.save` wrote; ``LookupError`` or ``ValueError`` if torn."""
    count = len(card["attributes"])
    arrays = {name: tensors[name].numpy() for name in ("scale", "shift", "thresholds", "eyes")}
    if any(arrays[name].shape != (count,) for name in ("scale", "shift", "thresholds")) or arrays["eyes"].shape != (
        2,
        2,
    ):
        raise ValueError(f"scale, shift, thresholds and eyes do not fit {count} attributes")
    height, width = card["config"]["shape"]
    return {
        "attributes": tuple(card["attributes"]),
        "calibration": Calibration(arrays["scale"], arrays["shift"], arrays["thresholds"]),
        "eyes": arrays["eyes"],
        "shape": (int(height), int(width)),
        "card": card,
    }
