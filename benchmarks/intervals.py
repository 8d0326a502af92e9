"""Intervals of shares of which nothing, or everything, happened: there a bootstrap over people knows no doubt."""

import math
from collections.abc import Sequence

MISSED = 0.05
"""The probability that so few events were seen by chance if the truth lies at the bound."""


def bounded(found: Sequence[float], people: float, *, counts: bool = False) -> list[float]:
    """A figure and its interval, ``(3,)``; where it is 0 or 1 for all, the exact one-sided 95 % bound (rule of three).

    Args:
        found: figure, low and high, of a bootstrap over people.
        people: independent draws behind it, however many comparisons each has.
        counts: whether it is a count a person (or a minute, if ``people`` is minutes), and not a share.
    """
    figure, low, high = found
    if not people or not figure == low == high:
        return [figure, low, high]
    if figure == 0:
        return [0.0, 0.0, -math.log(MISSED) / people if counts else 1 - MISSED ** (1 / people)]
    return [1.0, MISSED ** (1 / people), 1.0] if figure == 1 and not counts else [figure, low, high]
