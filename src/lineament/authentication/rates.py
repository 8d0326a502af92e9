"""The figures of one protocol with intervals: EER, FNMR at a stated FMR, HTER at a threshold fixed beforehand.

Terms follow ISO/IEC 19795-1. HTER, the half total error rate, is the mean of FMR and FNMR at one threshold. It is
honest only if that threshold comes from other people, so it is asked for as decisions and not as a threshold.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.resampling import Draws
from lineament.detectors.evaluation import interval
from lineament.errors import UsageError

__all__ = ["FMRS", "Rates", "measure", "threshold"]

Array = NDArray[np.float64]

FMRS = (0.01, 0.001)
"""The false match rates at which FNMR is reported."""


@dataclass(frozen=True)
class Rates:
    """Figures in [0, 1], each with the ends of its 95 % bootstrap interval over people, ``(3,)``.

    Attributes:
        eer: where FNMR equals FMR.
        fnmr_at_fmr_1, fnmr_at_fmr_01: FNMR at the lowest threshold whose FMR is at most 1 %, and 0.1 %.
        hter: mean of FMR and FNMR where the development people's errors are equal; NaN if it is not known.
        fmr, fnmr: what becomes of a FMR wanted on the development people; NaN if it is not known.
        genuine, impostor: how many comparisons of either kind.
    """

    eer: Array
    fnmr_at_fmr_1: Array
    fnmr_at_fmr_01: Array
    hter: Array
    fmr: Array
    fnmr: Array
    genuine: int
    impostor: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; what is not defined is None."""
        return {
            key: value
            if isinstance(value, int)
            else [None if np.isnan(x) else float(x) for x in np.asarray(value).tolist()]
            for key, value in asdict(self).items()
        }


def measure(
    scores: Array, references: NDArray[np.int64], probes: NDArray[np.int64],
    *, equal: NDArray[np.bool_] | None = None, wanted: NDArray[np.bool_] | None = None, resamples: int = 1000,
    seed: int = 0,
) -> Rates:  # fmt: skip
    """Every figure of a matrix of comparisons, from one set of draws of people.

    Args:
        scores: ``(references, probes)``, larger for "the same person"; NaN where the two are not compared.
        references, probes: the identity of each row and of each column.
        equal: ``(references, probes)`` decisions at the threshold at which the errors of other people are equal.
        wanted: the same at a threshold that was to give a certain FMR (see `threshold`).
        resamples: how often people are drawn anew.
        seed: of the draws.

    Raises:
        UsageError: there is no genuine or no impostor comparison.
    """
    draws = Draws(scores, references, probes, resamples=resamples, seed=seed)
    one, tenth = (interval(draws.first(_at_most(rate)).fnmr) for rate in FMRS)
    unknown = np.full((2, 1 + resamples), np.nan)
    balanced = unknown if equal is None else draws.at(equal)
    fmr, fnmr = unknown if wanted is None else draws.at(wanted)
    genuine = int(draws.mated.sum())
    return Rates(
        interval(draws.first(_meet).meeting()), one, tenth, interval((balanced[0] + balanced[1]) / 2), interval(fmr),
        interval(fnmr), genuine, len(draws.mated) - genuine,
    )  # fmt: skip


def threshold(
    scores: Array, references: NDArray[np.int64], probes: NDArray[np.int64], fmr: float | None = None,
    *, resamples: int = 1000, seed: int = 0,
) -> Array:  # fmt: skip
    """The threshold to accept from, chosen on development people, and its 95 % interval over them, ``(3,)``.

    Args:
        scores, references, probes, resamples, seed: as in `measure`.
        fmr: the wanted false match rate in (0, 1): the lowest threshold at which no larger share of the strangers is
            accepted, infinity where that takes accepting nobody. None asks for the threshold of equal errors.

    Raises:
        UsageError: an ``fmr`` outside (0, 1), or no genuine or no impostor comparison.
    """
    if fmr is not None and not 0 < fmr < 1:
        raise UsageError(f"fmr: expected a rate between 0 and 1, such as 0.01, got {fmr}")
    draws = Draws(scores, references, probes, resamples=resamples, seed=seed)
    cuts = draws.first(_meet if fmr is None else _at_most(fmr)).cut
    drawn = cuts[1:][~np.isnan(cuts[1:])]
    if not len(drawn):
        return np.array([cuts[0], np.nan, np.nan])
    # nearest draws, for between a number and infinity there is nothing
    return np.array([cuts[0], *np.quantile(drawn, [0.025, 0.975], method="nearest")])


def _meet(fmr: Array, fnmr: Array) -> NDArray[np.bool_]:
    return fnmr >= fmr


def _at_most(rate: float) -> Callable[[Array, Array], NDArray[np.bool_]]:
    return lambda fmr, fnmr: fmr <= rate * (1 + 1e-9)  # 1 of 100 is 1 % however the division rounds
