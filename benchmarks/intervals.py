"""Intervals of shares: where nothing, or everything, happened, and of the difference of two on the same images."""

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


def paired(first: Sequence[bool], second: Sequence[bool]) -> list[float]:
    """By how much more of the same images ``first`` gets right than ``second``, and its 95 % interval, ``(3,)``.

    Wald's interval with half an image added to each of the four cells, which keeps its word for few images, too
    (Agresti & Min 2005).
    """
    n = len(first) + 2
    won, lost = (sum(a > b for a, b in zip(*pair, strict=True)) for pair in ((first, second), (second, first)))
    middle = (won - lost) / n
    reach = 1.96 * math.sqrt(won + lost + 1 - (won - lost) ** 2 / n) / n
    return [(won - lost) / len(first), max(-1.0, middle - reach), min(1.0, middle + reach)]
