"""Where a detector errs: attributes whose presence hides another, and the answers it was surest of.

A blind spot is a pair of attributes: one is detected less accurately where the other is present. Pairs are picked on
the development people and measured on the test people, so an interval is not flattered by the picking.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from lineament import report
from lineament.detectors.evaluation import interval, people, per_person, person_weights, ratio
from lineament.report import Cell, Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION", "accuracy_gaps", "pick_pairs"]

SLICE = 30
"""An attribute slices the images only where at least this many fall on either side."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """The pairs, then the most confident wrong and right answers as pictures."""
    development = subject.readings("development", lambda share: progress(0.4 * share))
    test = subject.readings("test", lambda share: progress(0.4 + 0.4 * share))
    names, correct = subject.attributes, _correct(subject, test)
    pairs = pick_pairs(_correct(subject, development), development.labels)
    pairs = pairs[_sliceable(test.labels)[pairs[:, 0], pairs[:, 1]]]
    gaps = accuracy_gaps(
        correct, test.labels, test.dataset.identity, pairs, resamples=subject.resamples, seed=subject.seed
    )
    order = np.argsort(-np.nan_to_num(gaps[:, 1], nan=-1), kind="stable")
    pairs, gaps = pairs[order], gaps[order]
    rows = [
        {"attribute": names[a], "with": names[b], "accuracy_lost": gap.tolist()}
        for (a, b), gap in zip(pairs, gaps, strict=True)
    ]
    blocks = [*_pairs(subject, test, pairs, gaps), *_examples(subject, test, correct)]
    return Fragment(blocks, _findings(names, pairs, gaps), {"blind_spots": rows})


SECTION = Section("Where it errs", run, cost=4)


def accuracy_gaps(
    correct: NDArray[np.bool_],
    labels: NDArray[np.int8],
    identity: NDArray[np.int64],
    pairs: NDArray[np.int64],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """How much lower the accuracy of one attribute is where another is present than where it is absent.

    Args:
        correct: ``(n, attributes)``: whether the detector's answer was right.
        labels: ``(n, attributes)``: 1, 0, or -1, which is left out on either side.
        identity: ``(n,)``.
        pairs: ``(pairs, 2)`` columns: the attribute that is detected, and the one that slices the images.
        resamples: draws of people.
        seed: of these draws.

    Returns:
        ``(pairs, 3)``: accuracy where absent minus accuracy where present, and the ends of its 95% interval.
    """
    person = people(identity)
    weights = person_weights(int(person.max(initial=-1)) + 1, resamples, seed)
    detected, right, slicing = labels[:, pairs[:, 0]] >= 0, correct[:, pairs[:, 0]], labels[:, pairs[:, 1]]
    absent, present = (
        ratio(weights @ per_person(inside & right, person), weights @ per_person(inside, person))
        for inside in (detected & (slicing == 0), detected & (slicing == 1))
    )
    return interval(absent - present)


def pick_pairs(correct: NDArray[np.bool_], labels: NDArray[np.int8], count: int = 12) -> NDArray[np.int64]:
    """Suspects ``(pairs, 2)``: the slice that hurts each attribute most by z-score, the ``count`` worst of these."""
    worse = np.where(_sliceable(labels) & ~np.eye(labels.shape[1], dtype=bool), _strength(correct, labels), -np.inf)
    slicing = worse.argmax(1)
    strongest = worse.max(1)
    detected = np.argsort(-strongest, kind="stable")[:count]
    detected = detected[strongest[detected] > 0]
    return np.stack([detected, slicing[detected]], axis=1)


def _strength(correct: NDArray[np.bool_], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """z-score of "less accurate where present", ``(detected, slicing)``; half an error is added to keep it finite."""
    known, rates, variances = labels >= 0, [], []
    for value in (0, 1):
        inside = (labels == value).astype(float)
        n = known.T.astype(float) @ inside
        rate = ((known & correct).T.astype(float) @ inside + 0.5) / (n + 1)
        rates.append(rate)
        variances.append(rate * (1 - rate) / (n + 1))
    return np.asarray((rates[0] - rates[1]) / np.sqrt(variances[0] + variances[1]))


def _sliceable(labels: NDArray[np.int8]) -> NDArray[np.bool_]:
    """``(detected, slicing)``: whether enough images with known labels lie on either side of the slice."""
    known = (labels >= 0).astype(float).T
    return np.asarray(np.minimum(known @ (labels == 1), known @ (labels == 0)) >= SLICE)


def _correct(subject: "Subject", part: "Readings") -> NDArray[np.bool_]:
    return np.asarray((part.probabilities >= subject.thresholds) == (part.labels == 1))


def _pairs(subject: "Subject", test: "Readings", pairs: NDArray[np.int64], gaps: NDArray[np.float64]) -> list["Markup"]:
    if not len(pairs):
        return [report.prose("No pair of attributes has enough images on either side to look for blind spots.")]
    names = subject.attributes
    known = test.labels >= 0
    rows: list[Row] = [
        [
            report.readable(names[a]),
            report.readable(names[b]),
            Cell(f"{100 * gap[0]:.1f}", float(gap[0]), f"{100 * gap[1]:.1f} to {100 * gap[2]:.1f}"),
            report.number((known[:, a] & (test.labels[:, b] == 1)).sum()),
            *(report.percent(_share(test.labels[test.labels[:, b] == value, a])) for value in (1, 0)),
        ]
        for (a, b), gap in zip(pairs, gaps, strict=True)
    ]
    return [
        report.prose(
            "The presence of one attribute can hide another. These pairs were picked on the development people and are "
            "measured here on the test people; one that did not show again is listed all the same. Where an attribute "
            "is much more common in one group than in the other, part of the loss is that only there is it in doubt.",
            heading="Blind spots",
        ),
        report.table(
            ["attribute", "less accurate with", "points lost", "images with it", "common with it", "without it"],
            rows,
            "Accuracy where the second attribute is absent minus accuracy where it is present, with 95% intervals",
        ),
    ]


def _examples(subject: "Subject", test: "Readings", correct: NDArray[np.bool_], count: int = 12) -> list["Markup"]:
    """The answers furthest from their thresholds in log-odds: no image twice, and no attribute more than twice."""
    margin = np.abs(
        logit(np.clip(test.probabilities, 1e-7, 1 - 1e-7)) - logit(np.clip(subject.thresholds, 1e-7, 1 - 1e-7))
    )
    known, present = test.labels >= 0, test.labels == 1
    blocks = []
    for heading, text, wanted in (
        ("Surest and wrong", "Answers that contradict the label with the greatest confidence. Some are errors of the "
         "label, not of the detector: look before you judge.", known & ~correct),
        ("Surest and right", "Attributes that are present and were found with the greatest confidence.",
         known & correct & present),
    ):  # fmt: skip
        places = _spread(np.where(wanted, margin, -np.inf), count)
        captions = [
            f"{report.readable(subject.attributes[a])}\nlabel {'yes' if present[i, a] else 'no'}, score "
            f"{_score(test.probabilities[i, a])}\n{test.dataset.names[i]}"
            for i, a in places
        ]
        if places:
            images = [test.dataset.read(i) for i, _ in places]
            blocks += [report.prose(text, heading=heading), report.image_grid(images, captions, label=heading)]
    return blocks


def _spread(margin: NDArray[np.float64], count: int, per_attribute: int = 2) -> list[tuple[int, int]]:
    """Up to ``count`` places (image, attribute) by falling ``margin``, -inf excluded, varied in both."""
    best = np.argsort(-margin, axis=0, kind="stable")[: count + 1]  # enough of each column, whatever is skipped
    candidates = [(int(i), a) for a in range(margin.shape[1]) for i in best[:, a] if np.isfinite(margin[i, a])]
    chosen: list[tuple[int, int]] = []
    for i, a in sorted(candidates, key=lambda place: -margin[place]):
        if len(chosen) < count and all(i != k for k, _ in chosen) and sum(a == b for _, b in chosen) < per_attribute:
            chosen.append((i, a))
    return chosen


def _score(probability: float) -> str:
    return ">99%" if probability > 0.99 else "<1%" if probability < 0.01 else f"{probability:.0%}"


def _share(labels: NDArray[np.int8]) -> float:
    return float(ratio((labels == 1).sum(), (labels >= 0).sum()))


def _findings(names: tuple[str, ...], pairs: NDArray[np.int64], gaps: NDArray[np.float64]) -> list[Finding]:
    found = [
        Finding(
            "blind spot",
            f"−{100 * gap[0]:.1f} points",
            f"accuracy of {report.readable(names[a])} where {report.readable(names[b])} is present "
            f"(95% interval −{100 * gap[2]:.1f} to −{100 * gap[1]:.1f})",
        )
        for (a, b), gap in zip(pairs, gaps, strict=True)
        if gap[1] > 0
    ]
    none = Finding("blind spot", "None", f"of {len(pairs)} suspected pairs of attributes costs accuracy beyond chance")
    return found[:3] or [none]
