"""The dossier's section on refusals: the attribute that speaks most against a stranger, checked against the labels."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lineament import report
from lineament.authentication.readings import as_log_odds
from lineament.authentication.reasons import NEVER_A_REASON, decisiveness, ranked
from lineament.authentication.section import best_similarity, log_odds, spread
from lineament.authentication.verification import error_rates, halves, single_eer, standardise
from lineament.detectors.evaluation import interval, person_weights, ratio
from lineament.report import Finding, Fragment, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION", "share_true"]

PAIRS = 20_000
"""At most this many refused strangers are given a reason: enough to know the share of true ones."""

GOOD = 0.9
"""First reasons count as a strength if at least this share of them is true, at the lower end of the interval."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Single test images of strangers, refused at the development threshold, with the reasons they would be given."""
    development = subject.readings("development", lambda share: progress(0.4 * share))
    test = subject.readings("test", lambda share: progress(0.4 + 0.4 * share))
    enrolled = halves(test.dataset.identity, test.dataset.names)
    within, _ = spread(log_odds(development), development.dataset.identity)
    tuning = halves(development.dataset.identity, development.dataset.names)
    if min(len(enrolled), len(tuning)) < 2 or not np.isfinite(within).all():
        return Fragment(
            [report.prose("This needs two people or more with six images each in both parts; the data have fewer.")]
        )
    probes = np.concatenate([second for *_, second in enrolled])
    row, column = _refused(development, test)
    refused = len(row)
    drawn = np.random.default_rng(subject.seed).permutation(refused)[:PAIRS]
    row, column = row[drawn], column[drawn]
    means = np.array([log_odds(test)[first].mean(0) for _, first, _ in enrolled])[row]
    seen, cut = log_odds(test)[probes[column]], as_log_odds(subject.thresholds)
    speaks = decisiveness(means, seen, within, cut, subject.attributes)
    order, named = ranked(speaks, subject.attributes), np.isfinite(speaks.max(1))
    first = order[:, 0]
    truth = np.array([_vote(test.labels[own]) for _, own, _ in enrolled])[row, first]
    label = test.labels[probes[column], first]
    judged = named & (truth >= 0) & (label >= 0)
    strangers = test.dataset.identity[probes[column]]
    people = np.array([number for number, *_ in enrolled])[row]
    true = share_true(
        (truth != label)[judged], people[judged], strangers[judged], resamples=subject.resamples, seed=subject.seed
    )
    progress(0.9)
    chosen = _varied(np.flatnonzero(named), row, strangers, first)
    read = test.dataset.read
    blocks = [
        _words(refused, len(enrolled), named, true, subject.attributes),
        report.image_grid(
            [_side_by_side(read(int(enrolled[row[k]][1][0])), read(int(probes[column[k]]))) for k in chosen],
            [_caption(subject.attributes, means[k] >= cut, speaks[k], order[k]) for k in chosen],
            label="Refused strangers: on the left the person enrolled, on the right the one seen",
            width=208,
        ),
    ]
    share = true.tolist() if judged.any() else None
    return Fragment(
        blocks, _findings(true, int(judged.sum()), len(enrolled), len(row) < refused), {"first_reason_true": share}
    )


SECTION = Section("Why strangers are refused", run, cost=2)


def share_true(
    true: NDArray[np.bool_], enrolled: NDArray[np.int64], strangers: NDArray[np.int64],
    *, resamples: int = 1000, seed: int = 0,
) -> NDArray[np.float64]:  # fmt: skip
    """The share of comparisons whose reason is ``true``, and its 95% interval over people, ``(3,)``; NaN without any.

    Two people drawn w and v times count w times v times in their comparisons. ``enrolled`` and ``strangers`` are the
    identities in each comparison.
    """
    numbers, person = np.unique(np.concatenate([enrolled, strangers]), return_inverse=True)
    cell, size = person[: len(true)] * len(numbers) + person[len(true) :], len(numbers)
    weights = person_weights(size, resamples, seed)
    hits, all_of_them = (
        ((weights @ np.bincount(cell[k], minlength=size**2).reshape(size, size)) * weights).sum(1)
        for k in (true, slice(None))
    )
    return interval(np.asarray(ratio(hits, all_of_them)))


def _refused(development: "Readings", test: "Readings") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the strangers' comparisons below the threshold of equal errors on development people."""
    kind = best_similarity(development)
    tuning, singles = (
        single_eer(
            standardise(log_odds(part), log_odds(development)), part.dataset.identity, part.dataset.names, kind=kind,
            resamples=0,
        )
        for part in (development, test)
    )  # fmt: skip
    cuts, fmr, fnmr = error_rates(tuning.genuine, tuning.impostor)
    strangers = singles.references[:, None] != singles.probes
    row, column = np.nonzero(strangers & (singles.scores < cuts[np.argmax(fnmr >= fmr)]))
    return row, column


def _vote(labels: NDArray[np.int8]) -> NDArray[np.int8]:
    """The majority of the known labels of one person, ``(attributes,)``; -1 where there is none."""
    balance = (labels == 1).sum(0) - (labels == 0).sum(0)
    return np.where(balance == 0, -1, balance > 0).astype(np.int8)


def _varied(
    candidates: NDArray[np.int64],
    row: NDArray[np.int64],
    strangers: NDArray[np.int64],
    first: NDArray[np.int64],
    count: int = 12,
) -> list[int]:
    """Up to ``count`` candidates such that nobody is on one side twice and no first reason comes more than twice."""
    chosen: list[int] = []
    for k in candidates[:2000].tolist():
        fresh = all(row[k] != row[other] and strangers[k] != strangers[other] for other in chosen)
        if len(chosen) < count and fresh and sum(first[k] == first[other] for other in chosen) < 2:
            chosen.append(k)
    return chosen


def _caption(
    attributes: tuple[str, ...], enrolled: Iterable[bool], speaks: NDArray[np.float64], order: NDArray[np.int64]
) -> str:
    """The first reason in words, and the names of the next two."""
    answers = ["enrolled yes, seen no" if yes else "enrolled no, seen yes" for yes in enrolled]
    first, *others = [int(i) for i in order[:3] if np.isfinite(speaks[i])]
    also = f"\nalso {', '.join(report.readable(attributes[i]) for i in others)}" if others else ""
    return f"{report.readable(attributes[first])}: {answers[first]}{also}"


def _side_by_side(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(len(left), len(right))
    sides = [np.pad(side, ((0, height - len(side)), (0, 0), (0, 0))) for side in (left, right)]
    gap = np.full((height, max(2, height // 32), left.shape[2]), 255, dtype=np.uint8)
    return np.concatenate([sides[0], gap, sides[1]], axis=1)


def _words(
    refused: int, people: int, named: NDArray[np.bool_], true: NDArray[np.float64], attributes: tuple[str, ...]
) -> "Markup":
    barred = [report.readable(name) for name in sorted(NEVER_A_REASON.intersection(attributes))]
    cell, sample = report.percent(*true), f" (a sample of {len(named):,})" if len(named) < refused else ""
    checked = (
        f" Where both labels are known, the first reason is true in {cell.text} ({cell.note})." if cell.note else ""
    )
    return report.prose(
        f"In {refused:,} comparisons a single image of one of {people:,} people is refused as another of them, at the "
        f"threshold where errors are equal on the development people. In {_share(named)} of these{sample} the two "
        f"differ in an attribute that can be named.{checked} Brackets are 95% intervals over people.",
        "The first reason is the difference that is largest against how much the attribute varies within a person; "
        "among decisive ones, what a person can see and act on, such as eyeglasses or a hat, goes before traits."
        + f" Never given: {', '.join(barred)}."
        * bool(barred),
        "In each pair the person enrolled is on the left; the one who was seen, and refused, is on the right.",
    )


def _share(values: NDArray[np.bool_]) -> str:
    return report.percent(float(values.mean()) if len(values) else float("nan")).text


def _findings(true: NDArray[np.float64], judged: int, people: int, sampled: bool) -> list[Finding]:
    share, low, high = true
    if not judged:
        return []
    text = (
        f"of the first reasons given for refusing strangers are true, in {judged:,} comparisons of {people:,} people"
        f"{' (a sample)' if sampled else ''} where both labels are known (95% interval {low:.1%} to {high:.1%})"
    )
    return [Finding("strength" if low >= GOOD else "weak flank", f"{share:.1%}", text)]
