"""The search for the five best of 216 models, for all attributes at once (section 2.3.2).

Features, principal components and kernel matrices do not depend on the attribute: a unit of work computes those of one
family of models once and fits the SVMs of all attributes on them. What a unit found is a small file in the run's
folder, so that a killed search goes on where it was; then the winners alone are fitted for good.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from lineament.artifacts import write_atomically
from lineament.datasets.base import AttributeDataset
from lineament.detectors.calibrated import Calibration, calibration
from lineament.detectors.classical import ClassicalDetector, Fitted, load, principal, rbf
from lineament.detectors.classical_features import (
    FAMILIES,
    MODELS,
    Family,
    Model,
    Pixels,
    pixels,
    stacked,
    vectors,
)  # fmt: skip
from lineament.detectors.classical_run import BACKENDS, Backend, claim, each, read_fitted, report, workers, write_fitted
from lineament.detectors.evaluation import commonest, people
from lineament.detectors.material import Material, gathered
from lineament.errors import UsageError
from lineament.training.memory import keep_freed_memory

__all__ = ["KEPT", "Faces", "compete", "fit", "held_out_people", "search"]

KEPT, HELD_OUT, C = 5, 0.2, 1.0
"""Models that vote; the share of people that choose them; the SVMs' C (classes are balanced by weight)."""


@dataclass(frozen=True)
class Faces:
    """What the models compete on.

    Attributes:
        pixels: of ``n`` faces.
        labels: ``(n, attributes)``, -1 unknown.
        held_out: ``(n,)`` the faces of the people that choose; the SVMs learn from the others.
    """

    pixels: Pixels
    labels: NDArray[np.int8]
    held_out: NDArray[np.bool_]


def compete(faces: Faces, family: Family) -> dict[str, list[float | None]]:
    """How well each model of a family tells each attribute on the held-out people: None where it cannot be told.

    It is the mean of both recalls, which is the accuracy on as many faces with the attribute as without.
    """
    found = {}
    with _one_thread():
        for model, x in vectors(faces.pixels, family.models).items():
            basis = principal(x[~faces.held_out])
            scores = basis.scores(x)
            first, second = scores[~faces.held_out], scores[faces.held_out]
            gamma = _gamma(first)
            own, other = rbf(first, first, gamma).astype(float), rbf(second, first, gamma).astype(float)
            found[str(model)] = [_accuracy(own, other, label, faces.held_out) for label in faces.labels.T]
    return found


def fit(faces: Faces, family: Family, winners: dict[Model, dict[int, float]]) -> list[Fitted]:
    """Fit the models of a family that won: ``winners`` maps each to {attribute's number: accuracy}."""
    fitted = []
    with _one_thread():
        for model, x in vectors(faces.pixels, list(winners)).items():
            basis = principal(x[~faces.held_out])
            scores = basis.scores(x[~faces.held_out])
            gamma = _gamma(scores)
            kernel, columns = rbf(scores, scores, gamma).astype(float), list(winners[model])
            fits = [_coefficients(kernel, faces.labels[~faces.held_out, column]) for column in columns]
            coefficients, bias = np.stack([one for one, _ in fits], 1), np.array([b for _, b in fits], np.float32)
            used, components = coefficients.any(1), basis.components()
            fitted.append(Fitted(
                model, components.astype(np.float16), basis.mean @ components, scores[used], gamma, coefficients[used],
                bias, np.array(columns, np.int64), np.array(list(winners[model].values()), np.float32),
            ))  # fmt: skip
    return fitted


def search(
    dataset: AttributeDataset, folder: str | Path, *, attributes: Sequence[str] = (), faces: int | None = 2000,
    seed: int = 0, jobs: int = 1, backend: Backend = "loky", progress: bool = False,
) -> ClassicalDetector:  # fmt: skip
    """Search on the training part, calibrate on the development part, write the artifact to ``folder``/detector.

    Beside it stand ``run.json`` (what was asked), ``search.json`` (which models won, and every accuracy) and the
    finished units; called again with the same arguments, a killed search goes on, a finished one is only loaded.

    Args:
        dataset: any with labels.
        folder: of the run.
        attributes: names; none means all of the set.
        faces: how many training faces at most (whole people); kernels grow with their square. None takes all.
        seed: of the draw of people and of who is held out.
        jobs: workers, with one BLAS thread each.
        backend: joblib's: "loky" (processes), "threading", or "dask" (extra ``cluster``; the scheduler that
            ``DASK_SCHEDULER_ADDRESS`` names, else one on this machine).
        progress: whether to show a bar with the time left on standard error.

    Raises:
        UsageError: an unknown attribute or backend, an empty part, or a folder that holds another run.
    """
    if backend not in BACKENDS:
        raise UsageError(f"backend: expected one of {', '.join(BACKENDS)}, got {backend!r}")
    material, folder = gathered(dataset, attributes, faces=faces, seed=seed), Path(folder)
    claim(folder, material)
    if (folder / "detector" / "card.json").is_file():
        return load(folder)
    keep_freed_memory()
    shown = Faces(
        stacked(material.each(material.train, pixels)), material.labels(material.train),
        held_out_people(dataset.identity[material.train], seed),
    )  # fmt: skip
    with _one_thread(), workers(jobs, backend, shown) as parallel:
        accuracies: dict[str, list[float | None]] = {}
        units: list[Any] = [(folder / "units" / f"{own}.json", own) for own in FAMILIES]
        for path in each(parallel, units, _compete_to, shown, "searching", progress):
            accuracies |= json.loads(path.read_text())
        winners = _winners(accuracies, len(material.attributes))
        held_out = int(shown.held_out.sum())
        report(
            folder / "search.json",
            material,
            {"learnt_from": len(shown.held_out) - held_out, "held_out": held_out},
            accuracies,
            winners,
        )
        units = [
            (folder / "fitted" / f"{own}.safetensors", own, chosen)
            for own in FAMILIES if (chosen := {m: winners[m] for m in own.models if m in winners})
        ]  # fmt: skip
        done = each(parallel, units, _fit_to, shown, "fitting", progress)
    detector = _assembled(material, [entry for path in done for entry in read_fitted(path)], shown)
    saved = detector.save(folder / "detector", **material.card())
    for path in done:
        path.unlink()
    return load(saved)


def _compete_to(path: Path, shown: Faces, family: Family) -> None:
    write_atomically(path, json.dumps(compete(shown, family)).encode())


def _fit_to(path: Path, shown: Faces, family: Family, winners: dict[Model, dict[int, float]]) -> None:
    write_fitted(path, fit(shown, family, winners))


def _gamma(scores: NDArray[np.float32]) -> float:
    """One over the mean squared distance from the mean: scikit-learn's "scale"."""
    return 1 / max(float((scores**2).sum(1).mean()), 1e-12)


def _svm(kernel: NDArray[np.float64], label: NDArray[np.int8]) -> tuple[SVC, NDArray[np.int64]]:
    known = np.flatnonzero(label >= 0)
    svm = SVC(C=C, kernel="precomputed", class_weight="balanced")
    return svm.fit(kernel if len(known) == len(label) else kernel[np.ix_(known, known)], label[known]), known


def _accuracy(
    own: NDArray[np.float64], other: NDArray[np.float64], label: NDArray[np.int8], held_out: NDArray[np.bool_]
) -> float | None:
    learnt, truth = label[~held_out], label[held_out]
    if any(not (part == value).any() for part in (learnt, truth) for value in (0, 1)):
        return None
    svm, known = _svm(own, learnt)
    said = svm.predict(other[:, known])
    return float(np.mean([(said[truth == value] == value).mean() for value in (0, 1)]))


def _coefficients(kernel: NDArray[np.float64], label: NDArray[np.int8]) -> tuple[NDArray[np.float32], float]:
    svm, known = _svm(kernel, label)
    found = np.zeros(len(label), np.float32)
    found[known[svm.support_]] = svm.dual_coef_[0]
    return found, float(svm.intercept_[0])


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for BLAS and for torch, so that workers do not stand in each other's way.

    BLAS has one number a process. Where workers are threads it must hold as long as any of them works, so it is set
    around all units too: the first to be done would give the others their threads back. Processes need it a unit.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def held_out_people(identity: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """A fifth of the people, with all their faces."""
    person = people(identity)
    order = np.random.default_rng([seed, 1]).permutation(int(person.max()) + 1)
    return np.isin(person, order[: max(1, round(HELD_OUT * len(order)))])


def _winners(accuracies: dict[str, list[float | None]], attributes: int) -> dict[Model, dict[int, float]]:
    """Which attributes each model serves, and with which accuracy; of equal ones the first in the order of `MODELS`."""
    winners: dict[Model, dict[int, float]] = {}
    for column in range(attributes):
        known = [(model, value) for model in MODELS if (value := accuracies[str(model)][column]) is not None]
        for model, value in sorted(known, key=lambda entry: -entry[1])[:KEPT]:
            winners.setdefault(model, {})[column] = value
    return winners


def _assembled(material: Material, fitted: Sequence[Fitted], shown: Faces) -> ClassicalDetector:
    count = len(material.attributes)
    constant = commonest(shown.labels).astype(np.float32)
    for entry in fitted:
        constant[entry.columns] = np.nan
    neutral = Calibration(*np.stack([np.ones(count), np.zeros(count), np.full(count, 0.5)]).astype(np.float32))
    bare = ClassicalDetector(**material.shared(), calibration=neutral, fitted=tuple(fitted), constant=constant)
    votes = np.concatenate(material.each(material.development, bare.values))
    found = calibration(votes, material.labels(material.development))
    return ClassicalDetector(**material.shared(), calibration=found, fitted=tuple(fitted), constant=constant)
