"""The dossier's section on how well each attribute is detected, and how far its probabilities can be trusted."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lineament import report
from lineament.datasets.section import FEW, in_two_parts
from lineament.detectors.batches import names_sha256
from lineament.detectors.evaluation import Evaluation, commonest, evaluate, people, reliability, thresholds
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION"]


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """The figures of every attribute, drawn and as a table, and the reliability of the probabilities."""
    development = subject.readings("development", lambda share: progress(0.45 * share))
    test = subject.readings("test", lambda share: progress(0.45 + 0.45 * share))
    tuned, result = _evaluated(subject, development, resamples=0), _evaluated(subject, test, subject.resamples)
    unseen = strangers(subject)
    blocks = [
        _overview(subject, development, test, result, unseen),
        _picture(result),
        _reliability(test, result),
        *_tables(result),
    ]
    return Fragment(blocks, _findings(test, tuned, result, unseen), result.to_dict() | {"people_unseen": unseen})


SECTION = Section("How well each attribute is detected", run, cost=40)


def strangers(subject: "Subject") -> bool:
    """Whether it is known that the detector was not trained on people of the test part.

    It is if its card names this set and the hash of exactly this training part, and everybody is known and in one part.
    """
    dataset, card = subject.dataset, subject.detector.card
    same = card.get("data") == dataset.name and card.get("training_names_sha256") == names_sha256(
        dataset.part("train").names
    )
    return same and bool((dataset.identity >= 0).all()) and not in_two_parts(dataset)


def _evaluated(subject: "Subject", part: "Readings", resamples: int) -> Evaluation:
    return evaluate(
        part.probabilities,
        part.labels,
        subject.thresholds,
        part.dataset.identity,
        attributes=subject.attributes,
        majority=commonest(subject.labels(subject.dataset.part("train"))),
        resamples=resamples,
        seed=subject.seed,
    )


def _overview(
    subject: "Subject", development: "Readings", test: "Readings", result: Evaluation, unseen: bool
) -> "Markup":
    names = {"accuracy": "mean accuracy", "balanced_accuracy": "mean balanced accuracy", "macro_f1": "mean macro F1"}
    cells = {key: report.percent(*result.means[key]) for key in names}
    chosen = thresholds(development.probabilities, development.labels, "mixed")
    right = (test.probabilities >= chosen) == (test.labels == 1)
    known = test.labels >= 0
    again = [right[known[:, i], i].mean() for i in range(known.shape[1]) if known[:, i].any()]
    who = "never used in training" if unseen else "of the test part"
    return report.prose(
        f"Measured on {len(test.labels):,} images of {_people(test):,} people {who}: "
        + "; ".join(f"{name} {cells[key].text} ({cells[key].note})" for key, name in names.items())
        + f"; mean AUC {result.means['auc'][0]:.3f}. Always giving the commonest answer is right "
        f"{_mean(result.majority):.1%} of the time. Brackets are 95% intervals from {subject.resamples:,} draws of "
        "people.",
        "Balanced accuracy is the mean of the share found among images with the attribute and the share cleared among "
        "those without it, so always saying no does not pay for a rare attribute. Accuracy, balanced accuracy and F1 "
        "stand at the thresholds stored in the detector, which were chosen on development people to maximise accuracy "
        "plus a twentieth of balanced accuracy; chosen anew on the development people of these data they would give a "
        f"mean accuracy of {_mean(again):.1%}.",
    )


def _picture(result: Evaluation) -> "Markup":
    order = np.argsort(np.nan_to_num(result.balanced_accuracy[:, 0], nan=-1), kind="stable")
    balanced, height = result.balanced_accuracy[order], np.arange(len(order))
    drawing, axis = report.axes(4.5, 0.7 + 0.2 * len(order))
    axis.hlines(height, 0, 1, color=report.RULE, linewidth=0.5, zorder=0)
    axis.hlines(height, balanced[:, 1], balanced[:, 2], color=report.ACCENT, linewidth=1.6)
    axis.plot(balanced[:, 0], height, "o", color=report.ACCENT, markersize=4.2)
    axis.plot(result.accuracy[order, 0], height, "o", color=report.INK, markersize=4.2, fillstyle="none")
    axis.plot(result.majority[order], height, "|", color=report.CONTRAST, markersize=7, markeredgewidth=1.4)
    lowest = np.nanmin(np.concatenate([balanced[:, :2].ravel(), result.majority, [1.0]]))
    axis.set_xlim(max(0.0, np.floor(10 * lowest - 0.1) / 10), 1.01)
    axis.set_ylim(-0.7, len(order) - 0.3)
    axis.set_yticks(height, [report.readable(result.attributes[i]) for i in order])
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    low, high = (", ".join(report.readable(result.attributes[i]) for i in part) for part in (order[:3], order[:-4:-1]))
    return report.figure(
        drawing,
        f"Balanced accuracy of each attribute with 95% interval, beside accuracy; lowest: {low}; highest: {high}.",
        "Blue: balanced accuracy with 95% interval. Ring: accuracy. Orange tick: accuracy of the commonest answer.",
    )


def _reliability(test: "Readings", result: Evaluation) -> "Markup":
    drawing, axis = report.axes(4.5, 3.6)
    error = report.percent(*result.means["calibration_error"])
    pooled = reliability(test.probabilities.ravel(), test.labels.ravel(), bins=20)
    axis.plot([0, 1], [0, 1], color=report.MUTED, linewidth=0.8, linestyle=(0, (4, 4)))
    for scores, labels in zip(test.probabilities.T, test.labels.T, strict=True):
        curve = reliability(scores, labels, bins=8)
        axis.plot(curve[:, 0], curve[:, 1], color=report.RULE, linewidth=0.8, zorder=0)
    axis.plot(pooled[:, 0], pooled[:, 1], "o-", color=report.ACCENT, markersize=4.2, linewidth=1.6)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="probability given", ylabel="share truly present")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(lambda value, _: f"{value:.0%}")
    return report.figure(
        drawing,
        "Reliability curve: probability given against share truly present; a perfect detector is on the diagonal.",
        "How far probabilities can be taken at their word. Blue: all attributes together; thin lines: each attribute. "
        f"Mean calibration error {error.text}" + (f" ({error.note})." if error.note else "."),
    )


def _tables(result: Evaluation) -> list["Markup"]:
    first: list[Row] = [
        [
            report.readable(name),
            report.percent(*result.accuracy[i]),
            report.percent(result.majority[i]),
            report.percent(*result.balanced_accuracy[i]),
            report.number(result.auc[i, 0], 3, f"{result.auc[i, 1]:.3f}–{result.auc[i, 2]:.3f}"),
            report.percent(result.prevalence[i]),
            report.number(result.n[i]),
        ]
        for i, name in enumerate(result.attributes)
    ]
    second: list[Row] = [
        [
            report.readable(name),
            report.percent(*result.macro_f1[i]),
            report.percent(result.calibration_error[i], *result.calibration_bounds[i]),
            report.number(result.thresholds[i], 2),
        ]
        for i, name in enumerate(result.attributes)
    ]
    caption = "Every attribute on the test people, with 95% intervals. A dash: all images have the attribute, or none."
    columns = ["attribute", "accuracy", "commonest answer", "balanced accuracy", "AUC", "have it", "images"]
    further = ["attribute", "macro F1", "calibration error", "threshold"]
    return [
        report.table(columns, first, caption),
        report.table(further, second, "Macro F1, calibration error and threshold of every attribute", folded=True),
    ]


def _findings(test: "Readings", tuned: Evaluation, result: Evaluation, unseen: bool) -> list[Finding]:
    accuracy = report.percent(result.means["accuracy"][0]).text
    text = (
        f"mean accuracy over {len(result.attributes)} attributes on {_people(test):,} "
        f"{'unseen people' if unseen else 'people of the test part'}; "
        f"the commonest answer reaches {_mean(result.majority):.1%}"
    )
    better = result.means["accuracy"][1] > _mean(result.majority)
    found = [Finding("strength" if better else "weak flank", accuracy, text)]
    if not unseen:
        found.append(
            Finding("weak flank", "Unknown", "it is not known whether the detector was trained on these people")
        )
    return found + _extremes(test, tuned, result)


def _extremes(test: "Readings", tuned: Evaluation, result: Evaluation) -> list[Finding]:
    """The attributes detected best and least and the one least calibrated: picked on development, measured on test.

    To pick and to measure on the same people would flatter the best and slander the worst.
    """
    rarer = np.minimum((test.labels == 1).sum(0), (test.labels == 0).sum(0))
    enough = np.flatnonzero((rarer >= FEW) & np.isfinite(tuned.balanced_accuracy[:, 0]))
    if len(enough) < 2:
        return []
    balanced, error = tuned.balanced_accuracy[enough, 0], tuned.calibration_error[enough]
    errors = np.column_stack([result.calibration_error, result.calibration_bounds])
    found: list[Finding] = []
    for i, values, kind, text in (
        (
            enough[balanced.argmax()],
            result.balanced_accuracy,
            "strength",
            "balanced accuracy of {0} ({1}), detected best on development people",
        ),
        (
            enough[balanced.argmin()],
            result.balanced_accuracy,
            "weak flank",
            "balanced accuracy of {0} ({1}), detected worst on development people",
        ),
        (enough[error.argmax()], errors, "weak flank", "calibration error of {0} ({1}): trust its probabilities least"),
    ):
        value, low, high = values[i]
        if kind == "strength" and not low > 0.5:
            continue  # even the best is not known to beat a coin
        words = text.format(report.readable(result.attributes[i]), f"95% interval {low:.1%} to {high:.1%}")
        found.append(Finding(kind, f"{value:.1%}", words))  # type: ignore[arg-type]
    return found


def _people(test: "Readings") -> int:
    return int(people(test.dataset.identity).max()) + 1


def _mean(values: object) -> float:
    array = np.asarray(values, dtype=float)
    finite = array[np.isfinite(array)]
    return float(finite.mean()) if len(finite) else float("nan")
