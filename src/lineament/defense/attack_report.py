"""How a classifier stands under attack, as figures, as a table, and as a folder of adversarial pictures."""

import json as json_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.defense.choices import Chosen, Request
from lineament.defense.figures import budget
from lineament.defense.intervals import share
from lineament.defense.pictures import Pictures, write_pictures
from lineament.defense.sanity import flags
from lineament.defense.subjects import decided
from lineament.defense.threats import CLEAN, WORST, Trial, rows
from lineament.images import to_batch, to_uint8
from lineament.purifier import Defended, Purifier

__all__ = ["AIM", "NOTHING", "Stand", "aim", "images_of", "show", "write_folder"]

NOTHING = Purifier("nothing", lambda images, seed: images)
"""What a bare classifier stands behind."""

AIM = "*"
"""Marks what is aimed at the defence."""

CAPTION = (
    "per cent that is right, with 95 % intervals; fooled: of what the one aimed at got right before; L2: median "
    "distance; change: greatest of a value"
)


@dataclass(frozen=True)
class Stand:
    """How a classifier stands under attack.

    Attributes:
        request: what was asked for.
        given: the classifier.
        target: it, behind its purifier or behind `NOTHING`.
        pictures: the images.
        labels: ``(n,)``, their true classes.
        trials: of `threats.trials`, images as they are first.
    """

    request: Request
    given: Chosen
    target: Defended
    pictures: Pictures
    labels: Tensor
    trials: Sequence[Trial]

    @property
    def bare(self) -> bool:
        """Whether nothing stands before the classifier."""
        return self.target.purifier is NOTHING

    def figures(self) -> dict[str, Any]:
        """Everything but the images, as JSON values; ``attacks`` are the rows of `threats.rows` and how many fooled."""
        told = rows(self.trials)
        fooled = [_fooled(trial) for trial in self.trials] + [None] * (len(told) - len(self.trials))
        return {
            "classifier": self.given.classifier.name,
            "classes": list(self.given.classes),
            "defense": None if self.bare else self.target.purifier.name,
            "images": images_of(self.request, len(self.pictures)),
            "truth": "what the bare classifier takes each file for" if self.request.images else "labels",
            "n": len(self.pictures),
            "seed": self.request.seed,
            "attacks": [row | {"fooled": each} for row, each in zip(told, fooled, strict=True)],
            "doubts": flags(self.trials, len(self.given.classes)),
        }


def images_of(request: Request, n: int) -> str:
    """What was attacked, in words that follow the number ``n``."""
    ending = "" if n == 1 else "s"
    return f"file{ending}" if request.images else f"test image{ending} of {request.data}"


def show(stand: Stand) -> None:
    """Print the figures as a table of 80 columns, the settings of every attack, and what makes them hard to believe."""
    figures = stand.figures()
    behind = "" if stand.bare else f", behind {figures['defense']}"
    title = f"{figures['classifier']}{behind}: {figures['n']} {figures['images']}"
    caption = CAPTION if stand.bare else f"{CAPTION}; {AIM}: aimed at the defence, else at the bare classifier"
    table = Table(title=escape(title), caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
                  show_edge=False)  # fmt: skip
    table.add_column("attack", no_wrap=True)
    for head in ("eps", *(["right"] if stand.bare else ["bare", "defended"]), "fooled", "L2", "change"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in figures["attacks"]:
        shares = [row["accuracy"]] if stand.bare else [row["undefended"], row["accuracy"]]
        name = row["threat"] + ("" if stand.bare else aim(row))
        table.add_row(escape(name), "" if row["eps"] is None else budget(row["eps"]),
                      *map(_percent, (*shares, row["fooled"])), _number(row["l2"]), _number(row["linf"]))  # fmt: skip
    console = Console()
    console.print(table)
    for setting in dict.fromkeys(row["attack"] for row in figures["attacks"][1 : len(stand.trials)]):
        console.print(f"  {setting}", highlight=False, markup=False, soft_wrap=True)
    for doubt in figures["doubts"]:
        console.print(f"  doubtful: {doubt}", highlight=False, markup=False, soft_wrap=True)


def aim(row: Mapping[str, Any]) -> str:
    """The mark of an attack that is aimed at the defence; ``row`` is one of `threats.rows`."""
    return AIM if row["undefended"] is None and row["threat"] != WORST else ""


def write_folder(stand: Stand, out: Path) -> None:
    """Write each attack's adversarial images as 8-bit PNGs into a folder of its own below ``out``, and a report.json.

    Rounding to 8 bits undoes some attacks; so the report says of each picture whether it still fools what was attacked.
    """
    figures = stand.figures()
    for row, trial in zip(figures["attacks"][1:], stand.trials[1:], strict=False):
        row["pictures"] = _pictures(stand, trial, out / _name(row))
    write_atomically(out / "report.json", json_module.dumps(figures, indent=1).encode())


def _pictures(stand: Stand, trial: Trial, folder: Path) -> list[dict[str, Any]]:
    made, labels = trial.adversarial, stand.labels
    files = write_pictures(folder, stand.pictures.names, made.images)
    attacked = stand.given.classifier if trial.oblivious else stand.target
    stored = to_batch(to_uint8(made.images)).to(made.images.device)
    survives = decided(attacked, stored)[0].ne(labels).tolist()
    names, taken, true = stand.given.classes, made.predictions.tolist(), labels.tolist()
    return [
        {"file": f"{folder.name}/{file}", "image": stand.pictures.names[i], "true": names[true[i]],
         "taken_for": names[taken[i]], "fooled": bool(made.success[i]), "fooled_as_stored": survives[i],
         "l2": float(made.l2[i]), "linf": float(made.linf[i])}
        for i, file in enumerate(files)
    ]  # fmt: skip


def _fooled(trial: Trial) -> list[float] | None:
    """Of the images that what was attacked got right, the share that it then got wrong, and its interval."""
    made = trial.adversarial
    return share(made.success[made.clean].cpu()) if trial.threat != CLEAN and bool(made.clean.any()) else None


def _name(row: dict[str, Any]) -> str:
    return row["threat"] if row["eps"] is None else f"{row['threat']}-{row['eps']:g}"


def _percent(found: Sequence[float] | None) -> str:
    if found is None:
        return ""
    middle, low, high = (100 * value for value in found)
    return f"{middle:.0f} [dim]\\[{low:.0f}, {high:.0f}][/dim]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
