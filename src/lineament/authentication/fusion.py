"""Fusion of several methods: the sum of their z-scored similarity matrices (eq. 2.3)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lineament.errors import UsageError

__all__ = ["fuse", "weights_of", "z_score"]

Array = NDArray[np.float64]


def z_score(scores: Array, development: Array | None = None) -> Array:
    """``scores`` of any shape with mean and standard deviation taken out (eq. 2.3); NaN, not compared, stays NaN.

    Args:
        scores: similarities.
        development: whose mean and deviation to take: similarities between different development people, for a picture
            that is there twice has a similarity that would swamp them. None takes those of ``scores`` itself, as the
            dissertation does, which a system that sees one probe at a time cannot.
    """
    known = scores if development is None else development
    if not np.isfinite(known).any():
        raise UsageError("z-score: expected at least one finite similarity to take mean and deviation from")
    deviation = float(np.nanstd(known))
    return np.asarray((scores - np.nanmean(known)) / (deviation if deviation > 0 else 1.0))


def fuse(
    scores: Sequence[Array], development: Sequence[Array] | None = None, weights: Sequence[float] | None = None
) -> Array:
    """The sum of the z-scored matrices of several methods over the same comparisons.

    Args:
        scores: one matrix a method, all of one shape.
        development: for each method its similarities between development people (see `z_score`).
        weights: of the methods; None for equal ones, as in equation 2.3.
    """
    known: Sequence[Array | None] = [None] * len(scores) if development is None else development
    shares = [1.0] * len(scores) if weights is None else weights
    if len({matrix.shape for matrix in scores}) != 1 or not len(known) == len(shares) == len(scores):
        raise UsageError(f"fusion: expected matrices of one shape, got {', '.join(str(m.shape) for m in scores)}")
    scored = zip(shares, scores, known, strict=True)
    return np.asarray(np.sum([share * z_score(matrix, other) for share, matrix, other in scored], axis=0))


def weights_of(genuine: Sequence[Array], strangers: Sequence[Array]) -> list[float]:
    """How much each method should count, by how far it holds development people apart; the shares sum to 1.

    Equal weights let a method that tells little spoil one that tells much. The share goes with how many deviations of
    the similarities between ``strangers`` the median ``genuine`` one lies above their mean, and not below 0.
    """
    apart = [max(float(np.nanmedian(z_score(own, other))), 0.0) for own, other in zip(genuine, strangers, strict=True)]
    return [share / sum(apart) for share in apart] if sum(apart) else [1 / len(apart)] * len(apart)
