"""How a classifier stands under attack, as a page: figures, accuracy over the budget, and pictures with decisions."""

from pathlib import Path
from typing import Any

from markupsafe import Markup
from torch import Tensor

from lineament import report
from lineament.artifacts import write_atomically
from lineament.classifier import Classifier
from lineament.defense.attack_report import Stand
from lineament.defense.figures import Decision, accuracy, budget, picture_rows
from lineament.defense.subjects import decided
from lineament.defense.threats import CLEAN, WORST, Trial
from lineament.report import Cell, Finding, Fragment, percent, prose, readable

__all__ = ["attack_page", "judged"]

SHOWN = 8
"""Images on the page, the first ones."""

MODELS = (
    "Attacks at the classifier do not know of the defence (oblivious). Those at the defence are judged by its answers; "
    "bpda, unrolled and on_manifold go back through it. An image counts as lost in the worst case if any attack at all "
    "got it wrong within that budget."
)


def attack_page(stand: Stand, out: Path) -> None:
    """Write the page, which opens offline."""
    figures = stand.figures()
    told = [prose(_told(figures), *[MODELS] * (not stand.bare)), _table(figures["attacks"], stand.bare)]
    if any(row["eps"] for row in figures["attacks"]):
        drawing = accuracy(figures["attacks"], 1 / len(stand.given.classes))
        caption = "Right decisions over the greatest change of a value; guessing is dotted."
        told.append(report.figure(drawing, "Accuracy over the budget", caption))
    told += [prose(f"Doubtful: {doubt}.") for doubt in figures["doubts"]]
    sections = [("How it stands", Fragment(told, _findings(figures))), ("Pictures", Fragment(_pictures(stand)))]
    provenance = [
        ("Classifier", figures["classifier"]), ("Defence", figures["defense"] or "none"),
        ("Images", f"{figures['n']} {figures['images']}, seed {figures['seed']}; the truth is {figures['truth']}"),
        *(("Attack", row["attack"]) for row in figures["attacks"][1:] if row["fooled"] is not None),
    ]  # fmt: skip
    name = readable(stand.given.classifier.name)
    page = report.page(
        f"{name} under attack", "What it takes to change its decisions, bare or defended.", sections, provenance
    )
    write_atomically(out, page.encode())


def judged(classifier: Classifier, images: Tensor, classes: tuple[str, ...], true: Tensor | None) -> list[Decision]:
    """What is written beneath each image: the class that it is taken for, and how surely."""
    taken, sure = decided(classifier, images)
    right = [True] * len(images) if true is None else (taken == true).tolist()
    words = [f"{readable(classes[k])} {p:.0%}" for k, p in zip(taken.tolist(), sure.tolist(), strict=True)]
    return [Decision(text, ok) for text, ok in zip(words, right, strict=True)]


def _told(figures: dict[str, Any]) -> str:
    behind = "bare" if figures["defense"] is None else f"behind {figures['defense']}"
    return (
        f"{figures['classifier']}, {behind}, on {figures['n']} {figures['images']}. Shares come with 95 % intervals; "
        "distances are the median of the L2 norm and the greatest change of a value."
    )


def _table(rows: list[dict[str, Any]], bare: bool) -> Markup:
    """The rows of the figures; without a defence two columns fewer."""
    heads = ["attack", "eps", *(["right, bare"] * (not bare)), "right", "fooled", "L2", "change"]
    lines = []
    for row in rows:
        shares = [row["accuracy"]] if bare else [row["undefended"], row["accuracy"]]
        name = row["threat"] if bare or row["threat"] in (CLEAN, WORST) else f"{row['threat']}, {_aim(row)}"
        lines.append([name, *map(_cell, [row["eps"]]), *(_share(each) for each in (*shares, row["fooled"])),
                      *map(_cell, (row["l2"], row["linf"]))])  # fmt: skip
    return report.table(heads, lines, "Right decisions under each attack")


def _aim(row: dict[str, Any]) -> str:
    return "at the classifier" if row["undefended"] is not None else "at the defence"


def _findings(figures: dict[str, Any]) -> list[Finding]:
    """The clean accuracy, and the worst case at the greatest budget."""
    clean, last = figures["attacks"][0], figures["attacks"][-1]
    found = [Finding("strength", f"{clean['accuracy'][0]:.1%}", "right decisions without an attack")]
    if last["threat"] == WORST:
        text = f"right decisions in the worst case at eps {budget(last['eps'])}"
        found.append(Finding("weak flank", f"{last['accuracy'][0]:.1%}", text))
    return found + [Finding("blind spot", "doubtful", doubt) for doubt in figures["doubts"]]


def _pictures(stand: Stand) -> list[Markup]:
    """For each attack at its greatest budget the first images: clean, attacked, and what the defence makes of them."""
    greatest = {trial.threat: trial for trial in stand.trials[1:]}
    return [_rows(stand, trial) for trial in greatest.values()]


def _rows(stand: Stand, trial: Trial) -> Markup:
    bare, classes, true = stand.target.classifier, stand.given.classes, stand.labels
    some = slice(SHOWN)
    rows = {"clean": stand.pictures.images[some], "attacked": trial.adversarial.images[some]}
    decisions = {name: judged(bare, images, classes, true[some]) for name, images in rows.items()}
    if not stand.bare:
        purified = stand.target.purifier(rows["attacked"], seed=stand.target.seed)
        rows["purified"] = purified
        decisions["purified"] = judged(bare, purified, classes, true[some])
    heads = [Path(name).name for name in stand.pictures.names[some]]
    at = "" if trial.eps is None else f" at eps {budget(trial.eps)}"
    title = f"{trial.threat}{at}"
    cpu = {name: images.cpu() for name, images in rows.items()}
    return prose(heading=title) + picture_rows(cpu, decisions, heads, label=title)


def _share(found: list[float] | None) -> Cell:
    return Cell("", -1.0) if found is None else percent(*found)


def _cell(value: float | None) -> Cell:
    return Cell("", -1.0) if value is None else Cell(f"{value:.3g}", value)
