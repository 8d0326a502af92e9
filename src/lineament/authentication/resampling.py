"""Error rates with people drawn anew: the bootstrap over people, exact, and fast enough for millions of comparisons.

A person drawn w times counts w times in its genuine comparisons, two people drawn w and v times w v times in theirs.
Walking through every operating point for every draw would cost comparisons times draws of memory traffic several times
over. Here both rates are found at some knots first, by sparse products, and only the stretch between the two knots
around the wanted point is walked.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lineament.detectors.evaluation import person_weights
from lineament.errors import UsageError

__all__ = ["Crossing", "Draws", "check_both"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

KNOTS = 128
"""Stretches into which the operating points are cut: more of them are shorter to walk, and cost a product each."""

BLOCK = 4_000_000
"""Numbers held at a time, which bounds the memory."""


class Crossing(NamedTuple):
    """For each draw, two neighbouring operating points; all ``(1 + resamples,)``, NaN where a draw has no comparisons.

    Attributes:
        fmr_before, fnmr_before: at the last point that is not wanted.
        fmr, fnmr: at the first point that is.
        cut: the threshold of that first point; infinity accepts nothing.
    """

    fmr_before: Array
    fnmr_before: Array
    fmr: Array
    fnmr: Array
    cut: Array

    def meeting(self) -> Array:
        """Where the straight line between the two points has FNMR = FMR."""
        below, above = self.fnmr_before - self.fmr_before, self.fnmr - self.fmr
        step = np.divide(-below, above - below, out=np.zeros_like(below), where=above > below)
        return self.fmr_before + step * (self.fmr - self.fmr_before)


class _Side(NamedTuple):
    """The genuine or the impostor comparisons in rising order of score; each counts weights[a] * weights[b]."""

    rank: Index
    a: Index
    b: Index


class Draws:
    """All comparisons of a protocol and the draws of people; row 0 of every result is the sample itself.

    Args:
        scores: ``(references, probes)``; NaN where the two are not compared.
        references, probes: the identity of each row and of each column.
        resamples: how often people are drawn anew, with replacement.
        seed: of the draws.

    Raises:
        UsageError: there is no genuine or no impostor comparison.
    """

    def __init__(self, scores: Array, references: Index, probes: Index, *, resamples: int, seed: int) -> None:
        numbers, person = np.unique(np.concatenate([references, probes]), return_inverse=True)
        weights = person_weights(len(numbers), resamples, seed)
        self.weights = np.pad(weights, ((0, 0), (0, 1)), constant_values=1)  # the last one weighs genuine comparisons
        self.people = np.ascontiguousarray(self.weights.T)
        self.compared = ~np.isnan(scores)
        row, column = np.nonzero(self.compared)
        first, second = person[row], person[len(references) + column]
        values, rank = np.unique(scores[self.compared], return_inverse=True)
        self.order = rank.argsort(kind="stable")
        self.cuts = np.append(values, np.inf)
        self.mated = (first == second)[self.order]
        rank, first, second = rank[self.order], first[self.order], second[self.order]
        alone = np.full(int(self.mated.sum()), len(numbers))
        self.genuine = _Side(rank[self.mated], first[self.mated], alone)
        self.impostor = _Side(*(part[~self.mated] for part in (rank, first, second)))
        check_both(len(self.genuine.rank), len(self.impostor.rank))
        stretches = min(KNOTS, 1 + resamples)  # for few draws it is cheaper to walk
        self.knots = np.unique(np.linspace(0, len(values), stretches + 1).astype(np.int64))
        self.refused, self.rejected = self._at_knots(self.genuine), self._at_knots(self.impostor)

    def first(self, wanted: Callable[[Array, Array], NDArray[np.bool_]]) -> Crossing:
        """The first operating point, by rising threshold, of which ``wanted(fmr, fnmr)`` holds, in each draw.

        It must hold from some point on: not where everything is accepted, but where nothing is.
        """
        found = np.full((5, len(self.weights)), np.nan)
        knot = wanted(*self._rates(self.rejected, self.refused, slice(None))).argmax(1)  # 0 where all rates are NaN
        for j in np.unique(knot[knot > 0]).tolist():
            low, high = self.knots[j - 1 : j + 1].tolist()
            for rows in self._blocks(np.flatnonzero(knot == j), low, high):
                rejected, refused = (
                    at[rows, j - 1, None] + self._stretch(side, rows, low, high)
                    for at, side in ((self.rejected, self.impostor), (self.refused, self.genuine))
                )
                fmr, fnmr = self._rates(rejected, refused, rows)
                k, each = wanted(fmr, fnmr).argmax(1), np.arange(len(rows))
                found[:, rows] = (
                    fmr[each, k - 1], fnmr[each, k - 1], fmr[each, k], fnmr[each, k], self.cuts[low + k],
                )  # fmt: skip
        return Crossing(*found)

    def at(self, accepted: NDArray[np.bool_]) -> tuple[Array, Array]:
        """FMR and FNMR, ``(1 + resamples,)``, of decisions ``(references, probes)``."""
        yes = accepted[self.compared][self.order]
        missed = self._mass(_Side(*(part[~yes[self.mated]] for part in self.genuine)))
        kept_out = self._mass(_Side(*(part[~yes[~self.mated]] for part in self.impostor)))
        fmr, fnmr = self._rates(kept_out[:, None], missed[:, None], slice(None))
        return fmr[:, 0], fnmr[:, 0]

    def _rates(self, rejected: Array, refused: Array, rows: Index | slice) -> tuple[Array, Array]:
        strangers, owners = self.rejected[rows, -1:], self.refused[rows, -1:]
        return 1 - _share(rejected, strangers), _share(refused, owners)

    def _mass(self, side: _Side) -> Array:
        """What these comparisons count in each draw."""
        pairs = csr_array((np.ones(len(side.a)), (side.a, side.b)), shape=2 * self.people.shape[:1])
        return np.asarray(np.einsum("pr,pr->r", pairs @ self.people, self.people))

    def _at_knots(self, side: _Side) -> Array:
        """What counts below each knot, ``(1 + resamples, knots)``."""
        edges = np.searchsorted(side.rank, self.knots)
        steps = [self._mass(_Side(*(part[i:j] for part in side))) for i, j in pairwise(edges)]
        return np.cumsum([np.zeros(len(self.weights)), *steps], axis=0).T

    def _stretch(self, side: _Side, rows: Index, low: int, high: int) -> Array:
        """What counts from point ``low`` to each point up to ``high``, ``(rows, high - low + 1)``."""
        start, stop = np.searchsorted(side.rank, (low, high))
        a, b = side.a[start:stop], side.b[start:stop]
        weights = self.weights[rows]
        below = np.pad((weights[:, a] * weights[:, b]).cumsum(1), ((0, 0), (1, 0)))
        return np.asarray(below[:, np.searchsorted(side.rank[start:stop], np.arange(low, high + 1))])

    def _blocks(self, rows: Index, low: int, high: int) -> Iterator[Index]:
        walked = sum(np.diff(np.searchsorted(side.rank, (low, high)))[0] for side in (self.genuine, self.impostor))
        yield from np.array_split(rows, 1 + len(rows) * (walked + high - low) // BLOCK)


def check_both(genuine: int, impostor: int) -> None:
    """Raise ``UsageError`` unless there are comparisons of both kinds."""
    if not (genuine and impostor):
        raise UsageError(
            f"error rates need genuine and impostor comparisons, got {genuine} and {impostor}; "
            "use a part with at least two people of several images each"
        )


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
