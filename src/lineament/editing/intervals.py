"""What every measure of an editor gives: the figure, and the same figure with the people of the test set drawn anew.

Images of one person resemble each other, so people are drawn with replacement, not images. A measure returns
``(1 + resamples, …)``: row 0 is the figure and the rest are its draws. `interval` makes ``(…, 3)`` of it, figure, low
and high; a mean over attributes is taken before that, and so is the difference of two methods, which on the same
images and with the same seed have the same people in each draw.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lineament.detectors.evaluation import interval, people, person_weights, ratio
from lineament.errors import UsageError

__all__ = ["Drawn", "interval", "means", "ratio", "scatter", "sums"]

Drawn = NDArray[np.float64]
"""``(1 + resamples, …)``, the figure first."""

RESAMPLES = 1000
ROUNDING = 1e-9
"""A share of a sum of squares that is taken for nothing."""


def sums(values: ArrayLike, identity: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Drawn:
    """The sum over images of ``(n, …)`` values, and with people drawn anew, ``(1 + resamples, …)``; NaN counts as 0.

    Args:
        values: tensor or array, ``(n, …)``.
        identity: ``(n,)``; -1 is a person of its own.
        resamples: how often people are drawn.
        seed: of these draws.
    """
    values, person = np.nan_to_num(np.asarray(values, dtype=np.float64)), np.asarray(identity)
    if not values.ndim or person.shape != values.shape[:1] or not len(person):
        raise UsageError(f"identity: expected one number for each of one or more images, got shape {person.shape}")
    person = people(person.astype(np.int64))
    of_person = np.zeros((int(person.max()) + 1, *values.shape[1:]))
    np.add.at(of_person, person, values)
    drawn: Drawn = np.tensordot(person_weights(len(of_person), resamples, seed), of_person, 1)
    return drawn


def means(values: ArrayLike, identity: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Drawn:
    """The mean over images, as `sums`; NaN is left out, and the mean of nothing is NaN."""
    values = np.asarray(values, dtype=np.float64)
    total, counted = (sums(each, identity, resamples=resamples, seed=seed) for each in (values, np.isfinite(values)))
    shares: Any = ratio(total, counted)
    return np.asarray(shares)


def scatter(n: Drawn, total: Drawn, squares: Drawn) -> Drawn:
    """The sum of squared deviations from the mean, from the sums of 1, x and x^2; 0 where only rounding is left.

    Take x from the mean of the sample first, or digits are lost.
    """
    rest = squares - total**2 / n
    return np.where(rest > ROUNDING * squares, rest, 0)
