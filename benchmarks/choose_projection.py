"""How the fast mode was chosen: a dozen ways to project, on development images that no other figure is of.

Classifier F, which learnt the images and not what any of these ways make of them, looks at clean development images and
at the same under FGSM 0.3 against it alone, behind each way in turn. The reference, at ten times the time, is measured
on one image in eight, so its interval is wide.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from benchmarks.defense_task import DATA, Task
from benchmarks.harness import benchmark
from lineament.attacks.gradient_sign import FGSM
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.detection import error
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.reproduction.material import Material, accuracy
from lineament.reproduction.purifiers import Known, projecting
from lineament.reproduction.trained import Trained

BESIDE = "fast, no encoder"

WAYS: dict[str, ProjectionConfig] = {
    "reference": REFERENCE,
    "fast": FAST,
    BESIDE: FAST,
    "power 2": replace(FAST, power=2.0),
    "power 6": replace(FAST, power=6.0),
    "off the shell": replace(FAST, shell=False),
    "prior 0.003, off the shell": replace(FAST, shell=False, prior=0.003),
    "prior 0.01, off the shell": replace(FAST, shell=False, prior=0.01),
    "stages 10 of 1": replace(FAST, stages=((10, 1),)),
    "stages 30 of 1": replace(FAST, stages=((30, 1),)),
    "stages 10 of 8, 15 of 3, 25 of 1": replace(FAST, stages=((10, 8), (15, 3), (25, 1))),
    "tolerance 0.01": replace(FAST, tolerance=0.01),
}
"""Changes of the fast mode, each with the encoder's guess among its starts unless its name says otherwise."""

SLOWER = 8
"""The reference projects one image of so many."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", choices=DATA, help="measure this set alone, and leave what is recorded of the other")
    parser.add_argument("--n", type=int, default=500, help="development images of each set")


def measure(
    *, quick: bool, seed: int, data: str | None, n: int
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    n = 8 if quick else n
    rows = [row for name in ([data] if data else DATA) for row in tried(Task(name, n, seed, quick).material, n)]
    return {f"{row['data'].partition('_')[0]}_{key}": row[key] for row in rows if row["way"] == "fast"
            for key in ("clean", "fgsm", "ms")}, rows  # fmt: skip


def tried(material: Material, n: int) -> list[dict[str, Any]]:
    """A row a way: accuracy clean and attacked, error, milliseconds of a core for an image."""
    part = Labelled(material.parts.development.images[:n], material.parts.development.labels[:n])
    classifier = material.classifier(Trained("F"))
    sets = {"clean": floats(part.images), "fgsm": floats(part.images)}
    sets["fgsm"] = FGSM(0.3)(classifier, sets["clean"], part.labels, seed=material.seed).images
    rows = []
    for way, config in WAYS.items():
        known = projecting(config, material.generator) if way == BESIDE else material.purifier(config)
        count = max(1, n // SLOWER) if way == "reference" else n
        row: dict[str, Any] = {"data": material.data, "way": way, "n": count, "passes": config.passes}
        for key, images in sets.items():
            made, milliseconds = projected(known, images[:count], material.seed)
            value, *interval = accuracy(classifier, made, part.labels[:count])
            row |= {key: value, f"{key}_interval": interval, f"{key}_error": float(error(images[:count], made).mean())}
        rows.append(row | {"ms": milliseconds})
        print(" ".join(f"{key} {row[key]}" for key in ("data", "way", "clean", "fgsm")), flush=True)
    return rows


def projected(known: Known, images: Tensor, seed: int) -> tuple[Tensor, float]:
    """What becomes of images, anew, for their time is asked for; and milliseconds of a core for one."""
    started = time.process_time()
    made = known.purifier(images, seed=seed)
    return made, 1000 * (time.process_time() - started) / len(images)


if __name__ == "__main__":
    claim = "no other way of a dozen defends better in the fast mode's time, on development images"
    benchmark("choose_projection", claim, measure, arguments=flags, parts="data")
