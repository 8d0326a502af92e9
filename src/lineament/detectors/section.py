"""The dossier's section on how well each attribute is detected, and how far its probabilities can be trusted."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lineament import report
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
    result = evaluate(
        test.probabilities,
        test.labels,
        subject.thresholds,
        test.dataset.identity,
        attributes=subject.attributes,
        majority=commonest(subject.labels(subject.dataset.part("train"))),
        resamples=subject.resamples,
        seed=subject.seed,
    )
    blocks = [
        _overview(subject, development, test, result),
        _picture(result),
        _reliability(test, result),
        _table(result),
    ]
    return Fragment(blocks, _findings(test, result), result.to_dict())


SECTION = Section("How well each attribute is detected", run, cost=40)


def _overview(subject: "Subject", development: "Readings", test: "Readings", result: Evaluation) -> "Markup":
    names = {"accuracy": "mean accuracy", "balanced_accuracy": "mean balanced accuracy", "macro_f1": "mean macro F1"}
    cells = {key: report.percent(*result.means[key]) for key in names}
    right = (test.probabilities >= thresholds(development.probabilities, development.labels)) == (test.labels == 1)
    known = test.labels >= 0
    again = [right[known[:, i], i].mean() for i in range(known.shape[1]) if known[:, i].any()]
    return report.prose(
        f"Measured on {len(test.labels):,} images of {_people(test):,} people never used in training: "
        + "; ".join(f"{name} {cells[key].text} ({cells[key].note})" for key, name in names.items())
        + f"; mean AUC {result.means['auc'][0]:.3f}. Always giving the commonest answer is right "
        f"{_mean(result.majority):.1%} of the time. Brackets are 95% intervals from {subject.resamples:,} draws of "
        "people.",
        "Balanced accuracy is the mean of the share found among images with the attribute and the share cleared among "
        "those without it, so always saying no does not pay for a rare attribute. Thresholds come with the detector; "
        f"chosen anew on this data's development people they would give a mean accuracy of {_mean(again):.1%}.",
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
        f"Mean calibration error {_mean(result.calibration_error):.1%}.",
    )


def _table(result: Evaluation) -> "Markup":
    rows: list[Row] = [
        [
            report.readable(name),
            report.percent(*result.accuracy[i]),
            report.percent(result.majority[i]),
            report.percent(*result.balanced_accuracy[i]),
            report.percent(result.macro_f1[i, 0]),
            report.number(result.auc[i, 0], 3, f"{result.auc[i, 1]:.3f}–{result.auc[i, 2]:.3f}"),
            report.percent(result.calibration_error[i]),
            report.number(result.thresholds[i], 2),
            report.percent(result.prevalence[i]),
            report.number(result.n[i]),
        ]
        for i, name in enumerate(result.attributes)
    ]
    columns = ["attribute", "accuracy", "commonest answer", "balanced accuracy", "macro F1", "AUC", "calibration error",
               "threshold", "have it", "images"]  # fmt: skip
    caption = "Every attribute on the test people, with 95% intervals. A dash: all images have the attribute, or none."
    return report.table(columns, rows, caption)


def _findings(test: "Readings", result: Evaluation) -> list[Finding]:
    accuracy = report.percent(result.means["accuracy"][0]).text
    text = (
        f"mean accuracy over {len(result.attributes)} attributes on {_people(test):,} unseen people; "
        f"the commonest answer reaches {_mean(result.majority):.1%}"
    )
    better = result.means["accuracy"][1] > _mean(result.majority)
    found = [Finding("strength" if better else "weak flank", accuracy, text)]
    balanced = result.balanced_accuracy[:, 0]
    if np.isfinite(balanced).any():
        best, worst = np.nanargmax(balanced), np.nanargmin(balanced)
        for kind, i, word in (("strength", best, "best"), ("weak flank", worst, "least")):
            text = f"balanced accuracy of {report.readable(result.attributes[i])}, the attribute detected {word}"
            found.append(Finding(kind, report.percent(balanced[i]).text, text))  # type: ignore[arg-type]
    if np.isfinite(result.calibration_error).any():
        i = np.nanargmax(result.calibration_error)
        text = f"calibration error of {report.readable(result.attributes[i])}: trust its probabilities least"
        found.append(Finding("weak flank", report.percent(result.calibration_error[i]).text, text))
    return found


def _people(test: "Readings") -> int:
    return int(people(test.dataset.identity).max()) + 1


def _mean(values: object) -> float:
    array = np.asarray(values, dtype=float)
    finite = array[np.isfinite(array)]
    return float(finite.mean()) if len(finite) else float("nan")
