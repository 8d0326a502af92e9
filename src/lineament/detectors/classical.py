"""The classical detectors (section 2.3): for every attribute five PCA and RBF-SVM models that vote (eq. 2.1).

`search` finds the five among the 216; here are a model's arithmetic and the detector that they make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from lineament import artifacts
from lineament.detectors.calibrated import ValueDetector, from_artifact
from lineament.detectors.classical_features import FAMILIES, MODELS, Model, family, pixels, vectors
from lineament.errors import JobError

__all__ = ["ClassicalDetector", "Fitted", "Principal", "arrays", "from_arrays", "load", "principal", "rbf"]

ENERGY = 0.99
"""The share of the variance that PCA keeps."""


@dataclass(frozen=True)
class Principal:
    """Principal components of ``(n, d)`` vectors, held as ``span' mix`` where there are fewer vectors than features.

    Attributes:
        mean: ``(d,)``.
        span: ``(n, d)`` the centred vectors themselves, or None: then ``mix`` alone is the components.
        mix: ``(n, k)`` or ``(d, k)``.
    """

    mean: NDArray[np.float32]
    span: NDArray[np.float32] | None
    mix: NDArray[np.float32]

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, d)`` to ``(m, k)``; through inner products with the span, which cost less than its components."""
        centred = x - self.mean
        return np.asarray((centred if self.span is None else centred @ self.span.T) @ self.mix)

    def components(self) -> NDArray[np.float32]:
        """``(d, k)`` of unit columns."""
        return self.mix if self.span is None else np.asarray(self.span.T @ self.mix)


def principal(x: NDArray[np.float32], energy: float = ENERGY) -> Principal:
    """PCA of ``(n, d)`` vectors, by whichever of their Gram and covariance matrices is smaller.

    Of a set without variance one component is kept.
    """
    mean = x.mean(0)
    centred = x - mean
    wide = centred.shape[1] > centred.shape[0]
    values, axes = eigh(centred @ centred.T if wide else centred.T @ centred, check_finite=False)
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    share = values.cumsum(dtype=float) / max(float(values.sum(dtype=float)), 1e-30)
    kept = min(int(np.searchsorted(share, energy, side="right")) + 1, len(values))
    scale = 1 / np.sqrt(np.maximum(values[:kept], 1e-12)) if wide else np.ones(kept, np.float32)
    return Principal(mean, centred if wide else None, np.ascontiguousarray(axes[:, :kept] * scale, dtype=np.float32))


def rbf(x: NDArray[np.float32], y: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    """``exp(-gamma ||x - y||^2)`` of every pair, ``(m, n)``."""
    squared = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
    return np.asarray(np.exp(-gamma * np.maximum(squared, 0)))


@dataclass(frozen=True)
class Fitted:
    """One of the 216, as fitted for the attributes of which it is among the five.

    Attributes:
        model: which.
        components: ``(d, k)`` float16.
        offset: ``(k,)`` scores of the mean, taken off.
        support: ``(s, k)`` scores of the faces that are support vectors of any of the SVMs.
        gamma: of the kernel.
        coefficients, bias: ``(s, m)`` and ``(m,)``, one SVM a column.
        columns: ``(m,)`` the attributes' numbers in the detector.
        weights: ``(m,)`` the SVMs' accuracies in the search, w of eq. 2.1.
    """

    model: Model
    components: NDArray[np.float16]
    offset: NDArray[np.float32]
    support: NDArray[np.float32]
    gamma: float
    coefficients: NDArray[np.float32]
    bias: NDArray[np.float32]
    columns: NDArray[np.int64]
    weights: NDArray[np.float32]

    def decisions(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The SVMs' decision functions ``(n, m)`` for feature vectors ``(n, d)``; present where positive."""
        scores = (torch.from_numpy(x) @ torch.from_numpy(self.components).float()).numpy() - self.offset
        return rbf(scores, self.support, self.gamma) @ self.coefficients + self.bias

    def only(self, rows: Sequence[int]) -> "Fitted | None":
        """The SVMs of the attributes ``rows``, which are renumbered in that order; None if there are none."""
        kept = [i for i, column in enumerate(self.columns) if column in rows]
        numbers = np.array([rows.index(int(self.columns[i])) for i in kept], np.int64)
        own: dict[str, Any] = {key: getattr(self, key)[..., kept] for key in ("coefficients", "bias", "weights")}
        return replace(self, columns=numbers, **own) if kept else None


@dataclass(frozen=True)
class ClassicalDetector(ValueDetector):
    """Weighted votes of five SVMs an attribute; `values` are eq. 2.1, in [0, 1].

    Attributes:
        fitted: every model that votes on anything.
        constant: ``(attributes,)`` the vote where no model was found, since training had only one value; else NaN.
    """

    kind: ClassVar[str] = "classical"

    fitted: tuple[Fitted, ...] = field(kw_only=True, repr=False)
    constant: NDArray[np.float32] = field(kw_only=True, repr=False)

    def _values(self, images: Tensor, eyes: Tensor) -> NDArray[np.float32]:
        shown = pixels(images, eyes)
        votes, weight = (np.zeros((len(images), len(self.attributes)), np.float32) for _ in range(2))
        for own in FAMILIES:
            chosen = [entry for entry in self.fitted if family(entry.model) == own]
            found = vectors(shown, [entry.model for entry in chosen]) if chosen else {}
            for entry in chosen:
                votes[:, entry.columns] += entry.weights * (entry.decisions(found[entry.model]) > 0)
                weight[:, entry.columns] += entry.weights
        return np.where(np.isnan(self.constant), votes / np.maximum(weight, 1e-9), self.constant)

    def _only(self, rows: Sequence[int]) -> Self:
        kept = tuple(own for entry in self.fitted if (own := entry.only(rows)) is not None)
        return replace(self, fitted=kept, constant=self.constant[list(rows)])

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors, models = arrays(self.fitted)
        return {"constant": self.constant, **tensors}, {"models": models}


_ARRAYS = ("components", "offset", "support", "coefficients", "bias", "columns", "weights")


def arrays(fitted: Sequence[Fitted]) -> tuple[dict[str, NDArray[Any]], list[list[Any]]]:
    """Fitted models for a file: their arrays by name, and (part, feature, cell, gamma) of each."""
    tensors = {f"{i}.{key}": getattr(entry, key) for i, entry in enumerate(fitted) for key in _ARRAYS}
    return tensors, [[*entry.model, entry.gamma] for entry in fitted]


def from_arrays(tensors: Mapping[str, Tensor], models: Sequence[Sequence[Any]]) -> tuple[Fitted, ...]:
    """What `arrays` was given; ``LookupError``, ``TypeError`` or ``ValueError`` if torn."""
    return tuple(_from_arrays(tensors, f"{i}.", *model) for i, model in enumerate(models))


def _from_arrays(tensors: Mapping[str, Tensor], prefix: str, part: Any, feature: Any, cell: Any, gamma: Any) -> Fitted:
    if (chosen := Model(part, feature, cell)) not in MODELS:
        raise ValueError(f"no model {chosen}")
    found = Fitted(model=chosen, gamma=float(gamma), **{key: tensors[prefix + key].numpy() for key in _ARRAYS})
    (_, k), (s, m) = found.components.shape, found.coefficients.shape
    shapes = {"offset": (k,), "support": (s, k), "bias": (m,), "columns": (m,), "weights": (m,)}
    if wrong := [key for key, shape in shapes.items() if getattr(found, key).shape != shape]:
        raise ValueError(f"{chosen}: {', '.join(wrong)} of the wrong shape")
    return found


def load(folder: str | Path) -> ClassicalDetector:
    """The detector in an artifact or in the folder of the run that made it; ``JobError`` says what is wrong with it."""
    if (run := Path(folder) / "detector").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind=ClassicalDetector.kind)
    try:
        shared, models = from_artifact(artifact.card, artifact.tensors), artifact.card["config"]["models"]
        fitted = from_arrays(artifact.tensors, models)
        constant, count = artifact.tensors["constant"].numpy(), len(shared["attributes"])
        if constant.shape != (count,) or any((entry.columns >= count).any() for entry in fitted):
            raise ValueError(f"its models vote on more than {count} attributes")
        return ClassicalDetector(**shared, fitted=fitted, constant=constant)
    except (LookupError, TypeError, ValueError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe a classical detector ({error})") from None
