"""Accuracy under attackers who do not know the defence: tables 5.4, 5.1 and 5.2, and what each remedy brought.

Every attack is computed on the bare classifier of its row: that of Defense-GAN-Rec has learnt reconstructions, the
adversarially trained one attacked images, all others the images; the substitutes of tables 5.1 and 5.2 have learnt
what that bare classifier answers. ``clean`` is the accuracy of the same defence without attack. *Gradient cut* is what
the published code measured: the attacker goes through the defence, whose projection hands back a gradient of zero, so
that FGSM and CW return the image they were given and RAND+FGSM its random step. *Nearest training image* attacks what
Defense-GAN-Rec's classifier sees, and answers with the class of that image.

A set can be measured alone (``--data``), so that each core, or each day, takes one.
"""

import functools
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

from torch import Tensor, nn

from benchmarks.defense_remedies import remedies, snapshot_curve
from benchmarks.defense_task import CLASSES, Row, Task, arguments, learnt, over, row
from benchmarks.harness import benchmark
from benchmarks.nearest import nearest
from lineament.attacks.base import Attack
from lineament.attacks.gradient_sign import FGSM
from lineament.classifier import from_module
from lineament.defense.architectures import Architecture
from lineament.defense.intervals import share
from lineament.reproduction import entries
from lineament.reproduction.chapter_5 import ATTACKS, DEFENCES, PRINTED, Defence, Table
from lineament.reproduction.material import accuracy

PAIRS: tuple[tuple[Architecture, Architecture], ...] = (("A", "B"), ("B", "E"), ("C", "E"), ("D", "B"))
"""Classifier and substitute of tables 5.1 and 5.2."""

WITHIN = -0.02
"""A cell is reproduced if it is measured no further below the printed one."""


class Line(NamedTuple):
    """A row of the tables, and the column of the printed one, if there is one."""

    defence: Defence
    published: str = ""


def line(column: str, purifier: str = "") -> Line:
    """That of a printed column; ``purifier`` names the mode of its projection."""
    return Line(DEFENCES[column]._replace(purifier=purifier or DEFENCES[column].purifier), column)


REFERENCE, FAST, CUT = "Defense-GAN-Rec reference", "Defense-GAN-Rec fast", "Defense-GAN-Rec fast, gradient cut"
NEAREST, PGD_TRAINED = "nearest training image", "PGD training"
LINES = {
    "none": line("no_defense"),
    REFERENCE: line("defense_gan_rec", "reference"),
    FAST: line("defense_gan_rec", "fast"),
    CUT: line("defense_gan_rec", "fast"),
    NEAREST: Line(Defence("rec")),
    "Defense-GAN-Orig fast": line("defense_gan_orig", "fast"),
    "MagNet reformer": line("magnet"),
    "FGSM training 0.3": line("adv_training_eps_0.3"),
    "FGSM training 0.15": line("adv_training_eps_0.15"),
    PGD_TRAINED: Line(Defence("pgd", 0.3)),
    "binarised": Line(Defence(purifier="binarised")),
    "blurred": Line(Defence(purifier="blurred")),
    "auto-encoded": Line(Defence(purifier="autoencoded")),
}
ONE_TABLE = {
    CUT: "5.4",
    NEAREST: "5.4",
    PGD_TRAINED: "5.4",
    "Defense-GAN-Orig fast": "5.1",
    "FGSM training 0.15": "5.1",
}
"""Rows of the white-box table alone, or, as printed, of the black-box tables alone."""


class Flat(nn.Module):
    """What an attacker sees through a projection that was not differentiated: logits whose gradient is zero."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return 0 * images.flatten(1)[:, :CLASSES]


def white_box(task: Task) -> Iterator[Row]:
    """Table 5.4."""
    for title, attack in ATTACKS.items():
        for model in task.models:

            def fooling(name: str, attack: Attack = attack, model: Architecture = model) -> Tensor:
                flat = from_module(Flat())
                trained = LINES[name].defence.trained(model)
                return task.material.attacked(attack, flat if name == CUT else task.material.classifier(trained))

            yield from rows(task, "5.4", title, model, fooling)


def black_box(task: Task) -> Iterator[Row]:
    """Tables 5.1 and 5.2: FGSM on a substitute; one is trained for each classifier that is attacked."""
    for model, other in cast(tuple[tuple[Architecture, Architecture], ...], (("D", "E"),)) if task.quick else PAIRS:

        def fooling(name: str, model: Architecture = model, other: Architecture = other) -> Tensor:
            target = task.material.classifier(LINES[name].defence.trained(model))
            return task.material.attacked(FGSM(0.3), task.material.substitute(other, target))

        yield from rows(task, "5.1" if task.data == "mnist" else "5.2", "FGSM", f"{model}/{other}", fooling)


def rows(task: Task, table: Table, attack: str, model: str, fooling: Callable[[str], Tensor]) -> Iterator[Row]:
    """One row a defence; ``fooling`` gives the adversarial images against its classifier."""
    material, printed = task.material, published(table)[task.data, attack, model]
    looks = cast(Architecture, model[0])
    for name, (defence, column) in LINES.items():
        if ONE_TABLE.get(name, table) not in (table, "5.1" if table == "5.2" else table):
            continue
        sets = material.images, fooling(name)
        if name == NEAREST:
            decided = [nearest(material.parts.train, each) == material.labels for each in sets]
            scores, told = [share(each.cpu()) for each in decided], {"learnt": {"images": len(material.parts.train)}}
        else:
            bare, seen = material.classifier(defence.trained(looks)), [behind(task, defence, each) for each in sets]
            scores, told = (
                [[*accuracy(bare, each, material.labels)] for each in seen],
                learnt(task, defence, looks),
            )
        value = printed.get(column)
        yield row(task, table, attack, model, name, task.n, scores, float(value) if value else None, **told)


def behind(task: Task, defence: Defence, images: Tensor) -> Tensor:
    """The images as the classifier behind a purifier, if there is one, sees them."""
    return task.material.purified(task.material.purifier(defence.purifier), images) if defence.purifier else images


@functools.cache
def published(table: Table) -> dict[tuple[str, str, str], dict[str, str]]:
    """The printed rows by data set, attack and classifier, in tables 5.1 and 5.2 with its substitute ("A/B")."""
    return {
        (
            PRINTED[each["dataset"]],
            each.get("attack", "FGSM"),
            "/".join(filter(None, (each["classifier"], each.get("substitute")))),
        ): each
        for each in entries.published(table)
    }


def measure(task: Task) -> tuple[dict[str, float], list[Row]]:
    """Metrics and rows of one set."""
    found = [*white_box(task), *black_box(task), *remedies(task), *snapshot_curve(task)]
    card = task.material.card
    told = {"steps": card.get("training", {}).get("steps", 0)} | card.get("metrics", {})
    return gaps(task.prefix, found) | {f"{task.prefix}_generator_{key}": value for key, value in told.items()}, found


def gaps(prefix: str, found: Sequence[Row]) -> dict[str, float]:
    """What is measured less what is printed, over the cells of table 5.4; of two modes the worse one counts.

    The worst cell, the share of cells that are `WITHIN`, the mean, and the mean over those of the black-box table.
    """
    white = {name: _gaps(found, name, ("5.4",)) for name in (REFERENCE, FAST, CUT)}
    modes = white[REFERENCE], white[FAST]
    black = [_gaps(found, name, ("5.1", "5.2")) for name in (REFERENCE, FAST)]
    return {
        f"{prefix}_mean_gap": min(map(statistics.fmean, modes)),
        f"{prefix}_worst_gap": min(map(min, modes)),
        f"{prefix}_cells_within": min(statistics.fmean(gap >= WITHIN for gap in mode) for mode in modes),
        f"{prefix}_black_box_mean_gap": min(map(statistics.fmean, black)),
        f"{prefix}_mean_gap_reference": statistics.fmean(white[REFERENCE]),
        f"{prefix}_mean_gap_fast": statistics.fmean(white[FAST]),
        f"{prefix}_mean_gap_gradient_cut": statistics.fmean(white[CUT]),
    }


def _gaps(found: Sequence[Row], name: str, tables: Sequence[str]) -> list[float]:
    of = [each for each in found if each["defence"] == name and each["table"] in tables]
    return [each["accuracy"] - each["published"] for each in of]


if __name__ == "__main__":
    claim = "Defense-GAN-Rec within 2 points of table 5.4 under attackers who do not know it, and what stands beside it"
    benchmark("oblivious", claim, over(measure, few=3), arguments=arguments(1000), parts="data")
