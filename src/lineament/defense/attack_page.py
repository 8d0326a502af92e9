"""How a classifier stands under attack, as a page: figures, accuracy over the budget, and pictures with decisions."""

from pathlib import Path
from typing import Any

from markupsafe import Markup
from torch import Tensor

from lineament import report
from lineament.artifacts import write_atomically
from lineament.classifier import Classifier
from lineament.defense.attack_report import Stand, aim
from lineament.defense.figures import Decision, accuracy, budget, picture_rows
from lineament.defense.pictures import short
from lineament.defense.standing import flank
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

BENEATH = (
    "Beneath a clean and an attacked picture stands what the bare classifier takes it for; beneath a purified one, "
    "what the defended classifier takes the attacked picture for."
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
    shown = [*[prose(BENEATH)] * (not stand.bare), *_pictures(stand)]
    sections = [("How it stands", Fragment(told, _findings(figures))), ("Pictures", Fragment(shown))]
    provenance = [
        ("Classifier", figures["classifier"]), ("Defence", figures["defense"] or "none"),
        ("Images", f"{figures['n']} {figures['images']}, seed {figures['seed']}; the truth is {figures['truth']}"),
        *(("Attack", row["attack"]) for row in figures["attacks"][1:] if row["fooled"] is not None),
    ]  # fmt: skip
    name = readable(stand.given.classifier.name)
    page = report.page(
        f"{name} under attack", f"What it takes to change its decisions, {_behind(figures)}.", sections, provenance,
        kicker="lineament attack",
    )  # fmt: skip
    write_atomically(out, page.encode())


def judged(classifier: Classifier, images: Tensor, classes: tuple[str, ...], true: Tensor | None) -> list[Decision]:
    """What is written beneath each image: the class that it is taken for, and how surely."""
    taken, sure = decided(classifier, images)
    right = [True] * len(images) if true is None else (taken == true).tolist()
    words = [f"{readable(classes[k])} {p:.0%}" for k, p in zip(taken.tolist(), sure.tolist(), strict=True)]
    return [Decision(text, ok) for text, ok in zip(words, right, strict=True)]


def _told(figures: dict[str, Any]) -> str:
    return (
        f"{figures['classifier']}, {_behind(figures)}, on {figures['n']} {figures['images']}. Shares come with 95% "
        "intervals; L2 is the median distance to the image, change the greatest of a value."
    )


def _behind(figures: dict[str, Any]) -> str:
    return "bare" if figures["defense"] is None else f"behind {figures['defense']}"


def _table(rows: list[dict[str, Any]], bare: bool) -> Markup:
    """The rows of the figures; without a defence two columns fewer."""
    heads = ["attack", "eps", *(["right"] if bare else ["right, bare", "right, defended"]), "fooled", "L2", "change"]
    lines = []
    for row in rows:
        shares = [row["accuracy"]] if bare else [row["undefended"], row["accuracy"]]
        at = f", at the {'defence' if aim(row) else 'classifier'}"
        name = row["threat"] + (at if not bare and row["threat"] not in (CLEAN, WORST) else "")
        lines.append([name, *map(_cell, [row["eps"]]), *(_share(each) for each in (*shares, row["fooled"])),
                      *map(_cell, (row["l2"], row["linf"]))])  # fmt: skip
    return report.table(heads, lines, "Right decisions under each attack")


def _findings(figures: dict[str, Any]) -> list[Finding]:
    """The clean accuracy, which a defence should not cost, and the worst case at the greatest budget."""
    clean, last = figures["attacks"][0], figures["attacks"][-1]
    kept, bare = clean["accuracy"], clean["undefended"]
    if figures["defense"] is None:
        found = [Finding(flank(kept), f"{kept[0]:.0%}", f"{_between(kept)} of decisions are right without an attack")]
    else:
        text = f"{_between(kept)} of decisions are right behind the defence without an attack; {bare[0]:.0%} bare"
        found = [Finding("strength" if kept[0] >= bare[1] else "weak flank", f"{kept[0]:.0%}", text)]
    if last["threat"] == WORST:
        text = f"{_between(last['accuracy'])} of decisions are right in the worst case at eps {budget(last['eps'])}"
        found.append(Finding(flank(last["accuracy"], figures["doubts"]), f"{last['accuracy'][0]:.0%}", text))
    return found + [Finding("blind spot", "doubtful", doubt) for doubt in figures["doubts"]]


def _between(found: list[float]) -> str:
    return f"({found[1]:.0%} to {found[2]:.0%})"


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
    heads = short(stand.pictures.names)[some]
    at = "" if trial.eps is None else f" at eps {budget(trial.eps)}"
    title = f"{trial.threat}{at}"
    cpu = {name: images.cpu() for name, images in rows.items()}
    return prose(heading=title) + picture_rows(cpu, decisions, heads, label=title)


def _share(found: list[float] | None) -> Cell:
    return Cell("", -1.0) if found is None else percent(*found)


def _cell(value: float | None) -> Cell:
    return Cell("", -1.0) if value is None else Cell(f"{value:.3g}", value)
