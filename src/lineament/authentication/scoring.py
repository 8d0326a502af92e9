"""The score: how much likelier a reading is if it is the enrolled person's than if it is somebody's of the cohort.

The two-covariance model (Brümmer and de Villiers, The speaker partitioning problem, 2010): people's means are drawn
about the cohort's with covariance B, occasions about a person's mean with covariance W. Attributes that are "any" are
integrated out, which for Gaussians means leaving out their rows and columns.

Before one and the same camera all share whatever it does to a reading, and strangers resemble the owner more than the
cohort's pictures tell: of five people at one webcam 57 % of a stranger's frames pass a threshold meant for 4 %. There
the difference from the enrolled mean is scored instead, and the impostors are differences between the cohort's people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from lineament.authentication.cohort import Cohort
from lineament.detectors.evaluation import interval, person_weights, ratio
from lineament.errors import UsageError

__all__ = ["SURE", "Score", "continuity", "doubt", "finest_fmr", "impostor_rate", "scorer", "threshold_at"]

Array = NDArray[np.float64]

SURE = 0.1
"""A cheap stage decides alone where it makes at most this share of the wanted errors; between lies its doubt."""

CONTINUING = 0.04
"""The share of differences between two people that passes for one who stayed; chosen on portraits (seed 202), where of
four such shares it was the least that locked owners out in under 1 % of hours."""

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Score:
    """The log likelihood ratio of one enrolled mean as a function of readings: one Gaussian against another.

    Attributes:
        known: ``(a,)`` bool: the attributes that are looked at, k of them.
        gain: ``(k, k)``: a person enrolled with ``mean`` is expected at ``centre + gain @ (mean - centre)``.
        mean, centre: ``(k,)``, of the enrolled person, and where anybody is expected: at the cohort's mean; before the
            same camera, at the enrolled one.
        own, others: ``(k, k)`` lower triangular; they whiten a reading of the person and of anybody.
        same_camera: whether enrolment and readings come from one camera.
    """

    known: NDArray[np.bool_]
    gain: Array
    mean: Array
    centre: Array
    own: Array
    others: Array
    same_camera: bool = False

    def __call__(self, readings: Array, mean: Array | None = None) -> Array:
        """Scores ``(…,)`` of readings ``(…, a)``, in natural logarithms; above 0 speaks for the enrolled person.

        ``mean`` ``(…, k)`` scores each reading against an enrolled mean of its own instead.
        """
        mean = self.mean if mean is None else mean
        centre = mean if self.same_camera else self.centre
        expected = ((mean - centre)[..., None, :] * self.gain).sum(-1)
        x = readings[..., self.known] - centre
        return np.asarray((_squared(x, self.others) - _squared(x - expected, self.own)) / 2 + self.offset)

    @property
    def offset(self) -> float:
        """Half the logarithm of the ratio of the determinants of the covariances, of anybody's to the person's."""
        return float(np.log(np.diag(self.own)).sum() - np.log(np.diag(self.others)).sum())


def scorer(cohort: Cohort, mean: Array, occasions: int, *, same_camera: bool = False) -> Score:
    """The score against a person enrolled with this mean.

    With T = B + W / occasions the covariance of an enrolled mean m, a reading of the same person is Gaussian about
    ``mu + B T^-1 (m - mu)`` with covariance ``B + W - B T^-1 B``, of anybody about ``mu`` with ``B + W``. W is the
    cohort's: deviations learnt from a few images of one person, put in its place, make the score worse (of portraits
    enrolled on three days and seen on a fourth, 3.6 % instead of 1.6 % are refused at an FMR of 1 %).

    With ``same_camera`` both are about ``m``, the person with covariance ``D = W + W / occasions``, anybody with
    ``2 B + D``: what the camera adds cancels in the difference, and so does ``mu``.

    Args:
        cohort: gives mu, B and W.
        mean: ``(a,)`` log-odds; NaN is "any".
        occasions: on how many the images were taken; the mean of those of one counts as one reading.
        same_camera: whether readings will come from the camera, at the place, of the enrolment.
    """
    known = ~np.isnan(mean)
    pick = np.ix_(known, known)
    within, between, centre = cohort.within[pick], cohort.between[pick], cohort.mean[known]
    gain = np.linalg.solve(between + within / occasions, between).T
    covariances = between + within - gain @ between, between + within
    if same_camera:
        difference = within * (1 + 1 / occasions)
        gain, centre, covariances = np.zeros_like(gain), mean[known], (difference, 2 * between + difference)
    own, others = (np.linalg.inv(np.linalg.cholesky(covariance)) for covariance in covariances)
    return Score(known, gain, mean[known], centre, own, others, same_camera)


def finest_fmr(cohort: Cohort) -> float:
    """The least false match rate that the cohort can show: 3 over its people.

    The rule of three (ISO/IEC 19795-1): none in N independent comparisons still leaves a rate of 3 / N possible, with
    95 % confidence. Images of one person are not independent, so people count.
    """
    return 3 / cohort.people


def threshold_at(cohort: Cohort, score: Score, fmr: float) -> float:
    """The least score that at most the share ``fmr`` of impostors reach, every person of the cohort counting the same.

    Impostors are the cohort's readings; before the same camera, all differences between two of its people.

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
    return _quantile(*_impostors(cohort, score), fmr)


def impostor_rate(cohort: Cohort, score: Score, threshold: float, seed: int = 0) -> Array:
    """The share of impostors that reach ``threshold`` and its 95 % interval over people, ``(3,)``.

    Two people drawn v and w times count v times w times in their difference.
    """
    scores, shares = _impostors(cohort, score)
    weights = person_weights(cohort.people, RESAMPLES, seed)
    if score.same_camera:
        first, second = np.triu_indices(cohort.people, 1)
        pairs = np.zeros((cohort.people, cohort.people))
        pairs[first, second] = scores >= threshold
        reached = ((weights @ pairs) * weights).sum(1)
        return interval(np.asarray(ratio(reached, (weights.sum(1) ** 2 - (weights**2).sum(1)) / 2)))
    rates = np.bincount(cohort.identity, (scores >= threshold) * shares, cohort.people) * cohort.people
    return interval(np.asarray(ratio(weights @ rates, weights.sum(1))))


def doubt(cohort: Cohort, score: Score, fmr: float) -> tuple[float, float]:
    """Between which two scores a cheap stage should ask the next one.

    At or above the upper one it accepts: only `SURE` of the wanted false matches reach it. Below the lower one it
    refuses: the same share of the cohort's own genuine comparisons lie there, each reading against the mean of the
    other readings of its person. A cascade thus makes at most 1 + `SURE` a stage times the wanted errors.
    """
    readings = cohort.readings.astype(np.float64)
    upper = _quantile(*_impostors(cohort, score), SURE * fmr)
    counts = np.bincount(cohort.identity)
    sums = np.zeros((len(counts), readings.shape[1]))
    np.add.at(sums, cohort.identity, readings)
    several = counts[cohort.identity] > 1
    who, seen = cohort.identity[several], readings[several]
    rest = (sums[who] - seen) / (counts[who] - 1)[:, None]
    lower = -_quantile(-score(seen, rest[:, score.known]), _shares(cohort)[several], SURE * fmr)
    return min(lower, upper), upper


def continuity(cohort: Cohort, known: NDArray[np.bool_]) -> tuple[Score, float]:
    """The score of one reading against another of a few minutes ago, before the same camera, and where it accepts.

    It lets `CONTINUING` of the differences between two people pass. One score serves all templates, which differ by the
    mean alone.
    """
    score = scorer(cohort, np.where(known, 0.0, np.nan), 1, same_camera=True)
    return score, _quantile(*_impostors(cohort, score), CONTINUING)


def _impostors(cohort: Cohort, score: Score) -> tuple[Array, Array]:
    """Scores of impostors and what each of them counts."""
    if not score.same_camera:
        return score(cohort.readings.astype(np.float64)), _shares(cohort)
    people = cohort.effects[:, score.known]  # each pair once: the score of a difference is that of its opposite
    own, others = (pdist(people @ white.T, "sqeuclidean") for white in (score.own, score.others))
    scores = (others - own) / 2 + score.offset
    return scores, np.full(len(scores), 1 / len(scores))


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
