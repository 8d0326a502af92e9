"""Telling people apart by attribute vectors: similarity, error rates, the equal error rate and its interval.

Terms follow ISO/IEC 19795-1: a comparison of one person with itself is *genuine* (mated), any other an *impostor*
(non-mated) comparison; FMR is the share of impostor comparisons accepted, FNMR that of genuine ones refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from lineament.authentication.resampling import Crossing, Draws, check_both
from lineament.detectors.evaluation import interval
from lineament.errors import UsageError

__all__ = [
    "NEAREST", "Similarity", "Verification", "compare", "equal_error_rate", "error_rates", "halves", "set_eer",
    "similarity", "single_eer", "standardise",
]  # fmt: skip

Similarity = Literal["inverse_distance", "inner_product", "cosine"]
Array = NDArray[np.float64]

NEAREST = 1e-9
"""Vectors closer than this count as this far apart, so that the similarity of equal vectors is finite (1e9)."""


@dataclass(frozen=True)
class Verification:
    """All comparisons of one protocol.

    Attributes:
        scores: ``(references, probes)`` similarities; NaN where the two are not compared.
        references, probes: the identity of each row and of each column.
        eer: the equal error rate and the ends of its 95 % bootstrap interval over people, ``(3,)``, in [0, 1].
    """

    scores: Array
    references: NDArray[np.int64]
    probes: NDArray[np.int64]
    eer: Array

    @property
    def genuine(self) -> Array:
        """Scores of comparisons of a person with itself."""
        return _told(self.scores[self.references[:, None] == self.probes])

    @property
    def impostor(self) -> Array:
        """Scores of comparisons of two people."""
        return _told(self.scores[self.references[:, None] != self.probes])


def similarity(references: NDArray[Any], probes: NDArray[Any], kind: Similarity = "inverse_distance") -> Array:
    """How alike each reference ``(r, d)`` and each probe ``(p, d)`` are, ``(r, p)``; larger is more alike.

    ``"inverse_distance"`` is ``1 / ||e - t||`` (eq. 2.2), at most ``1 / NEAREST``; the others are ``"inner_product"``
    and ``"cosine"`` (0 for a vector of zeros).
    """
    references, probes = np.asarray(references, dtype=float), np.asarray(probes, dtype=float)
    if kind == "inverse_distance":
        return np.asarray(1 / np.maximum(cdist(references, probes), NEAREST))
    if kind == "inner_product":
        return np.asarray(references @ probes.T)
    if kind == "cosine":
        return _unit(references) @ _unit(probes).T
    raise UsageError(f"similarity: expected 'inverse_distance', 'inner_product' or 'cosine', got {kind!r}")


def standardise(vectors: NDArray[Any], development: NDArray[Any]) -> Array:
    """``(n, d)`` vectors with the mean and deviation of each column of ``development`` taken out.

    A column that is constant in ``development`` becomes 0: it was never seen to tell anything.
    """
    mean, deviation = development.mean(0, dtype=float), development.std(0, dtype=float)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 1e-12)
    return np.asarray((vectors - mean) * scale)


def error_rates(genuine: NDArray[Any], impostor: NDArray[Any]) -> tuple[Array, Array, Array]:
    """The operating points of "accept where score >= threshold": thresholds, FMR and FNMR, all ``(points,)``.

    One point for each distinct score, and a last one at infinity, which accepts nothing; FMR falls, FNMR rises.
    """
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    check_both(len(genuine), len(impostor))
    cuts = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    fnmr = np.searchsorted(genuine, cuts) / len(genuine)
    fmr = 1 - np.searchsorted(impostor, cuts) / len(impostor)
    return cuts, fmr, fnmr


def equal_error_rate(genuine: NDArray[Any], impostor: NDArray[Any]) -> float:
    """The point where FNMR equals FMR, in [0, 1].

    The operating points of `error_rates` are joined by straight lines in the (FMR, FNMR) plane; the result is the
    one point of this line with FNMR = FMR. So it is 0 if every genuine score is above every impostor score.
    """
    cuts, fmr, fnmr = error_rates(genuine, impostor)
    k = int((fnmr >= fmr).argmax())
    before, at = slice(k - 1, k), slice(k, k + 1)
    return float(Crossing(fmr[before], fnmr[before], fmr[at], fnmr[at], cuts[at]).meeting()[0])


def halves(
    identity: NDArray[np.int64], names: Sequence[str], minimum: int = 6
) -> list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """For each person with ``minimum`` images: identity, indices of its first half by file name, and of its second.

    An odd image goes to the second half. Images of unknown identity (-1) are left out.
    """
    order = np.lexsort((np.asarray(names, dtype=str), identity))
    numbers, starts = np.unique(identity[order], return_index=True)
    groups = zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)
    return [(i, own[: len(own) // 2], own[len(own) // 2 :]) for i, own in groups if i >= 0 and len(own) >= minimum]


def set_eer(vectors: NDArray[Any], identity: NDArray[np.int64], names: Sequence[str], **options: Any) -> Verification:
    """People with at least six images: mean vector of the first half against mean of the second, all cross pairs.

    Args:
        vectors: ``(n, d)``, one an image; see `standardise`.
        identity: ``(n,)``, -1 unknown.
        names: ``n`` file names, which order a person's images.
        options: those of `compare`.
    """
    parts = halves(identity, names)
    numbers = np.array([number for number, _, _ in parts], dtype=np.int64)
    return compare(_means(vectors, [a for _, a, _ in parts]), numbers, _means(vectors, [b for *_, b in parts]), numbers,
                   **options)  # fmt: skip


def single_eer(
    vectors: NDArray[Any], identity: NDArray[np.int64], names: Sequence[str], **options: Any
) -> Verification:
    """The references of `set_eer` against each single image of the second halves; same arguments."""
    parts = halves(identity, names)
    numbers = np.array([number for number, _, _ in parts], dtype=np.int64)
    probes = np.concatenate([b for *_, b in parts] or [np.zeros(0, dtype=np.int64)])
    return compare(_means(vectors, [a for _, a, _ in parts]), numbers, vectors[probes], identity[probes], **options)


def compare(
    references: NDArray[Any], of_references: NDArray[np.int64], probes: NDArray[Any], of_probes: NDArray[np.int64],
    *, kind: Similarity = "inverse_distance", resamples: int = 1000, seed: int = 0,
) -> Verification:  # fmt: skip
    """Compare every reference ``(r, d)`` with every probe ``(p, d)``; ``of_…`` are their identities.

    The interval draws people with replacement, ``resamples`` times: a person drawn w times counts w times in its
    genuine comparisons, and two people drawn w and v times w v times in theirs.
    """
    scores = similarity(references, probes, kind)
    draws = Draws(scores, of_references, of_probes, resamples=resamples, seed=seed)
    eer = draws.first(lambda fmr, fnmr: fnmr >= fmr).meeting()
    return Verification(scores, of_references, of_probes, interval(eer))


def _told(scores: Array) -> Array:
    return scores[~np.isnan(scores)]


def _means(vectors: NDArray[Any], groups: Sequence[NDArray[np.int64]]) -> Array:
    return np.array([vectors[own].mean(0, dtype=float) for own in groups]).reshape(len(groups), vectors.shape[1])


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))
