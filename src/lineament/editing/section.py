"""The dossier's section on what edited images look like, what its detector reads in them, and what else moves."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineament import report
from lineament.editing.editor import load, shipped
from lineament.editing.operations import AnyEditor
from lineament.editing.section_blocks import moving, reading, worst
from lineament.editing.section_edits import SWAPS, Material, measured
from lineament.editing.section_pictures import borrowed, drawn, swapped
from lineament.errors import JobError, UsageError
from lineament.report import Finding, Fragment, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Subject

__all__ = ["SECTION", "opened"]

IMAGES, QUICK_IMAGES = 40, 12
"""Test images with an attribute, and as many without it, that are swapped; one of a person each."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Rows of pictures, which edits the detector reads and what else they move; or, why there is no editor."""
    editor = opened(subject)
    if isinstance(editor, str):
        return Fragment([report.prose(editor)])
    test = subject.readings("test", lambda share: progress(0.3 * share))
    material, figures = Material(subject, test, editor), []
    if not material.attributes:
        return Fragment([report.prose("No test image has an attribute known that the editor edits.")])
    for i, name in enumerate(material.attributes):
        figures.append(measured(material, name, QUICK_IMAGES if subject.quick else IMAGES))
        progress(0.3 + 0.5 * (i + 1) / len(material.attributes))
    blocks = [*_pictures(material), *reading(figures), *moving(subject.attributes, figures)]
    return Fragment([_about(material), *blocks], _findings(figures), {"edits": figures})


SECTION = Section("What edited images look like", run, cost=10)


def opened(subject: "Subject") -> AnyEditor | str:
    """The editor of the subject's images; a sentence on why there is none, unless one was given.

    Raises ``LineamentError`` for a given one that is torn or has no attribute that detector and data know.
    """
    data, folder = subject.dataset.name, subject.editor
    train = (
        f"'lineament train editor --data {data} --out RUN' trains one, and 'lineament dossier --editor RUN' shows what "
        "its edits look like, whether this detector reads them, and what else they move."
    )
    if folder is None and data != "portraits":
        return f"No editor of these images was given, and the one that comes with lineament edits portraits. {train}"
    try:
        editor = shipped() if folder is None else load(folder)
    except JobError as error:
        if folder is not None:
            raise
        return f"The editor that comes with lineament is not to be had ({error}). {train}"
    if not set(editor.attributes) & set(subject.attributes):
        told = (
            f"knows {', '.join(editor.attributes)}; detector and data share {', '.join(subject.attributes)}: there is "
            "no edit that the detector could read."
        )
        if folder is not None:
            raise UsageError(f"{folder}: the editor {told}")
        return f"The editor that comes with lineament {told} {train}"
    return editor


def _about(material: Material) -> "Markup":
    card = material.editor.card
    data = f", trained on {card['data']}," if isinstance(card.get("data"), str) else ""
    others = [report.readable(name) for name in material.editor.attributes if name not in material.attributes]
    rest = f" It can edit {', '.join(others)} as well, which cannot be judged here." if others else ""
    return report.prose(
        f"An editor{data} redraws a face with one attribute changed and leaves what the change does not touch as it "
        "was. Swap gives the attribute its usual look or takes it off, Diverse Swap draws one of its looks at random, "
        f"Borrow takes the look from another picture.{rest} Below each picture stands the detector's probability of "
        "the attribute, before and after.",
    )


def _pictures(material: Material) -> list["Markup"]:
    return [
        report.prose("Put on where it is missing, taken off where it is not.", heading="Swap"),
        swapped(material),
        report.prose("The same face, and looks of the attribute drawn at random.", heading="Diverse Swap"),
        drawn(material),
        report.prose("The same face with the attribute as others have it, who stand beside.", heading="Borrow"),
        borrowed(material),
    ]


def _findings(figures: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """How many swaps are read as meant, and what they move most beside."""
    shares = [(row[key], row["attribute"], key) for row in figures for key in SWAPS if row[key][0] is not None]
    mean = sum(found[0] for found, _, _ in shares) / len(shares)
    (least, low, high), name, key = min(shares)
    text = (
        f"of swapped images are read as meant by the detector, on average over {len(figures)} attributes either way; "
        f"least where {report.readable(name)} is {key.replace('_', ' ')} ({least:.0%}; {low:.0%} to {high:.0%})"
    )
    found = [Finding("notice", f"{mean:.0%}", text)]
    if (most := worst(figures)) is not None:
        edited, read, change = most
        by = (
            f"is how far a swap of {edited} moves the detector's answer about {read}, on average: the most of all pairs"
        )
        found.append(Finding("notice", f"{100 * change:.0f} points", by))
    return found
