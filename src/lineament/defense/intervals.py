"""95 % intervals over independent images: of a share, and of the area under a ROC curve."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, expit, logit, ndtri

from lineament.errors import UsageError

__all__ = ["area", "share"]

MISSED = 0.05
"""How often an interval may miss the truth."""


def share(hits: ArrayLike) -> list[float]:
    """The share of ``hits`` ``(n,)`` that are true, and its exact interval (Clopper & Pearson 1934).

    Where none or all are, that end is certain and the other has the whole 5 % (the rule of three).
    """
    hits = np.asarray(hits, dtype=bool)
    if hits.ndim != 1 or not len(hits):
        raise UsageError(f"hits: expected one truth value an image, (n,), n at least 1, got shape {hits.shape}")
    n, k = len(hits), int(hits.sum())
    tail = MISSED if k in (0, n) else MISSED / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return [k / n, low, high]


def area(negative: NDArray[np.float64], positive: NDArray[np.float64]) -> list[float]:
    """The chance that a positive scores above a negative, ties counting half (AUC), and its interval.

    Both are ``(n,)`` and come in pairs, the clean and the attacked score of one image, which are not independent:
    DeLong's placements summed pair by pair (Obuchowski 1997), on the scale of the logit. Where every positive wins, or
    none, the bound is that of ``n`` independent pairs of which all were won.
    """
    n = len(negative)
    above, below = (_placements(*pair) for pair in ((positive, negative), (-negative, -positive)))
    found = float(above.mean())
    if found in (0.0, 1.0):
        bound = MISSED ** (1 / n)
        return [found, bound, 1.0] if found else [found, 0.0, 1 - bound]
    if n == 1:
        return [found, 0.0, 1.0]
    error = np.sqrt(((above + below - 2 * found) ** 2).sum() / (n * (n - 1)))
    reach = ndtri(1 - MISSED / 2) * error / (found * (1 - found))
    return [found, float(expit(logit(found) - reach)), float(expit(logit(found) + reach))]


def _placements(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each score ``(n,)`` the share of the ``others`` below it, equal ones counting half."""
    ranked = np.sort(others)
    lower, upper = (np.searchsorted(ranked, scores, side) for side in ("left", "right"))
    return np.asarray((lower + upper) / (2 * len(others)))
