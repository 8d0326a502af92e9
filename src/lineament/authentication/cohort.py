"""The cohort: readings of many people whom the detector never saw, against which every score is held.

It says how readings vary within a person and between people, what a typed answer looks like to the detector, and,
its people taken as impostors, which score a wanted false match rate needs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as safetensors_bytes

from lineament import artifacts
from lineament.authentication.readings import as_log_odds, model_of, read_all
from lineament.datasets.base import AttributeDataset
from lineament.detectors.evaluation import people
from lineament.errors import JobError, UsageError
from lineament.subject import AttributeDetector

__all__ = ["SHRINKAGE", "Cohort", "calibrate", "covariances", "load", "shipped"]

SHRINKAGE = 0.1
"""Share by which covariances are drawn towards their own diagonal, since some hundred people do not determine all of
them; variances stay as measured."""

LEAST = 0.1
"""Deviations within a person count as at least this, in log-odds: an attribute that never varied in the cohort would
otherwise decide alone."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Readings of development people by one detector, and what follows from them.

    Attributes:
        model: sha256 of the detector's artifact (`readings.model_of`).
        attributes: names, in the detector's order.
        cuts: ``(attributes,)`` log-odds from which on the detector answers "yes".
        readings: ``(n, attributes)`` float16 log-odds.
        identity: ``(n,)`` int64, 0 to people - 1; no names are kept.
        within, between: ``(attributes, attributes)`` float64, shrunk covariances of log-odds about a person's mean, and
            of people's means about ``mean``.
        mean: ``(attributes,)`` mean over people.
        answers: ``(2, attributes)`` mean log-odds of images labelled no and yes; NaN where the data have no such label.
        card: provenance: data and its licence.
    """

    model: str
    attributes: tuple[str, ...]
    cuts: NDArray[np.float64] = field(repr=False)
    readings: NDArray[np.float16] = field(repr=False)
    identity: NDArray[np.int64] = field(repr=False)
    within: NDArray[np.float64] = field(repr=False)
    between: NDArray[np.float64] = field(repr=False)
    mean: NDArray[np.float64] = field(repr=False)
    answers: NDArray[np.float64] = field(repr=False)
    card: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def people(self) -> int:
        """How many there are."""
        return int(self.identity.max(initial=-1)) + 1

    @property
    def deviation(self) -> NDArray[np.float64]:
        """``(attributes,)`` deviation within a person, pooled over people."""
        return np.asarray(np.sqrt(np.diag(self.within)))

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """``(people, attributes)``: by how much each person differs from ``mean``.

        Means over a few images spread more than people do, by W over their number. They are drawn together so that
        their covariance is what was estimated of people themselves, B.
        """
        counts = np.bincount(self.identity)
        means = np.zeros((self.people, len(self.attributes)))
        np.add.at(means, self.identity, self.readings.astype(np.float64))
        seen = self.between + self.within * (1 / counts).mean()
        return np.asarray((means / counts[:, None] - self.mean) @ _root(seen, -0.5) @ _root(self.between, 0.5))

    @cached_property
    def sha256(self) -> str:
        """64 hex digits that name the cohort, whether it was saved or not: of its model, attributes and numbers."""
        head = "\n".join((self.model, *self.attributes)).encode()
        return sha256(head + safetensors_bytes(self._tensors())).hexdigest()

    def save(self, folder: str | Path) -> Path:
        """Write it as an artifact of kind ``"cohort"``."""
        return artifacts.save(
            folder,
            kind="cohort",
            tensors=self._tensors(),
            config={"model": self.model},
            attributes=list(self.attributes),
            **{key: self.card[key] for key in ("data", "licence") if key in self.card},
        )

    def _tensors(self) -> dict[str, torch.Tensor]:
        arrays = ("answers", "between", "cuts", "identity", "mean", "readings", "within")
        return {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in arrays}


def calibrate(
    detector: AttributeDetector, dataset: AttributeDataset, progress: Callable[[float], None] | None = None
) -> Cohort:
    """Read every image of ``dataset`` and make a cohort of its people.

    Args:
        detector: any that has an artifact.
        dataset: images of people of whom neither the detector nor any measurement on test people knows: a development
            part. It needs at least two images of most people; images of unknown identity are left out. Its labels, if
            it has any of the detector's attributes, allow typed answers.
        progress: hears the share done.

    Raises:
        UsageError: fewer than two people with two images each, or a detector without artifact.
    """
    known = dataset.subset(dataset.identity >= 0)
    model = model_of(detector)
    _, counts = np.unique(known.identity, return_counts=True)
    if (counts > 1).sum() < 2:
        raise UsageError(f"{dataset.name}: a cohort needs two people with two images each, or more")
    readings = read_all(detector, known, progress).astype(np.float16)
    identity = people(known.identity)
    within, between, mean = covariances(readings.astype(np.float64), identity)
    return Cohort(
        model=model,
        attributes=tuple(detector.attributes),
        cuts=as_log_odds(np.asarray(detector.thresholds)),
        readings=readings,
        identity=identity,
        within=within,
        between=between,
        mean=mean,
        answers=_answers(readings.astype(np.float64), known, tuple(detector.attributes)),
        card={"data": dataset.name, "licence": dataset.licence},
    )


def covariances(
    readings: NDArray[np.float64], identity: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Covariance within a person and between people ``(a, a)``, and the mean over people ``(a,)``, by moments.

    W is the covariance about each person's mean, pooled. The covariance of the people's means is B plus W over the
    (harmonic mean) number of images, so B is what is left without that, its negative eigenvalues set to 0. Both are
    shrunk by `SHRINKAGE` towards their diagonal; deviations within a person are at least `LEAST`.

    Args:
        readings: ``(n, a)``.
        identity: ``(n,)``, 0 to people - 1, every number in use.
    """
    counts = np.bincount(identity)
    means = np.zeros((len(counts), readings.shape[1]))
    np.add.at(means, identity, readings)
    means /= counts[:, None]
    residual = readings - means[identity]
    within = residual.T @ residual / (len(readings) - len(counts))
    spread = means - means.mean(0)
    values, vectors = np.linalg.eigh(spread.T @ spread / (len(counts) - 1) - within * (1 / counts).mean())
    between = (vectors * np.maximum(values, 0)) @ vectors.T
    within = _shrunk(within)
    np.fill_diagonal(within, np.maximum(np.diag(within), LEAST**2))
    return within, _shrunk(between), means.mean(0)


def load(folder: str | Path) -> Cohort:
    """The cohort in an artifact; ``JobError`` says what is missing, torn or of another kind."""
    artifact = artifacts.load(folder, kind="cohort")
    try:
        arrays = {name: tensor.numpy() for name, tensor in artifact.tensors.items()}
        cohort = Cohort(
            artifact.card["config"]["model"], tuple(artifact.card["attributes"]), card=artifact.card, **arrays
        )
    except (LookupError, TypeError) as error:
        raise JobError(f"{folder}: its card and its tensors do not describe a cohort ({error})") from None
    if wrong := _wrong(cohort):
        raise JobError(f"{folder}: {wrong}; make it again with 'lineament calibrate'")
    return cohort


def shipped() -> Cohort:
    """The cohort of the shipped portraits detector, which comes with the package."""
    return load(Path(str(files("lineament.authentication"))) / "shipped" / "portraits")


def _shrunk(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance)))


def _root(covariance: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """A symmetric power of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** power) @ vectors.T)


def _answers(
    readings: NDArray[np.float64], dataset: AttributeDataset, attributes: tuple[str, ...]
) -> NDArray[np.float64]:
    found = np.full((2, len(attributes)), np.nan)
    for i, name in enumerate(attributes):
        for answer in (0, 1) if name in dataset.attributes else ():
            if (labelled := dataset.column(name) == answer).any():
                found[answer, i] = readings[labelled, i].mean()
    return found


def _wrong(cohort: Cohort) -> str:
    """What no calibration would have written, in words; empty if nothing."""
    a, n = len(cohort.attributes), len(cohort.identity)
    expected = {
        "cuts": ("float64", (a,)),
        "readings": ("float16", (n, a)),
        "identity": ("int64", (n,)),
        "within": ("float64", (a, a)),
        "between": ("float64", (a, a)),
        "mean": ("float64", (a,)),
        "answers": ("float64", (2, a)),
    }
    for name, (kind, shape) in expected.items():
        values = getattr(cohort, name)
        if values.dtype != kind or values.shape != shape:
            return f"{name} is {values.dtype} {values.shape}, expected {kind} {shape}"
        if name != "answers" and not np.isfinite(values).all():
            return f"{name} holds numbers that are not finite"
    used = np.unique(cohort.identity)
    if len(used) < 2 or not np.array_equal(used, np.arange(len(used))):
        return "identity is not 0 to people - 1"
    return "" if np.linalg.eigvalsh(cohort.within).min() > 0 else "within is no covariance"
