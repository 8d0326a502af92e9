"""What the dossier's section on attacks is made of: curves, tables, ROC, rows of pictures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lineament import report
from lineament.defense.cases import Case
from lineament.defense.detection import Detection
from lineament.defense.figures import UNDEFENDED, Decision, accuracy, budget, picture_rows, roc
from lineament.defense.standing import KNOWN, OBLIVIOUS, TELLING, oblivious, strongest
from lineament.defense.threats import CLEAN, WORST, Trial
from lineament.purifier import Purifier
from lineament.report import Row

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["accuracy_blocks", "detection_blocks", "picture_blocks", "settings_blocks", "telling"]

SHOWN, AMPLIFIED = 6, 16
"""Pictures in a row, and how many times the change is shown."""

UNTRIED = report.Cell("not tried", -1.0)


def accuracy_blocks(figures: Mapping[str, Any], told: str) -> list["Markup"]:
    """Accuracy over the budget for each threat model, as curves and tables; ``told`` is a sentence on the defence."""
    names = ", ".join(map(report.readable, figures["attributes"]))
    n = figures["rows"][0]["n"]
    doubts = [report.prose("Doubtful: " + "; ".join(figures["doubts"]) + ".")] if figures["doubts"] else []
    return [
        report.prose(
            "Someone who wants the detector to be wrong may change every value of an image, each by at most eps; 1/255 "
            f"is one grey level. Counted are decisions about {names}, of the attributes that are detected best, on {n} "
            "test images, each of another person, half of them with the attribute. Guessing gives 50%.",
            told,
            "The attackers differ in what they know. In the worst case an image is lost if any of them gets it wrong; "
            "that is what a defence is worth.",
        ),
        report.figure(
            accuracy(figures["rows"], 0.5),
            f"Accuracy over the budget: {_words(figures)}",
            f"Defence: {figures['purifier']}. The broad line is the worst case, with its 95% interval; the "
            "dotted line is guessing.",
        ),
        _accuracies(figures["rows"]),
        *doubts,
        _by_attribute(figures["by_attribute"]),
    ]


def _words(figures: Mapping[str, Any]) -> str:
    bare, worst = telling(figures, OBLIVIOUS, "undefended"), telling(figures, WORST)
    clean = figures["rows"][0]["undefended"][0]
    return (
        f"{clean:.0%} of the decisions are right without an attack; at eps {budget(TELLING)} {bare[0]:.0%} without a "
        f"defence, and {worst[0]:.0%} behind it in the worst case."
    )


def telling(figures: Mapping[str, Any], threat: str, key: str = "accuracy") -> list[float]:
    """Accuracy under a threat at the budget `TELLING`, with its interval."""
    return next(row[key] for row in figures["rows"] if row["threat"] == threat and row["eps"] == TELLING)


def _accuracies(told: Sequence[Mapping[str, Any]]) -> "Markup":
    """A row a threat, a column a budget."""
    budgets = sorted({row["eps"] for row in told})
    cells: dict[str, dict[float, Any]] = {UNDEFENDED: {}}
    for row in told:
        if row["undefended"] and row["threat"] in (CLEAN, OBLIVIOUS):
            cells[UNDEFENDED][row["eps"]] = row["undefended"]
        threat = [row["threat"]] if row["threat"] != CLEAN else list(dict.fromkeys(each["threat"] for each in told))
        for name in threat:
            cells.setdefault(name, {})[row["eps"]] = row["accuracy"]
    lines: list[Row] = [
        [name, *(report.percent(*cells[name][eps]) if eps in cells[name] else UNTRIED for eps in budgets)]
        for name in cells if name != CLEAN
    ]  # fmt: skip
    heads = ["no attack" if eps == 0 else f"eps {budget(eps)}" for eps in budgets]
    caption = "Decisions that are right, with 95% intervals over images"
    once = [name for name, found in cells.items() if set(found) == {0.0, budgets[-1]} != set(budgets)]
    note = f"; {' and '.join(once)}: tried at the greatest budget only" if once else ""
    return report.table(["attacker", *heads], lines, caption + note)


def _by_attribute(told: Sequence[Mapping[str, Any]]) -> "Markup":
    lines: list[Row] = [
        [report.readable(row["attribute"]), *(report.percent(*row[key]) for key in ("clean", "attacked", "purified",
         "worst")), report.number(row["images"])]
        for row in told
    ]  # fmt: skip
    heads = ["attribute", "no defence, no attack", "no defence, attacked", "defended, no attack",
             "defended, worst case", "images"]  # fmt: skip
    return report.table(heads, lines, f"Each attribute, attacked at eps {budget(TELLING)}", folded=True)


def detection_blocks(found: Mapping[str, Detection], development: int) -> list["Markup"]:
    """ROC curves, and what is flagged at the threshold that so many ``development`` images gave."""
    lines: list[Row] = [
        [name, _area(one.auc), report.percent(*one.operating[0]["detected"]),
         report.percent(*one.operating[0]["false_positive"]), report.number(one.n)]
        for name, one in found.items()
    ]  # fmt: skip
    best = max(found.values(), key=lambda one: one.auc[0])
    heads = ["score and attacker", "AUC", "attacked images flagged", "clean images flagged", "pairs"]
    return [
        report.prose(
            "An attacked image may give itself away: it lies far from what the purifier makes of it (error), or the "
            "detector answers differently to the two (disagreement). Both are held against the attacker who does not "
            "know the defence and against the strongest of all; none of them tries to stay unseen, and one who did "
            "would show less.",
            heading="Whether an attack shows",
        ),
        report.figure(
            roc(found), f"ROC curves of detection at eps {budget(TELLING)}; the best area is {best.auc[0]:.2f}.",
            f"Attacked images at eps {budget(TELLING)} against the same images clean; the dotted line is guessing.",
        ),
        report.table(heads, lines, f"Detection at eps {budget(TELLING)}. The threshold was to flag "
                     f"{best.operating[0]['wanted']:.0%} of clean images, which is a wish: it was set on {development} "
                     "development images, and what it flags of so few clean test images stands in the table"),
    ]  # fmt: skip


def _area(auc: Sequence[float]) -> report.Cell:
    found, low, high = auc
    return report.number(found, 2, f"{low:.2f}–{high:.2f}")


def picture_blocks(
    found: Sequence[Case], standing: Sequence[Sequence[Trial]], purifier: Purifier, seed: int
) -> list["Markup"]:
    """An image with and one without each attribute: clean, under two attacks, and what the purifier makes of those."""
    columns = [(k, i) for k, case in enumerate(found) for i in _one_of_each(case.labels)][:SHOWN]

    def pick(batches: Sequence[Tensor]) -> Tensor:
        return torch.stack([batches[k][i] for k, i in columns])

    clean = pick([case.images for case in found])
    unaware, knowing = (
        pick([attack(trials, TELLING).adversarial.images for trials in standing]) for attack in (oblivious, strongest)
    )
    at = f"eps {budget(TELLING)}"
    pictures = {
        "clean": clean,
        f"attacked, {OBLIVIOUS}, {at}": unaware,
        f"what was changed, {AMPLIFIED} times": ((unaware - clean) * AMPLIFIED + 0.5).clamp(0, 1),
        "the attacked image, purified": purifier(unaware, seed=seed),
        f"attacked by the strongest, {at}": knowing,
        "that image, purified": purifier(knowing, seed=seed),
    }
    decisions = {
        name: [_decision(found[k], images[i : i + 1], int(j)) for i, (k, j) in enumerate(columns)]
        for name, images in pictures.items() if not name.startswith("what was changed")
    }  # fmt: skip
    heads = [f"{'with' if found[k].labels[i] else 'without'} {report.readable(found[k].attribute)}" for k, i in columns]
    return [
        report.prose(
            "Beneath each picture stands what the detector itself answers to it; in a purified row that is the answer "
            "of the defended detector. Percentages are moved so that the detector's threshold lies at 50%.",
            heading="What it looks like",
        ),
        picture_rows(
            pictures, decisions, heads, label="Clean, attacked and purified images with the decisions on them"
        ),
    ]


def _one_of_each(labels: Tensor) -> list[int]:
    """The first image with the attribute and the first without it, as far as there are."""
    return [int(found[0]) for present in (1, 0) if len(found := (labels == present).nonzero()[:, 0])]


def _decision(case: Case, image: Tensor, index: int) -> Decision:
    with torch.no_grad():
        share, said = case.classifier(image).softmax(1).max(1)
    return Decision(f"{'with' if said else 'without'} ({float(share):.0%})", bool(said == case.labels[index]))


def settings_blocks(trials: Sequence[Trial]) -> list["Markup"]:
    """What each attacker knows, and the settings of its attack."""
    settings = {trial.threat: trial.adversarial.attack for trial in trials if trial.threat != CLEAN}
    lines: list[Row] = [[name, KNOWN[name], text] for name, text in settings.items()]
    heads = ["attacker", "knows", "attack, at its greatest budget"]
    return [report.table(heads, lines, "What each attacker knows, and the settings of its attack", folded=True)]
