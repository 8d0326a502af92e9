"""The dossier's section on identity: how far attribute vectors tell people apart, and which attributes are steady."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lineament import report
from lineament.authentication.curves import curve, draw_det
from lineament.authentication.readings import as_log_odds
from lineament.authentication.verification import (
    Similarity,
    Verification,
    error_rates,
    halves,
    set_eer,
    single_eer,
    standardise,
)
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION", "best_similarity", "log_odds", "spread"]

GOOD = 0.1
"""An equal error rate below this counts as a strength."""

AFFORDABLE = 20_000_000_000
"""Comparisons times resamples that take some twenty seconds; with more of them people are drawn less often."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Equal error rates of sets and of single images, their curves, and the steadiness of each attribute."""
    development = subject.readings("development", lambda share: progress(0.3 * share))
    test = subject.readings("test", lambda share: progress(0.3 + 0.3 * share))
    identity, names = test.dataset.identity, test.dataset.names
    people = len(halves(identity, names))
    if people < 2:
        return Fragment([report.prose("This needs two people or more with six test images each; the data have fewer.")])
    kind = best_similarity(development)
    vectors = standardise(log_odds(test), log_odds(development))
    draws = min(subject.resamples, max(100, AFFORDABLE // (people * len(identity))))
    sets = set_eer(vectors, identity, names, kind=kind, resamples=draws, seed=subject.seed)
    progress(0.7)
    singles = single_eer(vectors, identity, names, kind=kind, resamples=draws, seed=subject.seed)
    fewer = "" if draws == subject.resamples else f" from {draws:,} resamples, for there are many comparisons"
    blocks = [
        *_rates(kind, sets, singles, fewer),
        *_curves(sets, singles),
        *_steadiness(subject.attributes, development),
    ]
    data = {"similarity": kind, "resamples": draws, "set_eer": sets.eer.tolist(), "single_eer": singles.eer.tolist()}
    return Fragment(blocks, _findings(sets, singles), data)


SECTION = Section("Whether people can be told apart", run, cost=6)


def log_odds(part: "Readings") -> NDArray[np.float64]:
    """Attribute vectors ``(n, attributes)`` in log-odds; probabilities count as at least 0.01% away from 0 and 1."""
    return as_log_odds(part.probabilities)


def best_similarity(development: "Readings") -> Similarity:
    """The one with the lowest single-image EER among the development people; eq. 2.2 where these are under five."""
    dataset, vectors = development.dataset, standardise(log_odds(development), log_odds(development))
    kinds: tuple[Similarity, ...] = ("inverse_distance", "cosine", "inner_product")
    if len(halves(dataset.identity, dataset.names)) < 5:
        return kinds[0]
    eer = {kind: single_eer(vectors, dataset.identity, dataset.names, kind=kind, resamples=0).eer[0] for kind in kinds}
    return min(kinds, key=lambda kind: float(eer[kind]))


def spread(
    vectors: NDArray[np.float64], identity: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviation of each column within a person (pooled) and of the people's means, both ``(d,)``.

    Unknown identities (-1) and people of one image are left out; NaN if nobody else is there.
    """
    numbers, person, counts = np.unique(identity, return_inverse=True, return_counts=True)
    used = ((counts > 1) & (numbers >= 0))[person]
    if not used.any():
        return np.full(vectors.shape[1], np.nan), np.full(vectors.shape[1], np.nan)
    order = np.flatnonzero(used)[np.argsort(person[used], kind="stable")]
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))[:, None]
    means = np.add.reduceat(vectors[order], starts, axis=0) / sizes
    residual = vectors[order] - np.repeat(means, sizes[:, 0], axis=0)
    return np.sqrt((residual**2).sum(0) / (len(order) - len(starts))), means.std(0)


def _rates(kind: str, sets: Verification, singles: Verification, fewer: str) -> list["Markup"]:
    rows: list[Row] = []
    for name, result in (
        ("half against half", sets),
        ("one image against half", singles),
    ):
        _, fmr, fnmr = error_rates(result.genuine, result.impostor)
        refused = [fnmr[np.argmax(fmr <= rate)] for rate in (0.01, 0.001)]
        rows.append([name, report.percent(*result.eer), *(report.percent(rate) for rate in refused),
                     report.number(len(result.genuine)), report.number(len(result.impostor))])  # fmt: skip
    columns = ["comparison", "EER", "FNMR at FMR 1%", "FNMR at FMR 0.1%", "genuine", "impostor"]
    return [
        report.prose(
            f"Each of {len(sets.references):,} test people with at least six images is enrolled by the mean attribute "
            "vector (log-odds, standardised on the development people) of the first half of the images, in file-name "
            f"order. Similarity is {kind.replace('_', ' ')}, the best of three on the development people. At the equal "
            "error rate as many strangers are accepted (FMR) as owners are refused (FNMR); guessing gives 50%.",
        ),
        report.table(columns, rows, f"Verification on the test people, with 95% intervals over people{fewer}"),
    ]


def _curves(sets: Verification, singles: Verification) -> list["Markup"]:
    drawing, axis = report.axes(4.5, 3.6)
    draw_det(axis, {name: curve(result.genuine, result.impostor)
                    for name, result in (("half against half", sets), ("one against half", singles))})  # fmt: skip
    report.legend(axis, loc="best")
    return [
        report.figure(
            drawing,
            f"DET curves; equal error rate {sets.eer[0]:.1%} for half against half, {singles.eer[0]:.1%} for an image.",
            "Detection error trade-off: nearer to the lower left is better; errors are equal on the dotted line.",
        ),
        _histogram(singles),
    ]


def _histogram(result: Verification) -> "Markup":
    drawing, axis = report.axes(4.5, 3.6)
    low, high = np.quantile(result.scores, [0.001, 0.999])
    bins = np.linspace(low, high + (high == low), 60)
    for scores, colour, name in (
        (result.impostor, report.MUTED, "strangers"),
        (result.genuine, report.ACCENT, "owners"),
    ):
        if np.histogram(scores, bins)[0].any():  # a few scores may all lie outside
            axis.hist(scores, bins, density=True, histtype="stepfilled", color=colour, alpha=0.45, label=name)
    axis.set(xlabel="similarity", ylabel="density", yticks=[])
    report.legend(axis)
    alt = "Histogram of the similarity of single images to the enrolled vector, for strangers and owners."
    return report.figure(drawing, alt, "Similarity of one image to the enrolled half: the less overlap, the better.")


def _steadiness(attributes: tuple[str, ...], development: "Readings") -> list["Markup"]:
    within, between = spread(log_odds(development), development.dataset.identity)
    ratio = np.divide(between, within, out=np.full_like(between, np.nan), where=within > 0)
    rows: list[Row] = [
        [report.readable(attributes[i]), *(report.number(value, 2) for value in (ratio[i], within[i], between[i]))]
        for i in np.argsort(-np.nan_to_num(ratio), kind="stable")
    ]
    return [
        report.prose(
            "An attribute helps to tell people apart if it differs more between people than from image to image of one "
            "person. Deviations are in log-odds, over the development people.",
            heading="Which attributes are steady within a person",
        ),
        report.table(
            ["attribute", "between / within", "within a person", "between people"],
            rows,
            "Deviation between people and within a person, steadiest attribute first",
        ),
    ]


def _findings(sets: Verification, singles: Verification) -> list[Finding]:
    people = len(sets.references)
    return [
        Finding(
            "strength" if result.eer[0] < GOOD else "weak flank",
            f"{result.eer[0]:.1%}",
            f"equal error rate telling {people:,} people apart {by} "
            f"(95% interval {100 * result.eer[1]:.1f} to {100 * result.eer[2]:.1f})",
        )
        for result, by in ((sets, "by half of their images"), (singles, "by a single image"))
    ]
