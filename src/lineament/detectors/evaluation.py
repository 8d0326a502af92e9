"""How well each attribute is detected, with bootstrap intervals over people, and thresholds chosen beforehand.

Images of one person resemble each other, so people are drawn with replacement, not images. A resample is a weight
for each person; row 0 of every table of weights is all ones, so a figure and its resamples come from one formula.
A figure that is not defined, such as an AUC where only one class occurs, is NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lineament.errors import UsageError

__all__ = [
    "BALANCE",
    "METRICS",
    "Criterion",
    "Evaluation",
    "commonest",
    "evaluate",
    "interval",
    "people",
    "per_person",
    "person_weights",
    "ratio",
    "reliability",
    "thresholds",
]  # fmt: skip

Criterion = Literal["accuracy", "balanced_accuracy", "mixed"]
"""What a threshold maximises."""

BALANCE = 0.05
"""How much balanced accuracy weighs beside accuracy in the mixed criterion."""

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auc")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """One detector on one part of a data set; columns follow ``attributes``, and NaN stands for "not defined".

    Attributes:
        n: ``(attributes,)`` images whose label is known.
        prevalence: share of them that have the attribute.
        majority: accuracy of always giving the answer that was commonest in training.
        thresholds: the probabilities from which on "present" is answered.
        calibration_error: expected calibration error over equal-mass bins, in [0, 1].
        calibration_bounds: ``(attributes, 2)``, the ends of its 95 % interval.
        accuracy, balanced_accuracy, macro_f1, auc: ``(attributes, 3)``: the value and the ends of its 95 % interval.
            The last three are NaN for an attribute that all images have, or none.
        means: each of ``METRICS`` and the calibration error over the attributes where it is defined, with its
            interval, ``(3,)``.
    """

    attributes: tuple[str, ...]
    n: NDArray[np.int64]
    prevalence: Array
    majority: Array
    thresholds: Array
    calibration_error: Array
    calibration_bounds: Array
    accuracy: Array
    balanced_accuracy: Array
    macro_f1: Array
    auc: Array
    means: dict[str, Array]

    def rows(self) -> list[dict[str, Any]]:
        """One flat dictionary an attribute, for JSON: undefined figures are None."""
        single = ("n", "prevalence", "majority", "thresholds", "calibration_error")
        return [
            {"attribute": name}
            | {key: _plain(getattr(self, key)[i]) for key in single}
            | {key: [_plain(x) for x in getattr(self, key)[i]] for key in ("calibration_bounds", *METRICS)}
            for i, name in enumerate(self.attributes)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers, for JSON."""
        return {"means": {key: [_plain(x) for x in value] for key, value in self.means.items()}, "rows": self.rows()}


def evaluate(
    scores: NDArray[Any],
    labels: NDArray[np.int8],
    thresholds: NDArray[Any],
    identity: NDArray[np.int64],
    *,
    attributes: Sequence[str],
    majority: NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Hold probabilities against labels.

    Args:
        scores: ``(n, attributes)`` in [0, 1]; present is answered where ``score >= threshold``.
        labels: ``(n, attributes)``: 1 present, 0 absent, -1 unknown, which is left out.
        thresholds: ``(attributes,)``, chosen on other people (see `thresholds`).
        identity: ``(n,)``; -1 is a person of its own.
        attributes: the names of the columns.
        majority: ``(attributes,)`` of 0 or 1: the answer to hold against, from other people (see `commonest`).
        resamples: how often people are drawn anew.
        seed: of these draws.
    """
    scores, labels, thresholds = _checked(scores, labels), np.asarray(labels), np.asarray(thresholds, dtype=float)
    person = people(identity)
    weights = person_weights(int(person.max(initial=-1)) + 1, resamples, seed)
    known, truth, said = labels >= 0, labels == 1, scores >= thresholds
    cells = np.stack([truth & said, truth & ~said, known & ~truth & said, known & ~truth & ~said])
    tp, fn, fp, tn = (weights @ per_person(cell, person) for cell in cells)
    drawn = _rates(tp, fn, fp, tn)
    drawn["auc"] = np.stack(
        [_auc(scores[k, i], truth[k, i], weights[:, person[k]]) for i, k in enumerate(known.T)], axis=1
    )
    positive, n = truth.sum(0), known.sum(0)
    calibration = _calibration_errors(scores, labels, person, weights)
    error = _centred(calibration)
    return Evaluation(
        attributes=tuple(attributes),
        n=n,
        prevalence=ratio(positive, n),
        majority=ratio(np.where(np.asarray(majority) == 1, positive, n - positive), n),
        thresholds=thresholds,
        calibration_error=error[:, 0],
        calibration_bounds=error[:, 1:],
        **{key: interval(value) for key, value in drawn.items()},
        means={key: interval(_nanmean(value)) for key, value in drawn.items()}
        | {"calibration_error": _centred(_nanmean(calibration))},
    )


def thresholds(scores: NDArray[Any], labels: NDArray[np.int8], criterion: Criterion = "accuracy") -> Array:
    """The best threshold of each attribute, ``(attributes,)``, by one sort of ``(n, attributes)`` scores in [0, 1].

    ``"mixed"`` maximises accuracy plus `BALANCE` times balanced accuracy: at nearly no cost in accuracy a rare
    attribute is no longer best never reported.

    They lie midway between scores; of equally good ones the nearest to 0.5 is taken. Without known labels it is 0.5.
    """
    if criterion not in get_args(Criterion):
        raise UsageError(f"criterion: expected one of {', '.join(map(repr, get_args(Criterion)))}, got {criterion!r}")
    scores, labels = _checked(scores, labels), np.asarray(labels)
    order = scores.argsort(0)
    ranked, answer = np.take_along_axis(scores, order, 0), np.take_along_axis(labels, order, 0)
    positive, negative = answer == 1, answer == 0
    even = np.broadcast_to(1 / np.maximum((answer >= 0).sum(0), 1), (2, scores.shape[1]))  # what an image is worth
    balanced = 0.5 / np.maximum(np.stack([positive.sum(0), negative.sum(0)]), 1)
    share = {"accuracy": even, "balanced_accuracy": balanced, "mixed": even + BALANCE * balanced}[criterion]
    edge = np.zeros((1, scores.shape[1]))
    found = np.concatenate([positive[::-1].cumsum(0)[::-1], edge]) * share[0]  # hits when the first k are refused
    refused = np.concatenate([edge, negative.cumsum(0)]) * share[1]
    low, high = np.concatenate([edge, ranked]), np.concatenate([ranked, edge + 1])
    cut = np.maximum((low + high) / 2, np.nextafter(low, 2))  # strictly above the last refused score
    cut[0] = np.minimum(ranked[0] if len(ranked) else 1, 0.5)
    quality = np.round(found + refused, 12)  # sums of equal shares may differ in the last bit
    quality[1:-1][ranked[1:] == ranked[:-1]] = -1  # equal scores cannot be parted
    distance = np.where(quality == quality.max(0), np.abs(cut - 0.5), np.inf)
    best: Array = np.take_along_axis(cut, distance.argmin(0)[None], 0)[0]
    return np.where((labels >= 0).any(0), best, 0.5)


def commonest(labels: NDArray[np.int8]) -> NDArray[np.int8]:
    """The majority answer of each attribute, ``(attributes,)`` of 0 or 1; 0 where it is a draw."""
    return np.asarray((labels == 1).sum(0) > (labels == 0).sum(0), dtype=np.int8)


def reliability(scores: NDArray[Any], labels: NDArray[np.int8], bins: int = 10) -> Array:
    """Calibration of one column ``(n,)``: rows of mean score, share of positives, images, in bins of equal mass."""
    known = labels >= 0
    score, truth = scores[known], labels[known] == 1
    parts = _equal_mass(score, bins)
    rows = [(score[part].mean(dtype=float), truth[part].mean(), len(part)) for part in parts]
    return np.array(rows, dtype=float).reshape(-1, 3)


def people(identity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Identities ``(n,)`` renumbered 0, 1, …; every unknown one (-1) is a person of its own."""
    alone = np.where(identity < 0, -1 - np.arange(len(identity)), identity)
    numbered: NDArray[np.int64] = np.unique(alone, return_inverse=True)[1].astype(np.int64)
    return numbered


def person_weights(count: int, resamples: int, seed: int = 0) -> Array:
    """``(1 + resamples, count)``: how often each person is drawn; row 0 is the sample itself, all ones."""
    if not count:
        return np.zeros((1 + resamples, 0))
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.concatenate([np.ones((1, count)), draws])


def interval(drawn: Array, level: float = 0.95) -> Array:
    """From ``(1 + resamples, …)``, the figure first, to ``(…, 3)``: the figure and its percentile interval."""
    result = np.stack([drawn[0], np.full_like(drawn[0], np.nan), np.full_like(drawn[0], np.nan)], axis=-1)
    defined = np.isfinite(drawn[0]) & np.isfinite(drawn[1:]).any(0)
    if defined.any():
        ends = [(1 - level) / 2, (1 + level) / 2]
        result[defined, 1:] = np.nanquantile(drawn[1:][:, defined], ends, axis=0).T
    return result


def per_person(table: NDArray[np.bool_], person: NDArray[np.int64]) -> Array:
    """``(n, columns)`` of 0 and 1 summed over the images of each person, ``(people, columns)``; see `people`."""
    if not len(table):
        return np.zeros((0, table.shape[1]))
    order = person.argsort(kind="stable")
    starts = np.searchsorted(person[order], np.arange(person.max() + 1))
    return np.add.reduceat(table[order].astype(float), starts, axis=0)


def ratio(above: Any, below: Any) -> Any:
    """``above / below``, NaN where ``below`` is 0: the share of nothing is not defined."""
    below = np.asarray(below, dtype=float)
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)[()]


def _rates(tp: Array, fn: Array, fp: Array, tn: Array) -> dict[str, Array]:
    """The figures that a confusion table gives; all but accuracy need both classes."""
    f1 = (ratio(2 * tp, 2 * tp + fp + fn) + ratio(2 * tn, 2 * tn + fp + fn)) / 2
    return {
        "accuracy": ratio(tp + tn, tp + fn + fp + tn),
        "balanced_accuracy": (ratio(tp, tp + fn) + ratio(tn, tn + fp)) / 2,
        "macro_f1": np.where((tp + fn > 0) & (tn + fp > 0), f1, np.nan),
    }


def _auc(score: Array, truth: NDArray[np.bool_], weights: Array) -> Array:
    """Weighted Mann-Whitney statistic, ``(1 + resamples,)``: P(a positive scores higher) + P(equal) / 2."""
    order = score.argsort()
    score, truth = score[order], truth[order]
    positive = score[truth]
    below, upto = (np.searchsorted(score, positive, side) for side in ("left", "right"))
    result = []
    for block in np.array_split(weights[:, order], 1 + weights.size // 4_000_000):  # bounds the memory
        lower = np.pad(np.cumsum(block * ~truth, axis=1), ((0, 0), (1, 0)))
        won = (block[:, truth] * (lower[:, below] + lower[:, upto])).sum(1) / 2
        result.append(ratio(won, block[:, truth].sum(1) * lower[:, -1]))
    return np.concatenate(result)


def _equal_mass(score: Array, bins: int) -> list[NDArray[np.int64]]:
    """The positions ``(n,)`` of rising scores in parts of equal size."""
    return [part for part in np.array_split(score.argsort(kind="stable"), bins) if len(part)]


def _calibration_errors(
    scores: Array, labels: NDArray[np.int8], person: NDArray[np.int64], weights: Array, bins: int = 10
) -> Array:
    """Mean distance of score and share of positives over the bins of `reliability`, ``(1 + resamples, attributes)``."""
    errors = np.full((len(weights), scores.shape[1]), np.nan)
    for i, (score, label) in enumerate(zip(scores.T, labels.T, strict=True)):
        known = np.flatnonzero(label >= 0)
        gaps = np.zeros((weights.shape[1], bins))  # of each person in each bin
        for k, part in enumerate(_equal_mass(score[known], bins)):
            np.add.at(gaps[:, k], person[known[part]], score[known[part]] - label[known[part]])
        images = weights @ np.bincount(person[known], minlength=weights.shape[1])
        errors[:, i] = ratio(np.abs(weights @ gaps).sum(1), images)
    return errors


def _centred(drawn: Array) -> Array:
    """`interval`, moved so that the draws' mean is the figure: drawing anew by itself adds to a mean of distances."""
    result = interval(drawn)
    if len(drawn) > 1:
        result[..., 1:] += (drawn[0] - _nanmean(drawn[1:].T))[..., None]
    result[..., 1:] = np.maximum(result[..., 1:], 0)
    return result


def _nanmean(drawn: Array) -> Array:
    defined = np.isfinite(drawn)
    return np.asarray(ratio(np.where(defined, drawn, 0).sum(-1), defined.sum(-1)), dtype=float)


def _plain(value: Any) -> float | int | None:
    number = value.item()
    return number if np.isfinite(number) else None


def _checked(scores: NDArray[Any], labels: NDArray[np.int8]) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or scores.shape != np.shape(labels):
        raise UsageError(
            f"scores, labels: expected one shape (n, attributes) for both, got {scores.shape} and {np.shape(labels)}"
        )
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise UsageError("scores: expected probabilities in [0, 1] without NaN; apply the sigmoid to logits first")
    return scores
