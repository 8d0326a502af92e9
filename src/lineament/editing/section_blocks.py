"""The tables of the dossier's section: which edits the detector reads, and a heat map of what else moves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from lineament import report
from lineament.editing.section_edits import KINDS
from lineament.report import Row

__all__ = ["moving", "reading", "worst"]

SHOWN = 0.02
"""Change of a probability from which on the heat map says how great it is."""


def reading(figures: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """A row an attribute: the shares that `measured` gives, and what is moved beside."""
    rows: list[Row] = [
        [report.readable(row["attribute"]), *(_share(row[key]) for key in KINDS), _share(row["collateral"]),
         *_most_moved(row), report.number(row["images"])]
        for row in figures
    ]  # fmt: skip
    heads = ["attribute", "swapped on", "swapped off", "drawn", "borrowed", "others move by", "most of them", "by",
             "images"]  # fmt: skip
    return [
        report.prose(
            "An edit is read as meant if the detector decides that the attribute is there, or gone, as was asked. Only "
            "images that it reads rightly beforehand are edited, one of a person for either direction, so that "
            "doing nothing would score 0%.",
            heading="Does the detector read it?",
        ),
        report.table(heads, rows, "Share of edits that the detector reads as meant, and by how much a swap moves its "
                     "other probabilities (mean of absolute values), with 95% intervals"),
    ]  # fmt: skip


def moving(attributes: Sequence[str], figures: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """The changes of all probabilities (rows, of ``attributes``) by a swap of each attribute (columns), drawn."""
    matrix = np.array([[row["moved"][name] for name in attributes] for row in figures]).T
    edited = [row["attribute"] for row in figures]
    own = np.array([[name == other for other in edited] for name in attributes])
    drawing, axis = report.axes(4.5, 1.4 + 0.19 * len(matrix))
    for (i, k), value in np.ndenumerate(matrix):
        colour = report.ACCENT if own[i, k] else report.CONTRAST
        axis.add_patch(_square(k, i, colour, float(value)))
        if value >= SHOWN:
            axis.text(k, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=8, color=report.INK)
    axis.set(xlim=(-0.5, len(edited) - 0.5), ylim=(len(matrix) - 0.5, -0.5))
    axis.set_xticks(range(len(edited)), map(report.readable, edited), rotation=45, ha="left", rotation_mode="anchor")
    axis.set_yticks(range(len(matrix)), map(report.readable, attributes), fontsize=8)
    axis.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(False)
    most = worst(figures)
    told = "" if most is None else f"Swapping {most[0]} moves {most[1]} by {100 * most[2]:.0f} points, the most."
    return [
        report.prose(
            "What else moves is the editor's fault if it drew more than was asked, the detector's if it takes one "
            "attribute for another, and nobody's where one thing hides or entails the other, as a hat does hair.",
            heading="What else moves",
        ),
        report.figure(
            drawing,
            f"By how much a swap of each attribute moves the detector's probability of every attribute. {told}".strip(),
            "Columns: the attribute swapped. Rows: the attribute read, and by how many percentage points its "
            "probability moves, on average. Blue: the one that was meant.",
        ),
    ]


def worst(figures: Sequence[Mapping[str, Any]]) -> tuple[str, str, float] | None:
    """The attribute edited, another one read, and the change, that is the greatest; None if there is no other one."""
    changes = [
        (change, row["attribute"], name)
        for row in figures for name, change in row["moved"].items() if name != row["attribute"]
    ]  # fmt: skip
    if not changes:
        return None
    change, edited, read = max(changes)
    return report.readable(edited), report.readable(read), change


def _square(x: int, y: int, colour: str, share: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour, alpha=0.04 + 0.6 * share, linewidth=0)


def _share(found: Sequence[float | None]) -> report.Cell:
    value, low, high = (float("nan") if bound is None else bound for bound in found)
    return report.percent(value, low, high)


def _most_moved(row: Mapping[str, Any]) -> tuple[str, report.Cell]:
    most = worst([row])
    return ("–", _share([None] * 3)) if most is None else (most[1], _share([most[2], None, None]))
