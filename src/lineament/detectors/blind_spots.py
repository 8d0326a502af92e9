"""Where a detector errs: attributes whose presence hides another, and the answers it was surest of.

A blind spot is a pair of attributes: one is detected less well where the other is present. It is measured by balanced
accuracy, because plain accuracy also falls where an attribute is merely more common. Pairs are picked on the
development people and measured on the test people, so an interval is not flattered by the picking; intervals are
widened for the number of pairs (Bonferroni), so that a dozen tests do not find one by chance.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from lineament import report
from lineament.detectors.evaluation import interval, people, per_person, person_weights, ratio
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION", "accuracy_losses", "pick_pairs"]

CELL = 15
"""A pair is looked at only where this many images lie in each of the four cells that two attributes make."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """The pairs, then the most confident wrong and right answers as pictures."""
    development = subject.readings("development", lambda share: progress(0.4 * share))
    test = subject.readings("test", lambda share: progress(0.4 + 0.4 * share))
    names, correct = subject.attributes, _correct(subject, test)
    pairs = pick_pairs(_correct(subject, development), development.labels)
    pairs = pairs[_filled(test.labels)[pairs[:, 0], pairs[:, 1]]]
    losses = accuracy_losses(
        correct, test.labels, test.dataset.identity, pairs, resamples=subject.resamples, seed=subject.seed,
        level=1 - 0.05 / max(len(pairs), 1),
    )  # fmt: skip
    order = np.argsort(-np.nan_to_num(losses[:, 1], nan=-1), kind="stable")
    pairs, losses = pairs[order], losses[order]
    rows = [
        {"attribute": names[a], "with": names[b], "balanced_accuracy_lost": loss.tolist()}
        for (a, b), loss in zip(pairs, losses, strict=True)
    ]
    blocks = [*_pairs(subject, test, pairs, losses), *_examples(subject, test, correct)]
    return Fragment(blocks, _findings(names, pairs, losses), {"blind_spots": rows})


SECTION = Section("Where it errs", run, cost=4)


def accuracy_losses(
    correct: NDArray[np.bool_],
    labels: NDArray[np.int8],
    identity: NDArray[np.int64],
    pairs: NDArray[np.int64],
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> NDArray[np.float64]:
    """How much balanced accuracy the detection of one attribute loses where another is present.

    Args:
        correct: ``(n, attributes)``: whether the detector's answer was right.
        labels: ``(n, attributes)``: 1, 0, or -1, which is left out on either side.
        identity: ``(n,)``.
        pairs: ``(pairs, 2)`` columns: the attribute that is detected, and the one that slices the images.
        resamples: draws of people.
        seed: of these draws.
        level: of the intervals; 1 - 0.05 / pairs makes all of them hold at once in 95% of cases (Bonferroni).

    Returns:
        ``(pairs, 3)``: balanced accuracy where absent minus where present, and the ends of its interval; NaN where one
        of the four cells is empty.
    """
    person = people(identity)
    weights = person_weights(int(person.max(initial=-1)) + 1, resamples, seed)
    truth, right, slicing = labels[:, pairs[:, 0]], correct[:, pairs[:, 0]], labels[:, pairs[:, 1]]

    def recall(answer: int, slice_: int) -> NDArray[np.float64]:
        cell = (truth == answer) & (slicing == slice_)
        return np.asarray(ratio(weights @ per_person(cell & right, person), weights @ per_person(cell, person)))

    return interval((recall(1, 0) + recall(0, 0) - recall(1, 1) - recall(0, 1)) / 2, level)


def pick_pairs(correct: NDArray[np.bool_], labels: NDArray[np.int8], count: int = 12) -> NDArray[np.int64]:
    """Suspects ``(pairs, 2)``: the slice that hurts each attribute most by z-score, the ``count`` worst of these."""
    worse = np.where(_filled(labels), _z_scores(correct, labels), -np.inf)
    slicing, strongest = worse.argmax(1), worse.max(1)
    detected = np.argsort(-strongest, kind="stable")[:count]
    detected = detected[strongest[detected] > 0]
    return np.stack([detected, slicing[detected]], axis=1)


def _z_scores(correct: NDArray[np.bool_], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """Loss of balanced accuracy over its deviation, ``(detected, slicing)``; half an error keeps it finite."""
    size = labels.shape[1]
    loss, variance = np.zeros((size, size)), np.zeros((size, size))
    for answer in (0, 1):
        hit = ((labels == answer) & correct).astype(float).T
        all_of_it = (labels == answer).astype(float).T
        for slice_, sign in ((0, 1), (1, -1)):
            inside = (labels == slice_).astype(float)
            n = all_of_it @ inside + 1
            recall = (hit @ inside + 0.5) / n
            loss += sign * recall
            variance += recall * (1 - recall) / n
    return np.asarray(loss / np.sqrt(variance))


def _filled(labels: NDArray[np.int8]) -> NDArray[np.bool_]:
    """``(detected, slicing)``: whether the four cells that the two make hold enough images; not of one with itself."""
    yes, no = (labels == 1).astype(float), (labels == 0).astype(float)
    cells = [first.T @ second for first in (yes, no) for second in (yes, no)]
    return np.asarray((np.min(cells, axis=0) >= CELL) & ~np.eye(labels.shape[1], dtype=bool))


def _correct(subject: "Subject", part: "Readings") -> NDArray[np.bool_]:
    return np.asarray((part.probabilities >= subject.thresholds) == (part.labels == 1))


def _pairs(
    subject: "Subject", test: "Readings", pairs: NDArray[np.int64], losses: NDArray[np.float64]
) -> list["Markup"]:
    if not len(pairs):
        text = (
            f"No pair suspected on the development people has {CELL} test images of all four kinds, so none was tested."
        )
        return [report.prose(text, heading="Blind spots")]
    rows: list[Row] = [
        [
            *(report.readable(subject.attributes[i]) for i in (a, b)),
            report.number(100 * loss[0], 1, f"{report.number(100 * loss[1], 1).text} to {100 * loss[2]:.1f}"),
            report.number(((test.labels[:, a] >= 0) & (test.labels[:, b] == 1)).sum()),
        ]
        for (a, b), loss in zip(pairs, losses, strict=True)
    ]
    return [
        report.prose(
            "The presence of one attribute can hide another. These pairs were picked on the development people and are "
            "measured here on the test people; one that did not show again is listed all the same.",
            heading="Blind spots",
        ),
        report.table(
            ["attribute", "detected less well with", "points lost", "images with it"],
            rows,
            "Balanced accuracy where the second attribute is absent minus where it is present, with intervals that "
            "hold for all pairs at once in 95% of cases",
        ),
    ]


def _examples(subject: "Subject", test: "Readings", correct: NDArray[np.bool_], count: int = 12) -> list["Markup"]:
    """The answers furthest from their thresholds in log-odds: no person twice, and no attribute more than twice."""
    margin = np.abs(
        logit(np.clip(test.probabilities, 1e-7, 1 - 1e-7)) - logit(np.clip(subject.thresholds, 1e-7, 1 - 1e-7))
    )
    known, present = test.labels >= 0, test.labels == 1
    person, blocks = people(test.dataset.identity), []
    for heading, text, wanted in (
        ("Surest and wrong", "Answers that contradict the label with the greatest confidence. Some are errors of the "
         "label, not of the detector: look before you judge.", known & ~correct),
        ("Surest and right", "Attributes that are present and were found with the greatest confidence.",
         known & correct & present),
    ):  # fmt: skip
        places = _spread(np.where(wanted, margin, -np.inf), person, count)
        captions = [
            f"{report.readable(subject.attributes[a])}\nlabel {'yes' if present[i, a] else 'no'}, score "
            f"{_score(test.probabilities[i, a])}\n{test.dataset.names[i]}"
            for i, a in places
        ]
        if places:
            images = [test.dataset.read(i) for i, _ in places]
            blocks += [report.prose(text, heading=heading), report.image_grid(images, captions, label=heading)]
    return blocks


def _spread(margin: NDArray[np.float64], person: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """Up to ``count`` places (image, attribute) by falling ``margin``; -inf is left out, people do not come twice."""
    best = np.argsort(-margin, axis=0, kind="stable")[: 20 * count]  # enough of each column, whatever is skipped
    candidates = [(int(i), a) for a in range(margin.shape[1]) for i in best[:, a] if np.isfinite(margin[i, a])]
    chosen: list[tuple[int, int]] = []
    for i, a in sorted(candidates, key=lambda place: -margin[place]):
        fresh = all(person[i] != person[k] for k, _ in chosen) and sum(a == b for _, b in chosen) < 2
        if fresh and len(chosen) < count:
            chosen.append((i, a))
    return chosen


def _score(probability: float) -> str:
    return ">99%" if probability > 0.99 else "<1%" if probability < 0.01 else f"{probability:.0%}"


def _findings(names: tuple[str, ...], pairs: NDArray[np.int64], losses: NDArray[np.float64]) -> list[Finding]:
    if not len(pairs):
        text = "no pair of attributes had enough images to be tested for blind spots"
        return [Finding("blind spot", "Untested", text)]
    found = [
        Finding(
            "blind spot",
            f"−{100 * loss[0]:.1f} points",
            f"balanced accuracy of {report.readable(names[a])} where {report.readable(names[b])} is present "
            f"(−{100 * loss[2]:.1f} to −{100 * loss[1]:.1f}, at 95% for all {len(pairs)} pairs tested)",
        )
        for (a, b), loss in zip(pairs, losses, strict=True)
        if loss[1] > 0
    ]
    none = Finding(
        "blind spot", "None", f"of {len(pairs)} suspected pairs of attributes costs balanced accuracy beyond chance"
    )
    return found[:3] or [none]
