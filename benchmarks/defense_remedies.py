"""What each remedy against a generator that can make too much brought, and what more steps of its training bring.

All under FGSM at 0.3 on the bare classifier, the first of table 5.4. A projection of many passes is measured on fewer
images, so that every remedy takes about as long.
"""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.defense_networks import Cleaner, attacked, classifier, encoder, generator, projecting, purified, right
from benchmarks.defense_task import Row, Task, given, row
from lineament.attacks.gradient_sign import FGSM
from lineament.defense import generator as generators
from lineament.defense.detection import error
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.defense.training import snapshots

FREE = replace(REFERENCE, deviation=1.0)

REMEDIES: dict[str, ProjectionConfig] = {
    "reference": REFERENCE,
    "L 50": replace(REFERENCE, stages=((50, 10),)),
    "L 25": replace(REFERENCE, stages=((25, 10),)),
    "starts of N(0, I)": FREE,
    "on the shell": replace(FREE, shell=True),
    "prior of weight 0.01": replace(FREE, prior=0.01),
    "fast": FAST,
    "fast, on the shell": replace(FAST, shell=True),
    "fast, prior of weight 0.01": replace(FAST, prior=0.01),
}
"""Ways to project; the fast ones start at the encoder's guess, if there is an encoder."""

PASSES = 200
"""Of the generator, for one image, at which a projection is measured on all images."""

SHOWN = 8
"""Snapshots of the generator, at most."""

ATTACK = FGSM(0.3)


def remedies(task: Task) -> Iterator[Row]:
    """One row a way to project, before the classifier that learnt reconstructions; then one for other classifiers."""
    G, E = generator(task)[0], encoder(task)
    for name, config in REMEDIES.items():
        count = max(1, min(task.n, task.n * PASSES // config.passes))
        quick = config.optimiser == "adam"
        yield _standing(task, "remedies", name, "rec", projecting(config, G, E if quick else None), count)
    yield _standing(task, "remedies", "fast, no encoder", "rec", projecting(FAST, G), task.n)
    for recipe in ("orig", "rec-noisy"):
        yield _standing(task, "remedies", f"fast, classifier {recipe}", recipe, projecting(FAST, G, E), task.n)


def snapshot_curve(task: Task) -> Iterator[Row]:
    """One row a snapshot of the generator, by the fast mode without encoder, before the classifier of the images."""
    kept = list(snapshots(task.networks / "generator").items())
    for step, place in kept[:: max(1, -(-len(kept) // SHOWN))]:
        G, card = generators.load(place)
        made = _standing(task, "generator steps", str(step), "orig", projecting(FAST, G), max(1, task.n // 4))
        yield made | {"details": made["details"] | {"generator": card.get("metrics")}}


def _standing(task: Task, table: str, name: str, recipe: str, cleaner: Cleaner, count: int) -> Row:
    """Accuracy without and under attack, and how far projected images lie from those given."""
    (images, labels), model = given(task), task.models[0]
    bare = classifier(task, recipe, model)
    sets = {"clean": images[:count], "attacked": attacked(task, bare, ATTACK, images, labels)[:count]}
    made = {key: purified(task, cleaner, each) for key, each in sets.items()}
    errors = {f"{key}_error": float(error(sets[key], made[key]).mean()) for key in sets}
    scores = [right(bare, each, labels[:count]) for each in made.values()]
    return row(task, table, "FGSM", model, name, count, scores, **errors)
