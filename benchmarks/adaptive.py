"""Accuracy under attackers who know the defence: each threat model, and the worst case of each image as headline.

Attacked are classifiers A to D behind the fast mode, which re-projects at every step of an attack; beside it stand the
bare classifier, MagNet's reformer, an auto-encoder, binarisation and PGD training. A bare classifier counts as one
behind a purifier that changes nothing, so that BPDA on it is PGD. There is no target here but the truth: no attack is
left out because it works, and what makes a figure hard to believe (`lineament.defense.sanity`) is told once a
classifier, of all its budgets together, in the ``flags`` of its worst case. Random search, which asks a defence at
every step, is a control on a quarter of the images, the same for every defence, and stays outside the worst case.

The last rows ask what images found against the fast mode do to the reference mode, which is too slow to be attacked
itself; the rows of further budgets, how accuracy falls with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor

from benchmarks.defense_task import CLASSES, Row, Task, arguments, learnt, over, row
from benchmarks.harness import benchmark
from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Adversarial, Attack
from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.attacks.manifold import OnManifold
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.defense.architectures import Architecture
from lineament.defense.intervals import share
from lineament.defense.sanity import flags
from lineament.defense.threats import CLEAN, TOLERANCE, WORST, Trial, lost_at, trials
from lineament.purifier import Purifier, defended
from lineament.reproduction.chapter_5 import Defence
from lineament.reproduction.material import accuracy
from lineament.reproduction.memory import digest, pieces, versioned
from lineament.reproduction.purifiers import Known

EPS = 0.3
CURVE = (0.1, 0.2, 0.5)
"""Further budgets, of the first classifier behind Defense-GAN and half of the images."""

PIECE = 25
"""Images attacked, and kept, at a time."""

RESTARTS = 5
"""Of whoever knows a defence, whatever that is: begun anew are the images that withstand."""

CONTROL, QUERIES = "without gradient", 300
"""The random search, and how often it asks."""

OURS = "Defense-GAN-Rec fast"
DEFENCES = {
    OURS: Defence("rec", purifier="fast"),
    "none": Defence(),
    "PGD training": Defence("pgd", 0.3),
    "binarised": Defence(purifier="binarised"),
    "MagNet reformer": Defence(purifier="magnet"),
    "auto-encoded": Defence(purifier="autoencoded"),
}

NOBODY = Noise(0.0)
"""Leaves images as they are."""

NOTHING = Known(Purifier("nothing", lambda images, seed: images), "nothing")


def threats(purifier: Purifier, eps: float) -> dict[str, Attack]:
    """Every attacker of a defence; one whose projection is dear takes fewer steps, and all of them are printed.

    Where the purifier draws they know the seed in force; one more averages over seeds it does not know.
    """
    dear = purifier.manifold is not None
    steps = 20 if dear else 40
    found: dict[str, Attack] = {"oblivious FGSM": FGSM(eps), "oblivious PGD": PGD(eps), "random noise": Noise(eps)}
    for route in purifier.routes:
        if route == "exact":
            found["unrolled"] = Unrolled(eps, steps=steps // 2 if dear else steps, average=1, restarts=RESTARTS)
        else:
            found[f"BPDA {route}"] = BPDA(eps, steps=steps, route=route, average=1, restarts=RESTARTS)
    if purifier.randomised:
        found["BPDA identity, averaged"] = BPDA(eps, steps=steps, average=4)
    if dear:
        found["on the manifold"] = OnManifold(eps, steps=200, restarts=2)
    return found


def attackers(task: Task, name: str, eps: float) -> dict[str, Attack]:
    """Those of a defence that count towards its worst case; of a quick run two."""
    found = threats(behind(task, name).purifier, eps)
    return {threat: found[threat] for threat in ("oblivious PGD", "BPDA identity")} if task.quick else found


def behind(task: Task, name: str) -> Known:
    """The purifier of a defence."""
    chosen = DEFENCES[name].purifier
    return task.material.purifier(chosen) if chosen else NOTHING


def trial(task: Task, model: Architecture, name: str, threat: str, attack: Attack | None, n: int) -> Trial:
    """One attacker of one defence on the first ``n`` images; no attacker for images as they are."""
    bare, known = task.material.classifier(DEFENCES[name].trained(model)), behind(task, name)
    target = defended(bare, known.purifier, seed=task.seed)
    images, labels = task.material.images[:n], task.material.labels[:n]
    facts = digest(bare.module, known.facts, *versioned(attack), task.seed)

    def piece(start: int) -> Mapping[str, Tensor]:
        x, y = (each[start : start + PIECE] for each in (images, labels))

        def make() -> Mapping[str, Tensor]:
            one = trials(target, x, y, {threat: attack} if attack else {}, seed=task.seed + start)[-1]
            tensors = {key: value for key, value in vars(one.adversarial).items() if isinstance(value, Tensor)}
            told = torch.tensor([one.oblivious]), torch.tensor([one.seconds], dtype=torch.float64)
            return tensors | {"correct": one.correct, "oblivious": told[0], "seconds": told[1]}

        return task.kept(make, "trial", facts, start, x, y)

    found = pieces(n, PIECE, piece)
    found["images"] = found["images"].to(images.device)
    correct, oblivious, seconds = (found.pop(key) for key in ("correct", "oblivious", "seconds"))
    adversarial = Adversarial(**found, attack=repr(attack))  # type: ignore[arg-type]
    return Trial(threat, attack or NOBODY, bool(oblivious[0]), adversarial, correct, float(seconds.sum()))


def cell(task: Task, model: Architecture, name: str, budgets: Mapping[float, int]) -> Iterator[Row]:
    """One defence of one classifier under every attacker and in the worst case, at each budget on so many images."""
    found = {
        eps: [trial(task, model, name, *pair, n) for pair in attackers(task, name, eps).items()]
        for eps, n in budgets.items()
    }
    eps, few = max(budgets, key=lambda each: budgets[each]), max(1, max(budgets.values()) // 4)
    controls = [] if task.quick else [trial(task, model, name, CONTROL, Square(eps, queries=QUERIES), few)]
    told = [*judged([one for each in found.values() for one in each]), *judged([*found[eps], *controls])]
    for budget, each in found.items():
        clean = trial(task, model, name, CLEAN, None, budgets[budget])
        for one in [*each, *(controls if budget == eps else [])]:
            yield standing(task, model, name, budget, clean, one)
        scores = share(clean.correct), share(lost_at([clean, *each]) > budget + TOLERANCE)
        details = {"flags": list(dict.fromkeys(told))} if budget == eps else {}
        details |= learnt(task, DEFENCES[name], model)
        yield row(task, "adaptive", WORST, model, name, budgets[budget], scores, **details) | {"eps": budget}


def standing(task: Task, model: Architecture, name: str, eps: float, clean: Trial, one: Trial) -> Row:
    """One defence under one attacker."""
    n = len(one.correct)
    return row(
        task, "adaptive", one.threat, model, name, n, (share(clean.correct[:n]), share(one.correct)),
        settings=one.adversarial.attack, seconds=one.seconds, linf=float(one.adversarial.linf.max()),
    ) | {"eps": eps}  # fmt: skip


def judged(found: Sequence[Trial]) -> list[str]:
    """What makes trials hard to believe, by the images that all of them have."""
    n = min(len(one.correct) for one in found)
    return flags([first(one, n) for one in found], CLASSES)


def first(one: Trial, n: int) -> Trial:
    """A trial on its first ``n`` images."""
    cut = {key: value[:n] for key, value in vars(one.adversarial).items() if isinstance(value, Tensor)}
    return replace(one, adversarial=replace(one.adversarial, **cut), correct=one.correct[:n])  # type: ignore[arg-type]


def transferred(task: Task, model: Architecture, n: int) -> Iterator[Row]:
    """Images that were found against the fast mode, before the reference mode."""
    material = task.material
    images, labels = material.images[:n], material.labels[:n]
    bare, reference = material.classifier(DEFENCES[OURS].trained(model)), material.purifier("reference")
    clean = accuracy(bare, material.purified(reference, images), labels)
    for threat, attack in attackers(task, OURS, EPS).items():
        one = trial(task, model, OURS, threat, attack, n)
        score = accuracy(bare, material.purified(reference, one.adversarial.images), labels)
        yield row(task, "transferred", threat, model, "Defense-GAN-Rec reference", n, (clean, score)) | {"eps": EPS}


def measure(task: Task) -> tuple[dict[str, float], list[Row]]:
    """Metrics and rows of one set."""
    one, half, found = task.models[0], max(1, task.n // 2), list[Row]()
    for name in DEFENCES:
        for model in task.models:
            more = CURVE if (name, model) == (OURS, one) and not task.quick else ()
            found += cell(task, model, name, {EPS: task.n, **dict.fromkeys(more, half)})
    metrics = {
        f"{task.prefix}_{key}_{name.partition(' ')[0].lower().replace('-', '_')}": fmean(scores)
        for key, threat in (("worst_case", WORST), ("oblivious", "oblivious FGSM"))
        for name in DEFENCES
        if (scores := [each["accuracy"] for each in found
                       if (each["defence"], each["attack"], each["eps"]) == (name, threat, EPS)])
    }  # fmt: skip
    return metrics, [*found, *transferred(task, one, half)]


if __name__ == "__main__":
    claim = f"accuracy under attackers who know the defence, L-inf {EPS}: each threat model, the worst case per image"
    benchmark("adaptive", claim, over(measure, few=2), arguments=arguments(200), parts="data")
