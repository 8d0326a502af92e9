"""What became of defended images: as figures, a table, a folder of purified pictures, and a page."""

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from torch import Tensor

from lineament import report
from lineament.artifacts import write_atomically
from lineament.defense.attack_page import judged
from lineament.defense.attack_report import images_of
from lineament.defense.choices import Chosen, Request
from lineament.defense.figures import picture_rows
from lineament.defense.intervals import share
from lineament.defense.pictures import Pictures, short, write_pictures
from lineament.defense.shields import Shield
from lineament.report import Cell, Finding, Fragment, percent, prose

__all__ = ["Purification", "defend_page", "show", "write_folder"]

SHOWN = 24
"""Images on the page, the first ones."""

ROW = 8
"""Images side by side."""


@dataclass(frozen=True)
class Purification:
    """What became of images; ``n`` entries each.

    Attributes:
        request: what was asked for.
        given: the classifier.
        stands: what stood before it.
        pictures: the images.
        purified: ``(n, channels, height, width)``.
        before, after: class and probability of each image and of each purified one, ``(n,)`` both.
        errors: ``(n,)`` mean squared difference per value between image and purified image.
        cut: the error above which an image is flagged; None where no clean image has told.
        fpr: the share of clean images that are flagged by it.
    """

    request: Request
    given: Chosen
    stands: Shield
    pictures: Pictures
    purified: Tensor
    before: tuple[Tensor, Tensor]
    after: tuple[Tensor, Tensor]
    errors: Tensor
    cut: float | None
    fpr: float

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary an image; ``flagged`` is None without a threshold, ``true`` without a label."""
        names = self.given.classes
        true = [None] * len(self.pictures) if self.pictures.labels is None else self.pictures.labels.tolist()
        columns = [column.tolist() for column in (*self.before, *self.after, self.errors)]
        return [
            {
                "image": name, "true": None if label is None else names[label], "bare": names[bare],
                "bare_probability": sure, "defended": names[kept], "defended_probability": surely, "error": apart,
                "flagged": None if self.cut is None else apart > self.cut,
            }
            for name, label, bare, sure, kept, surely, apart in zip(self.pictures.names, true, *columns, strict=True)
        ]  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON values; shares come with their 95 % intervals."""
        rows = self.rows()
        labelled = self.pictures.labels is not None
        return {
            "classifier": self.given.classifier.name,
            "classes": list(self.given.classes),
            "defense": self.stands.purifier.name,
            "seed": self.request.seed,
            "n": len(rows),
            "right_bare": share([row["bare"] == row["true"] for row in rows]) if labelled else None,
            "right_defended": share([row["defended"] == row["true"] for row in rows]) if labelled else None,
            "threshold": self.cut,
            "false_positive_rate": None if self.cut is None else self.fpr,
            "flagged": None if self.cut is None else share([row["flagged"] for row in rows]),
            "images": rows,
        }


def show(done: Purification) -> None:
    """Print a row an image, and what they come to."""
    figures = done.figures()
    table = Table(Column("image", overflow="fold"), box=box.SIMPLE_HEAD, caption=escape(_summary(figures)))
    labelled = figures["right_bare"] is not None
    for head in (*["true"] * labelled, "bare", "defended", "error", "flag"):
        table.add_column(head, justify="right" if head == "error" else "left")
    for name, row in zip(short(done.pictures.names), figures["images"], strict=True):
        said = [f"{escape(row[kind])} {row[f'{kind}_probability']:.0%}" for kind in ("bare", "defended")]
        true = [escape(row["true"])] if labelled else []
        flag = "" if row["flagged"] is None else "[bold]attacked?[/]" if row["flagged"] else "no"
        table.add_row(escape(name), *true, *said, f"{row['error']:.4f}", flag)
    Console().print(table)


def write_folder(done: Purification, out: Path) -> None:
    """Write the purified images as 8-bit PNGs into a folder, and a report.json with the figures."""
    figures = done.figures()
    files = write_pictures(out, done.pictures.names, done.purified)
    figures["images"] = [{"file": file, **row} for file, row in zip(files, figures["images"], strict=True)]
    write_atomically(out / "report.json", json_module.dumps(figures, indent=1).encode())


def defend_page(done: Purification, out: Path) -> None:
    """Write the page, which opens offline."""
    figures = done.figures()
    rows = [
        [name, *([row["true"]] if row["true"] is not None else []), row["bare"], row["defended"],
         Cell(f"{row['error']:.4f}", row["error"]), {True: "attacked?", False: "no", None: ""}[row["flagged"]]]
        for name, row in zip(short(done.pictures.names), figures["images"], strict=True)
    ]  # fmt: skip
    heads = ["image", *["true"] * (figures["right_bare"] is not None), "bare", "defended", "error", "flag"]
    decisions = report.table(heads, rows, "What is decided on each image", folded=len(rows) > SHOWN)
    told = Fragment([prose(_summary(figures)), decisions], _findings(figures))
    shown = Fragment([_pictures(done, start) for start in range(0, min(SHOWN, len(rows)), ROW)])
    provenance = [
        ("Classifier", figures["classifier"]), ("Defence", figures["defense"]),
        ("Images", f"{len(rows)} {images_of(done.request, len(rows))}"), ("Seed", str(figures["seed"])),
    ]  # fmt: skip
    page = report.page("Images behind a defence", "What each became, what is decided, and which look attacked.",
                       [("Decisions", told), ("Pictures", shown)], provenance, kicker="lineament defend")  # fmt: skip
    write_atomically(out, page.encode())


def _pictures(done: Purification, start: int) -> Any:
    some = slice(start, start + ROW)
    true = None if done.pictures.labels is None else done.pictures.labels[some]
    rows = {"given": done.pictures.images[some], "purified": done.purified[some]}
    decisions = {name: judged(done.given.classifier, images, done.given.classes, true) for name, images in rows.items()}
    heads = short(done.pictures.names)[some]
    return picture_rows({name: images.cpu() for name, images in rows.items()}, decisions, heads, label="Pictures")


def _summary(figures: dict[str, Any]) -> str:
    """What the rows come to, in one paragraph."""
    told = [f"{figures['classifier']} behind {figures['defense']}, {figures['n']} image{'s' * (figures['n'] != 1)}."]
    if figures["right_bare"] is not None:
        told.append(f"Right: bare {_percent(figures['right_bare'])}, defended {_percent(figures['right_defended'])}.")
    if figures["threshold"] is not None:
        told.append(
            f"Flagged: {_percent(figures['flagged'])}, by an error above {figures['threshold']:.4f}, which "
            f"{figures['false_positive_rate']:.0%} of clean development images have."
        )
    return " ".join(told)


def _findings(figures: dict[str, Any]) -> list[Finding]:
    """What is right behind the defence, where there are labels, and how many images look attacked."""
    found = []
    if figures["right_bare"] is not None:
        (bare, least, _), (kept, low, high) = figures["right_bare"], figures["right_defended"]
        kind: Literal["strength", "weak flank"] = "strength" if kept >= least else "weak flank"
        text = f"({low:.0%} to {high:.0%}) of decisions are right behind the defence, {bare:.0%} bare"
        found.append(Finding(kind, f"{kept:.0%}", text))
    if figures["flagged"] is not None:
        flagged, low, high = figures["flagged"]
        clean = f"of clean images {figures['false_positive_rate']:.0%} would"
        found.append(
            Finding("notice", f"{flagged:.0%}", f"({low:.0%} to {high:.0%}) of the images look attacked; {clean}")
        )
    return found


def _percent(found: list[float]) -> str:
    return f"{percent(*found).text} [{100 * found[1]:.0f}, {100 * found[2]:.0f}]"
