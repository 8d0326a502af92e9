"""What each remedy against a generator that can make too much brought, and what more steps of its training bring.

All under FGSM at 0.3 on the bare classifier, the first of table 5.4. A projection of many passes is measured on fewer
images, so that every remedy takes about as long. That classifier learnt what the fast mode makes of images, so the one
that learnt the images themselves is asked, too (``neutral``), though not attacked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.defense_task import Row, Task, row
from lineament.attacks.gradient_sign import FGSM
from lineament.defense import generator as generators
from lineament.defense.detection import error
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.defense.training import snapshots
from lineament.reproduction.material import accuracy
from lineament.reproduction.purifiers import Known, projecting
from lineament.reproduction.trained import Trained

FREE = replace(REFERENCE, deviation=1.0)

REMEDIES: dict[str, ProjectionConfig] = {
    "reference": REFERENCE,
    "L 50": replace(REFERENCE, stages=((50, 10),)),
    "L 25": replace(REFERENCE, stages=((25, 10),)),
    "starts of N(0, I)": FREE,
    "on the shell": replace(FREE, shell=True),
    "prior of weight 0.01": replace(FREE, prior=0.01),
    "fast": FAST,
    "fast, off the shell": replace(FAST, shell=False),
    "fast, squared error": replace(FAST, power=2.0),
    "fast, prior, off the shell": replace(FAST, shell=False, prior=0.01),
    "fast, stopping early": replace(FAST, tolerance=0.01),
}
"""Ways to project; the fast ones start at the encoder's guess, if there is an encoder."""

PASSES = 200
"""Of the generator, for one image, at which a projection is measured on all images."""

SHOWN = 8
"""Snapshots of the generator, at most."""

ATTACK = FGSM(0.3)


def remedies(task: Task) -> Iterator[Row]:
    """One row a way to project, before the classifier that learnt reconstructions; then one for other classifiers."""
    material, model = task.material, task.models[0]
    rec, fast = Trained(model, "rec"), material.purifier(FAST)
    for name, config in REMEDIES.items():
        count = max(1, min(task.n, task.n * PASSES // config.passes))
        yield _standing(task, "remedies", name, rec, material.purifier(config), count)
    yield _standing(task, "remedies", "fast, no encoder", rec, projecting(FAST, material.generator), task.n)
    yield _standing(task, "remedies", "fast, classifier orig", Trained(model), fast, task.n)
    yield _standing(task, "remedies", "fast, classifier rec-noisy", Trained(model, "rec", noisy=True), fast, task.n)


def snapshot_curve(task: Task) -> Iterator[Row]:
    """One row a snapshot of the generator, by the fast mode without encoder, before the classifier of the images."""
    kept = list(snapshots(task.material.folder / "generator").items())
    apart = max(1, -(-len(kept) // SHOWN))
    for step, place in kept[::-1][::apart][::-1]:  # counted from the last one, which is what is used
        G, card = generators.load(place)
        known, count = projecting(FAST, G), max(1, task.n // 4)
        made = _standing(task, "generator steps", str(step), Trained(task.models[0]), known, count)
        yield made | {"details": made["details"] | {"generator": card.get("metrics")}}


def _standing(task: Task, table: str, name: str, trained: Trained, known: Known, count: int) -> Row:
    """Accuracy without and under attack, and how far projected images lie from those given."""
    material = task.material
    bare = material.classifier(trained)
    sets = {"clean": material.images[:count], "attacked": material.attacked(ATTACK, bare)[:count]}
    made = {key: material.purified(known, each) for key, each in sets.items()}
    told: dict[str, Any] = {f"{key}_error": float(error(sets[key], made[key]).mean()) for key in sets}
    labels, neutral = material.labels[:count], material.classifier(Trained(trained.architecture))
    scores, asked = ([accuracy(each, seen, labels) for seen in made.values()] for each in (bare, neutral))
    told |= {"learnt": material.learnt(trained), "neutral": dict(zip(made, asked, strict=True))}
    return row(task, table, "FGSM", trained.architecture, name, count, scores, **told)
