"""Accuracy under attackers who know the defence: each threat model, and the worst case of each image as headline.

Attacked are classifiers A to D behind the fast mode, which re-projects at every step of an attack; beside it stand the
bare classifier, MagNet's reformer, binarisation and PGD training. A bare classifier counts as one behind a purifier
that changes nothing, so that BPDA on it is PGD. There is no target here but the truth: no attack is left out because
it works, and what makes a figure hard to believe (`lineament.defense.sanity`) is told in ``flags``.

The last rows ask what images found against the fast mode do to the reference mode, which is too slow to be attacked
itself, and how accuracy falls with the budget.
"""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.defense_networks import Cleaner, classifier, cleaner, purified, right, there
from benchmarks.defense_task import CLASSES, Row, Task, arguments, given, kept, over, pieces, row
from benchmarks.harness import benchmark
from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Adversarial, Attack
from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.attacks.manifold import OnManifold
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.defense.intervals import share
from lineament.defense.sanity import flags
from lineament.defense.threats import CLEAN, TOLERANCE, WORST, Trial, lost_at, trials
from lineament.purifier import Purifier, defended
from lineament.reproduction.memory import digest

EPS = 0.3
CURVE = (0.1, 0.2, 0.5)
"""Further budgets, of the first classifier behind Defense-GAN and half of the images."""

PIECE = 25
"""Images attacked, and kept, at a time."""


class Defence(NamedTuple):
    """The recipe of the classifier, and the purifier before it."""

    recipe: str
    cleaner: str | None = None


OURS = "Defense-GAN-Rec fast"
DEFENCES = {
    OURS: Defence("rec", "fast"),
    "none": Defence("orig"),
    "PGD training": Defence("pgd"),
    "binarised": Defence("orig", "binarised"),
    "MagNet reformer": Defence("orig", "magnet"),
}

NOTHING = Cleaner(Purifier("nothing", lambda images, seed: images), ("nothing",))


def threats(purifier: Purifier, eps: float) -> dict[str, Attack]:
    """Every attacker of a defence; one whose projection is dear takes fewer steps, and all of them are printed."""
    dear = purifier.manifold is not None
    steps, queries = (20, 100) if dear else (40, 1000)
    found: dict[str, Attack] = {
        "oblivious FGSM": FGSM(eps),
        "oblivious PGD": PGD(eps, steps=40),
        "random noise": Noise(eps),
        "without gradient": Square(eps, queries=queries),
    }
    for route in purifier.routes:
        if route == "exact":
            found["unrolled"] = Unrolled(eps, steps=steps // 2, average=1)
        else:
            found[f"BPDA {route}"] = BPDA(eps, steps=steps, route=route, average=2 if purifier.randomised else 1)
    if dear:
        found["on the manifold"] = OnManifold(eps, steps=200, restarts=2)
    return found


def attackers(task: Task, model: str, name: str, eps: float) -> dict[str, Attack]:
    """Those of one cell: the control without gradient is dear behind a projection, and is run on one classifier."""
    found = threats(behind(task, name).purifier, eps)
    if task.quick:
        return {threat: attack for threat, attack in found.items() if threat in ("oblivious PGD", "BPDA identity")}
    if behind(task, name).kept and (model != task.models[0] or eps != EPS):
        del found["without gradient"]
    return found


def behind(task: Task, name: str) -> Cleaner:
    """The purifier of a defence."""
    chosen = DEFENCES[name].cleaner
    return cleaner(task, chosen) if chosen else NOTHING


def trial(task: Task, model: str, name: str, threat: str, attack: Attack | None, n: int) -> Trial:
    """One attacker of one defence on the first ``n`` images; no attacker for images as they are."""
    bare, made = classifier(task, DEFENCES[name].recipe, model), behind(task, name)
    target = defended(bare, made.purifier, seed=task.seed)
    images, labels = (each[:n] for each in given(task))
    facts = digest(bare.module, *made.facts, attack, task.seed)

    def piece(start: int) -> Mapping[str, Tensor]:
        x, y = (each[start : start + PIECE] for each in (images, labels))

        def make() -> Mapping[str, Tensor]:
            one = trials(target, x, y, {threat: attack} if attack else {}, seed=task.seed + start)[-1]
            tensors = {key: value for key, value in vars(one.adversarial).items() if isinstance(value, Tensor)}
            told = torch.tensor([one.oblivious]), torch.tensor([one.seconds], dtype=torch.float64)
            return tensors | {"correct": one.correct, "oblivious": told[0], "seconds": told[1]}

        return kept(task, make, "trial", facts, start, x, y)

    found = pieces(f"{task.data} {threat} on {name} {model}", n, piece, PIECE)
    correct, oblivious, seconds = (found.pop(key) for key in ("correct", "oblivious", "seconds"))
    adversarial = Adversarial(**found, attack=repr(attack))  # type: ignore[arg-type]
    return Trial(threat, attack, bool(oblivious[0]), adversarial, correct, float(seconds.sum()))  # type: ignore[arg-type]


def cell(task: Task, model: str, name: str, eps: float, n: int) -> Iterator[Row]:
    """One defence of one classifier under every attacker, and the worst case."""
    clean = trial(task, model, name, CLEAN, None, n)
    found = [clean, *(trial(task, model, name, *pair, n) for pair in attackers(task, model, name, eps).items())]
    score = share(clean.correct)
    for one in found[1:]:
        yield row(
            task, "adaptive", one.threat, model, name, n, (score, share(one.correct)), settings=one.adversarial.attack,
            seconds=one.seconds, linf=float(one.adversarial.linf.max()),
        ) | {"eps": eps}  # fmt: skip
    worst = share(lost_at(found) > eps + TOLERANCE)
    yield row(task, "adaptive", WORST, model, name, n, (score, worst), flags=flags(found, CLASSES)) | {"eps": eps}


def transferred(task: Task, model: str, n: int) -> Iterator[Row]:
    """Images that were found against the fast mode, before the reference mode."""
    images, labels = (each[:n] for each in given(task))
    bare, reference = classifier(task, "rec", model), cleaner(task, "reference")
    clean = right(bare, purified(task, reference, images), labels)
    for threat, attack in attackers(task, model, OURS, EPS).items():
        one = trial(task, model, OURS, threat, attack, n)
        score = right(bare, purified(task, reference, one.adversarial.images), labels)
        yield row(task, "transferred", threat, model, "Defense-GAN-Rec reference", n, (clean, score)) | {"eps": EPS}


def measure(task: Task) -> tuple[dict[str, float], list[Row]]:
    """Metrics and rows of one set; PGD training is measured where there is a classifier, at least on the first."""
    first, half = task.models[0], max(1, task.n // 2)
    found = [
        line
        for name, defence in DEFENCES.items()
        for model in task.models
        if defence.recipe != "pgd" or model == first or there(task, "pgd", model)
        for line in cell(task, model, name, EPS, task.n)
    ]
    prefix = task.data.partition("_")[0]
    metrics = {
        f"{prefix}_{key}_{name.partition(' ')[0].lower().replace('-', '_')}": fmean(scores)
        for key, threat in (("worst_case", WORST), ("oblivious", "oblivious FGSM"))
        for name in DEFENCES
        if (scores := [line["accuracy"] for line in found if (line["defence"], line["attack"]) == (name, threat)])
    }
    found += transferred(task, first, half)
    for eps in () if task.quick else CURVE:
        found += cell(task, first, OURS, eps, half)
    return metrics, found


if __name__ == "__main__":
    claim = f"accuracy under attackers who know the defence, L-inf {EPS}: each threat model, the worst case per image"
    benchmark("adaptive", claim, over(measure, few=2), arguments=arguments(100))
