"""All similarities of one trial by one method, each tuned on people who are not among the two compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.fusion import fuse, weights_of
from lineament.authentication.methods import Method, Part
from lineament.authentication.rates import threshold
from lineament.authentication.section import spread
from lineament.authentication.trials import Fold, Templates
from lineament.authentication.verification import equal_error_rate, similarity, standardise
from lineament.authentication.whitening import within_person_whitening

__all__ = ["WANTED", "Comparison", "Matrix"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WANTED = 0.01
"""The false match rate for which a threshold is chosen on the development people, to see what it becomes."""


class Matrix(NamedTuple):
    """The comparisons of a method.

    Attributes:
        name: of the method. A fusion's mean and deviation are those of the development people. " (weighted)" after it
            says that logs of distances were fused, and that the development people also decide how much each part
            counts; " (test z)" that mean and deviation are those of the test matrix itself (eq. 2.3).
        scores: ``(gallery, probe)``; NaN where the two are not compared.
        equal: whether the development people's threshold of equal errors accepts them; None if there is none.
        wanted: the same at the threshold for a FMR of `WANTED`.
    """

    name: str
    scores: Array
    equal: Mask | None = None
    wanted: Mask | None = None


@dataclass(frozen=True)
class Comparison:
    """A trial.

    Attributes:
        identity: ``(n,)`` of each image.
        readings: ``(n, d)`` by reader.
        gallery, probe: the templates.
        folds: who is compared, and tuned on whom.
    """

    identity: NDArray[np.int64]
    readings: Mapping[str, NDArray[Any]] = field(repr=False)
    gallery: Templates
    probe: Templates
    folds: Sequence[Fold]
    memory: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def matrices(self, method: Method) -> Iterator[Matrix]:
        """What a method says; a fusion three times (see `Matrix`)."""
        yield self._assembled(method.name, method.parts)
        if len(method.parts) > 1:
            yield self._assembled(f"{method.name} (weighted)", method.parts, weighted=True)
            alone = [self._assembled(part.reader.name, [part]).scores for part in method.parts]
            yield Matrix(f"{method.name} (test z)", fuse(alone))

    def _assembled(self, name: str, parts: Sequence[Part], weighted: bool = False) -> Matrix:
        shape = len(self.gallery.identity), len(self.probe.identity)
        scores, equal, wanted = np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool)
        for fold in self.folds:
            rows, columns = self._development(fold)
            tuned, people = np.ix_(rows, columns), (self.gallery.identity[rows], self.probe.identity[columns])
            strangers = people[0][:, None] != people[1]
            each = [self._similarities(part, fold) for part in parts]
            if weighted:  # inverse distances have so long a tail that mean and deviation vary from fold to fold
                each = [
                    np.log(matrix) if _is_distance(part) else matrix for part, matrix in zip(parts, each, strict=True)
                ]
            full = each[0]
            if len(each) > 1:
                others = [matrix[tuned][strangers] for matrix in each]
                shares = weights_of([matrix[tuned][~strangers] for matrix in each], others) if weighted else None
                full = fuse(each, others, shares)
            cuts = [threshold(full[tuned], *people, rate, resamples=0)[0] for rate in (None, WANTED)]
            block = fold.block(self.gallery.identity, self.probe.identity)
            scores[block], equal[block], wanted[block] = full[block], full[block] >= cuts[0], full[block] >= cuts[1]
        return Matrix(name, scores, equal, wanted)

    def _development(self, fold: Fold) -> tuple[Mask, Mask]:
        people = np.unique(self.identity[fold.development])
        return np.isin(self.gallery.identity, people), np.isin(self.probe.identity, people)

    def _similarities(self, part: Part, fold: Fold) -> Array:
        """Every gallery vector against every probe vector, as the fold's development people would have it."""
        if part.treatment == "published":
            return self._published(part)
        gallery, probe = self._descriptors(part)
        images = self.readings[part.reader.name][fold.development]
        development, people = standardise(images, images), self.identity[fold.development]
        matrices = {"standardised": np.eye(images.shape[1]) / np.hypot.reduce(spread(development, people)[0])}
        if part.treatment != "standardised":
            # the same scale for both: one person's images are 1 from its mean in root mean square, in every fold
            white = within_person_whitening(development, people)
            matrices["whitened"] = white / np.hypot.reduce(spread(development @ white, people)[0])
        sides = standardise(gallery, images), standardise(probe, images)
        found = [
            self._apart(similarity(*(side @ matrix for side in sides)))
            for name, matrix in matrices.items()
            if part.treatment in (name, "chosen")
        ]
        return min(found, key=lambda scores: self._error(scores, fold)) if len(found) > 1 else found[0]

    def _published(self, part: Part) -> Array:
        key = (part.reader.name, "similarity")
        if key not in self.memory:
            self.memory[key] = self._apart(similarity(*self._descriptors(part), part.reader.similarity))
        scores: Array = self.memory[key]
        return scores

    def _descriptors(self, part: Part) -> tuple[Array, Array]:
        """The mean vector of each template."""
        key = (part.reader.name, "published" if part.treatment == "published" else "readings")
        if key not in self.memory:
            readings = self.readings[part.reader.name]
            vectors = part.reader.published(readings) if part.treatment == "published" else readings
            self.memory[key] = tuple(side.share @ vectors for side in (self.gallery, self.probe))
        gallery, probe = self.memory[key]
        return gallery, probe

    def _apart(self, scores: Array) -> Array:
        """NaN where a probe shares an image with what it would be compared with: that proves nothing."""
        shared = (self.gallery.share @ self.probe.share.T).tocoo()
        scores[shared.row, shared.col] = np.nan
        return scores

    def _error(self, scores: Array, fold: Fold) -> float:
        """The equal error rate among a fold's development people."""
        rows, columns = self._development(fold)
        scores = scores[np.ix_(rows, columns)]
        mated = self.gallery.identity[rows][:, None] == self.probe.identity[columns]
        known = ~np.isnan(scores)
        return equal_error_rate(scores[mated & known], scores[~mated & known])


def _is_distance(part: Part) -> bool:
    return part.treatment != "published" or part.reader.similarity == "inverse_distance"
