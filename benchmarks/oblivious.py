"""Accuracy under attackers who do not know the defence: tables 5.4, 5.1 and 5.2, and what each remedy brought.

Every attack is computed on the bare classifier of its row: that of Defense-GAN-Rec has learnt reconstructions, the
adversarially trained one attacked images, all others the images; the substitutes of tables 5.1 and 5.2 have learnt
what that bare classifier answers. ``clean`` is the accuracy of the same defence without attack. *Gradient cut* is what
the published code measured: the attacker goes through the defence, whose projection hands back a gradient of zero, so
that FGSM and CW return the image they were given and RAND+FGSM its random step.

A run over one set alone (``--data``) keeps what it computes and records nothing, so that each core can take a set.
"""

import csv
import functools
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from benchmarks.defense_networks import attacked, classifier, cleaner, generator, purified, right, substitute
from benchmarks.defense_remedies import remedies, snapshot_curve
from benchmarks.defense_task import CLASSES, PRINTED, Row, Task, arguments, given, over, row
from benchmarks.harness import ROOT, benchmark
from lineament.attacks.base import Attack
from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM, RandFGSM
from lineament.classifier import from_module

ATTACKS: dict[str, Attack] = {
    "FGSM": FGSM(0.3),
    "RAND+FGSM": RandFGSM(0.3, 0.05),
    "CW": CarliniWagner(c=100, steps=100, rate=10),
}

PAIRS = (("A", "B"), ("B", "E"), ("C", "E"), ("D", "B"))
"""Classifier and substitute of tables 5.1 and 5.2."""

FEWER = 4
"""The reference mode projects one of so many images of tables 5.1 and 5.2."""


class Defence(NamedTuple):
    """A row of the tables: the recipe of the classifier, the purifier before it, and the column of the printed one."""

    recipe: str
    cleaner: str | None = None
    published: str | None = None


REFERENCE, FAST, CUT = "Defense-GAN-Rec reference", "Defense-GAN-Rec fast", "Defense-GAN-Rec fast, gradient cut"
DEFENCES = {
    "none": Defence("orig", None, "no_defense"),
    REFERENCE: Defence("rec", "reference", "defense_gan_rec"),
    FAST: Defence("rec", "fast", "defense_gan_rec"),
    CUT: Defence("rec", "fast", "defense_gan_rec"),
    "Defense-GAN-Orig fast": Defence("orig", "fast", "defense_gan_orig"),
    "MagNet reformer": Defence("orig", "magnet", "magnet"),
    "FGSM training 0.3": Defence("fgsm-0.3", None, "adv_training_eps_0.3"),
    "FGSM training 0.15": Defence("fgsm-0.15", None, "adv_training_eps_0.15"),
    "binarised": Defence("orig", "binarised"),
    "blurred": Defence("orig", "blurred"),
    "auto-encoded": Defence("orig", "autoencoded"),
}
ONE_TABLE = {CUT: "5.4", "Defense-GAN-Orig fast": "5.1", "FGSM training 0.15": "5.1"}
"""Rows of the white-box table alone, or, as printed, of the black-box tables alone."""


class Flat(nn.Module):
    """What an attacker sees through a projection that was not differentiated: logits whose gradient is zero."""

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return 0 * images.flatten(1)[:, :CLASSES]


def white_box(task: Task) -> Iterator[Row]:
    """Table 5.4."""
    images, labels = given(task)
    for title, attack in ATTACKS.items():
        for model in task.models:

            def fooling(name: str, attack: Attack = attack, model: str = model) -> Tensor:
                target = from_module(Flat()) if name == CUT else classifier(task, DEFENCES[name].recipe, model)
                return attacked(task, target, attack, images, labels)

            yield from rows(task, "5.4", title, model, fooling)


def black_box(task: Task) -> Iterator[Row]:
    """Tables 5.1 and 5.2: FGSM on a substitute; one is trained for each classifier that is attacked."""
    images, labels = given(task)
    for model, other in [("D", "E")] if task.quick else PAIRS:

        def fooling(name: str, model: str = model, other: str = other) -> Tensor:
            target = classifier(task, DEFENCES[name].recipe, model)
            return attacked(task, substitute(task, target, other), FGSM(0.3), images, labels)

        yield from rows(task, "5.1" if task.data == "mnist" else "5.2", "FGSM", f"{model}/{other}", fooling)


def rows(task: Task, table: str, attack: str, model: str, fooling: Callable[[str], Tensor]) -> Iterator[Row]:
    """One row a defence; ``fooling`` gives the adversarial images against its classifier."""
    labels, printed = given(task)[1], published(table)[PRINTED[task.data], attack, model]
    for name, defence in DEFENCES.items():
        if ONE_TABLE.get(name, table) not in (table, "5.1" if table == "5.2" else table):
            continue
        bare = classifier(task, defence.recipe, model[0])
        count = max(1, task.n // FEWER) if table != "5.4" and defence.cleaner == "reference" else task.n
        behind = functools.partial(defended, task, defence.cleaner)
        scores = [right(bare, behind(each[:count]), labels[:count]) for each in (given(task)[0], fooling(name))]
        value = printed.get(defence.published or "")
        yield row(task, table, attack, model, name, count, scores, float(value) if value else None)


def defended(task: Task, name: str | None, images: Tensor) -> Tensor:
    """The images as the classifier behind a purifier, if there is one, sees them."""
    return images if name is None else purified(task, cleaner(task, name), images)


@functools.cache
def published(table: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """The printed rows by data set, attack and classifier, in tables 5.1 and 5.2 with its substitute ("A/B")."""
    with (ROOT / "benchmarks" / "published" / f"table_{table.replace('.', '_')}.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    models = ["/".join(line[key] for key in ("classifier", "substitute") if key in line) for line in lines]
    return {
        (line["dataset"], line.get("attack", "FGSM"), model): line for line, model in zip(lines, models, strict=True)
    }


def measure(task: Task) -> tuple[dict[str, float], list[Row]]:
    """Metrics and rows of one set."""
    found = [*white_box(task), *black_box(task), *remedies(task), *snapshot_curve(task)]
    steps = generator(task)[1].get("training", {}).get("steps", 0)
    return gaps(task.data, found) | {f"{task.data.partition('_')[0]}_generator_steps": steps}, found


def gaps(data: str, found: Sequence[Row]) -> dict[str, float]:
    """Mean over the cells of table 5.4 of the measured accuracy less the printed one; the worse mode counts."""
    means = {
        name: statistics.fmean(
            line["accuracy"] - line["published"] for line in found if (line["table"], line["defence"]) == ("5.4", name)
        )
        for name in (REFERENCE, FAST, CUT)
    }
    prefix = data.partition("_")[0]
    return {
        f"{prefix}_mean_gap": min(means[REFERENCE], means[FAST]),
        f"{prefix}_mean_gap_reference": means[REFERENCE],
        f"{prefix}_mean_gap_fast": means[FAST],
        f"{prefix}_mean_gap_gradient_cut": means[CUT],
    }


if __name__ == "__main__":
    claim = "Defense-GAN-Rec within 2 points of table 5.4 under attackers who do not know it, and what stands beside it"
    benchmark("oblivious", claim, over(measure, few=3), arguments=arguments(1000))
