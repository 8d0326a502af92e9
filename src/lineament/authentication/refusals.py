"""The dossier's section on refusals: the attribute that speaks most against a stranger, checked against the labels."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from lineament import report
from lineament.authentication.section import best_similarity, log_odds, spread
from lineament.authentication.verification import error_rates, halves, single_eer, standardise
from lineament.report import Finding, Fragment, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["NEVER_A_REASON", "SECTION", "decisiveness"]

NEVER_A_REASON = frozenset(
    {"Smiling", "Mouth_Slightly_Open", "Blurry", "Pointy_Nose", "Oval_Face", "High_Cheekbones", "Attractive"}
)
"""They change within a minute, or people do not agree on them, or they judge taste (section 1.1)."""

PAIRS = 20_000
"""At most this many refused strangers are given a reason: enough to know the share of true ones."""

GOOD = 0.9
"""At least this share of first reasons true counts as a strength."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Single test images of strangers, refused at the equal error rate, with the reasons that would be given."""
    development = subject.readings("development", lambda share: progress(0.4 * share))
    test = subject.readings("test", lambda share: progress(0.4 + 0.4 * share))
    enrolled = halves(test.dataset.identity, test.dataset.names)
    within, _ = spread(log_odds(development), development.dataset.identity)
    if len(enrolled) < 2 or not np.isfinite(within).all():
        return Fragment(
            [report.prose("This needs people with several images each in both parts; the data have too few.")]
        )
    probes = np.concatenate([second for *_, second in enrolled])
    row, column = _refused(development, test, subject.seed)
    means = np.array([log_odds(test)[first].mean(0) for _, first, _ in enrolled])[row]
    seen, cut = log_odds(test)[probes[column]], logit(np.clip(subject.thresholds, 1e-4, 1 - 1e-4))
    speaks = decisiveness(means, seen, within, cut, subject.attributes)
    first, named = speaks.argmax(1), np.isfinite(speaks.max(1))
    truth = np.array([_vote(test.labels[own]) for _, own, _ in enrolled])[row, first]
    label = test.labels[probes[column], first]
    judged = named & (truth >= 0) & (label >= 0)
    true = float((truth != label)[judged].mean()) if judged.any() else float("nan")
    progress(0.9)
    strangers = test.dataset.identity[probes[column]]
    chosen = _varied(np.flatnonzero(named), row, strangers, first)
    read = test.dataset.read
    blocks = [
        _words(len(row), float(named.mean()) if len(named) else 0.0, true),
        report.image_grid(
            [_side_by_side(read(int(enrolled[row[k]][1][0])), read(int(probes[column[k]]))) for k in chosen],
            [_caption(subject.attributes, means[k] >= cut, speaks[k]) for k in chosen],
            label="Refused strangers: the enrolled person on the left, the stranger on the right",
            width=208,
        ),
    ]
    return Fragment(blocks, _findings(true), {"first_reason_true": true if judged.any() else None})


SECTION = Section("Why strangers are refused", run, cost=2)


def decisiveness(
    reference: NDArray[np.float64], probe: NDArray[np.float64], within: NDArray[np.float64],
    cut: NDArray[np.float64], attributes: tuple[str, ...],
) -> NDArray[np.float64]:  # fmt: skip
    """How strongly each attribute speaks against "the same person": difference in units of a person's own deviation.

    Args:
        reference, probe: ``(…, attributes)`` log-odds, the mean of the enrolled images and the image seen.
        within: ``(attributes,)`` deviation of log-odds within a person (`spread`).
        cut: ``(attributes,)`` log-odds of the thresholds.
        attributes: names; those in `NEVER_A_REASON` get -inf.

    Returns:
        ``(…, attributes)``; -inf where both sides give the same answer, for a reason must be a difference one can name.
    """
    barred = np.array([name in NEVER_A_REASON for name in attributes]) | ((reference >= cut) == (probe >= cut))
    return np.where(barred, -np.inf, np.abs(reference - probe) / np.maximum(within, 1e-6))


def _refused(development: "Readings", test: "Readings", seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the strangers' comparisons below the EER threshold, at most ``PAIRS``, in random order."""
    vectors = standardise(log_odds(test), log_odds(development))
    kind = best_similarity(development)
    singles = single_eer(vectors, test.dataset.identity, test.dataset.names, kind=kind, resamples=0)
    cuts, fmr, fnmr = error_rates(singles.genuine, singles.impostor)
    strangers = singles.references[:, None] != singles.probes
    row, column = np.nonzero(strangers & (singles.scores < cuts[np.argmax(fnmr >= fmr)]))
    order = np.random.default_rng(seed).permutation(len(row))[:PAIRS]
    return row[order], column[order]


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


def _caption(attributes: tuple[str, ...], enrolled: Iterable[bool], speaks: NDArray[np.float64]) -> str:
    """The most decisive difference in words, and the names of the next two."""
    answers = ["enrolled yes, seen no" if yes else "enrolled no, seen yes" for yes in enrolled]
    first, *others = [int(i) for i in np.argsort(-speaks, kind="stable")[:3] if np.isfinite(speaks[i])]
    also = f"\nalso {', '.join(report.readable(attributes[i]) for i in others)}" if others else ""
    return f"{report.readable(attributes[first])}: {answers[first]}{also}"


def _side_by_side(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(len(left), len(right))
    sides = [np.pad(side, ((0, height - len(side)), (0, 0), (0, 0))) for side in (left, right)]
    gap = np.full((height, max(2, height // 32), left.shape[2]), 255, dtype=np.uint8)
    return np.concatenate([sides[0], gap, sides[1]], axis=1)


def _words(refused: int, named: float, true: float) -> "Markup":
    checked = "" if np.isnan(true) else f" By the labels, the first reason is true for {true:.1%} of these."
    return report.prose(
        f"Of {refused:,} strangers refused at the equal error rate by a single image, {named:.1%} differ in an "
        f"attribute that can be named.{checked} The first reason is the difference that is largest against how much "
        f"the attribute varies within a person. Never given: "
        f"{', '.join(sorted(map(report.readable, NEVER_A_REASON)))}.",
    )


def _findings(true: float) -> list[Finding]:
    if np.isnan(true):
        return []
    text = "of the first reasons that refused strangers are given are true by the labels"
    return [Finding("strength" if true >= GOOD else "weak flank", f"{true:.1%}", text)]
