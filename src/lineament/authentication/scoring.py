"""The score: how much likelier a reading is if it is the enrolled person's than if it is somebody's of the cohort.

The two-covariance model (Brümmer and de Villiers, The speaker partitioning problem, 2010): people's means are drawn
about the cohort's with covariance B, occasions about a person's mean with covariance W. Attributes that are "any" are
integrated out, which for Gaussians means leaving out their rows and columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.cohort import Cohort
from lineament.detectors.evaluation import interval, person_weights, ratio
from lineament.errors import UsageError

__all__ = ["SURE", "Score", "doubt", "finest_fmr", "impostor_rate", "scorer", "threshold_at"]

Array = NDArray[np.float64]

SURE = 0.1
"""A cheap stage decides alone where it makes at most this share of the wanted errors; between lies its doubt."""

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Score:
    """The log likelihood ratio of one enrolled mean as a function of readings: one Gaussian against another.

    Attributes:
        known: ``(a,)`` bool: the attributes that are looked at, k of them.
        gain: ``(k, k)``: a person enrolled with ``mean`` is expected at ``centre + gain @ (mean - centre)``.
        mean, centre: ``(k,)``, of the enrolled person and of the cohort.
        own, others: ``(k, k)`` lower triangular; they whiten a reading of the person and of anybody.
    """

    known: NDArray[np.bool_]
    gain: Array
    mean: Array
    centre: Array
    own: Array
    others: Array

    def __call__(self, readings: Array, mean: Array | None = None) -> Array:
        """Scores ``(…,)`` of readings ``(…, a)``, in natural logarithms; above 0 speaks for the enrolled person.

        ``mean`` ``(…, k)`` scores each reading against an enrolled mean of its own instead.
        """
        x, mean = readings[..., self.known] - self.centre, self.mean if mean is None else mean
        expected = ((mean - self.centre)[..., None, :] * self.gain).sum(-1)
        surprise = _squared(x, self.others) - _squared(x - expected, self.own)
        return np.asarray(surprise / 2 + np.log(np.diag(self.own)).sum() - np.log(np.diag(self.others)).sum())


def scorer(cohort: Cohort, mean: Array, occasions: int) -> Score:
    """The score against a person enrolled with this mean.

    With T = B + W / occasions the covariance of an enrolled mean m, a reading of the same person is Gaussian about
    ``mu + B T^-1 (m - mu)`` with covariance ``B + W - B T^-1 B``, of anybody about ``mu`` with ``B + W``. W is the
    cohort's: deviations learnt from a few images of one person, put in its place, make the score worse (of portraits
    enrolled on three days and seen on a fourth, 3.6 % instead of 1.6 % are refused at an FMR of 1 %).

    Args:
        cohort: gives mu, B and W.
        mean: ``(a,)`` log-odds; NaN is "any".
        occasions: on how many the images were taken; the mean of those of one counts as one reading.
    """
    known = ~np.isnan(mean)
    pick = np.ix_(known, known)
    within, between = cohort.within[pick], cohort.between[pick]
    gain = np.linalg.solve(between + within / occasions, between).T
    own, others = (
        np.linalg.inv(np.linalg.cholesky(covariance))
        for covariance in (between + within - gain @ between, between + within)
    )
    return Score(known, gain, mean[known], cohort.mean[known], own, others)


def finest_fmr(cohort: Cohort) -> float:
    """The least false match rate that the cohort can show: 3 over its people.

    The rule of three (ISO/IEC 19795-1): none in N independent comparisons still leaves a rate of 3 / N possible, with
    95 % confidence. Images of one person are not independent, so people count.
    """
    return 3 / cohort.people


def threshold_at(cohort: Cohort, score: Score, fmr: float) -> float:
    """The least score that at most the share ``fmr`` of the cohort's readings reach, every person counting the same.

    Raises:
        UsageError: ``fmr`` is not in (0, 1), or finer than the cohort can show.
    """
    if not 0 < fmr < 1:
        raise UsageError(f"fmr: expected a share between 0 and 1, such as 0.01, got {fmr!r}")
    if fmr < finest_fmr(cohort):
        raise UsageError(
            f"fmr: {fmr:g} is finer than {finest_fmr(cohort):.2g}, the least that the cohort's {cohort.people:,} "
            f"people can show (rule of three); ask for that, or calibrate on {int(np.ceil(3 / fmr)):,} people"
        )
    return _quantile(score(cohort.readings.astype(np.float64)), _shares(cohort), fmr)


def impostor_rate(cohort: Cohort, score: Score, threshold: float, seed: int = 0) -> Array:
    """The share of the cohort's readings that reach ``threshold`` and its 95 % interval over people, ``(3,)``."""
    reached = score(cohort.readings.astype(np.float64)) >= threshold
    rates = np.bincount(cohort.identity, reached * _shares(cohort), cohort.people) * cohort.people
    weights = person_weights(cohort.people, RESAMPLES, seed)
    return interval(np.asarray(ratio(weights @ rates, weights.sum(1))))


def doubt(cohort: Cohort, score: Score, fmr: float) -> tuple[float, float]:
    """Between which two scores a cheap stage should ask the next one.

    At or above the upper one it accepts: only `SURE` of the wanted false matches reach it. Below the lower one it
    refuses: the same share of the cohort's own genuine comparisons lie there, each reading against the mean of the
    other readings of its person. A cascade thus makes at most 1 + `SURE` a stage times the wanted errors.
    """
    readings = cohort.readings.astype(np.float64)
    upper = _quantile(score(readings), _shares(cohort), SURE * fmr)
    counts = np.bincount(cohort.identity)
    sums = np.zeros((len(counts), readings.shape[1]))
    np.add.at(sums, cohort.identity, readings)
    several = counts[cohort.identity] > 1
    who, seen = cohort.identity[several], readings[several]
    rest = (sums[who] - seen) / (counts[who] - 1)[:, None]
    lower = -_quantile(-score(seen, rest[:, score.known]), _shares(cohort)[several], SURE * fmr)
    return min(lower, upper), upper


def _squared(x: Array, white: Array) -> Array:
    """Squared lengths of whitened vectors; sums, not BLAS, whose last bit depends on how many come at once."""
    return np.asarray(((x[..., None, :] * white).sum(-1) ** 2).sum(-1))


def _shares(cohort: Cohort) -> Array:
    """What each reading counts, so that every person counts the same; they sum to 1."""
    counts = np.bincount(cohort.identity)
    return np.asarray(1 / (counts[cohort.identity] * len(counts)))


def _quantile(scores: Array, shares: Array, rate: float) -> float:
    """The least value that at most the share ``rate`` of the scores reach."""
    order = scores.argsort()[::-1]
    passed = shares[order].cumsum() / shares.sum()
    first = int(np.searchsorted(passed, rate * (1 + 1e-9), "right"))  # the best of those that must stay below
    return float(np.nextafter(scores[order[min(first, len(order) - 1)]], np.inf))
