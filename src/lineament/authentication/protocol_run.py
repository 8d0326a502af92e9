"""Run a protocol: read every face once, then compare by every method in every trial."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lineament.authentication.comparison import Comparison
from lineament.authentication.curves import Curve, curve
from lineament.authentication.face_readings import read_faces
from lineament.authentication.methods import Method
from lineament.authentication.protocols import Protocol, Rule
from lineament.authentication.rates import Rates, measure
from lineament.authentication.trials import Templates, considered, folds, templates
from lineament.datasets.base import AttributeDataset
from lineament.errors import JobError, LineamentError

__all__ = ["Outcome", "Result", "run"]


@dataclass(frozen=True)
class Result:
    """One trial by one method.

    Attributes:
        trial: its label.
        method: its name (see `comparison.Matrix`).
        rates: the figures.
        curve: FMR and FNMR, for drawing.
    """

    trial: str
    method: str
    rates: Rates
    curve: Curve = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """A protocol that was run.

    Attributes:
        results: trial by trial, in each method by method.
        people: how many are compared.
        images: how many faces were read.
        faceless: how many images showed no face, and were left out.
        tuned_on: in words.
        left_out: trials that could not be run, and why.
    """

    results: Sequence[Result]
    people: int
    images: int
    faceless: int
    tuned_on: str
    left_out: Mapping[str, str]


def run(
    protocol: Protocol, dataset: AttributeDataset, methods: Sequence[Method], *, resamples: int = 1000, seed: int = 0,
    progress: bool = True,
) -> Outcome:  # fmt: skip
    """Every trial of a protocol by every method.

    Args:
        protocol: what to compare.
        dataset: its data set.
        methods: see `methods.parse`; fusions are reported three times (`comparison.Matrix`).
        resamples: draws of people for the intervals.
        seed: of the draws, and of the groups where a set has no development part.
        progress: whether to show a bar on standard error.

    Raises:
        JobError: an image cannot be read, or no trial can be run; the reasons are told.
    """
    whole = considered(protocol, dataset)
    readers = {part.reader.name: part.reader for method in methods for part in method.parts}
    kept, readings = read_faces(list(readers.values()), whole, protocol.eyes, progress=progress)
    faces = whole.subset(kept)
    parts = list(folds(faces, seed))
    results: list[Result] = []
    left_out: dict[str, str] = {}
    for trial in protocol.trials:
        try:
            compared = Comparison(
                faces.identity, readings, _side(trial.gallery, faces), _side(trial.probe, faces), parts
            )
            results += _results(trial.label, compared, methods, resamples, seed)
        except LineamentError as error:
            left_out[trial.label] = str(error)
    if not results:
        raise JobError("\n".join(f"{label}: {reason}" for label, reason in left_out.items()))
    compared_people = np.unique(np.concatenate([fold.rows for fold in parts]))
    tuned_on = (
        f"{len(np.unique(faces.identity[parts[0].development]))} development people, none of whom is compared"
        if len(parts) == 1
        else f"cross-fit in {len(parts)} parts, every comparison on all people but those of its two groups"
    )
    return Outcome(results, len(compared_people), len(faces), len(whole) - len(faces), tuned_on, left_out)


def _side(rule: Rule, faces: AttributeDataset) -> Templates:
    side = templates(faces, rule)
    if not len(side.identity):
        known = ", ".join(np.unique(faces.session)[:20].tolist())
        raise JobError(f"no image fits the rule ({rule}); the set's sessions are {known or 'not known'}")
    return side


def _results(
    label: str, compared: Comparison, methods: Sequence[Method], resamples: int, seed: int
) -> Iterator[Result]:
    for method in methods:
        for matrix in compared.matrices(method):
            known = ~np.isnan(matrix.scores)
            tested = np.ix_(known.any(1), known.any(0))  # people who only tune are not to be drawn
            gallery, probe = compared.gallery.identity[known.any(1)], compared.probe.identity[known.any(0)]
            scores, known, mated = matrix.scores[tested], known[tested], gallery[:, None] == probe
            equal, wanted = (None if told is None else told[tested] for told in (matrix.equal, matrix.wanted))
            rates = measure(scores, gallery, probe, equal=equal, wanted=wanted, resamples=resamples, seed=seed)
            yield Result(label, matrix.name, rates, curve(scores[mated & known], scores[~mated & known]))
