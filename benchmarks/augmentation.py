"""Do edited images of a rare combination make a detector better at it? Chapter 1 says what editing is for.

A combination is cut to 8 training images (`augmentation_task`), and a small detector is trained on what is left and:

- ``cut``: nothing more.
- ``oversampled``: those 8, repeated 300 times in all: what one does without an editor.
- ``edited``: 300 training images that lack one of the two attributes, edited to have it, drawn from its class (Diverse
  Swap): on portraits by the editor of the package, which learnt from other people with every combination; on CelebA by
  that of `edit_celeba`, which has seen the training images that were cut, too.
- ``edited, own``: on portraits, by an editor of the two that learnt from the cut set of the first seed, from nothing
  else.
- ``rendered``: the same portraits as in ``edited``, drawn anew with the attribute: the best an edit could be.
- ``whole``: the set before it was cut, whose own images of the combination come back.

All else is equal: network, epochs, seed. ``balanced_accuracy`` is the mean of four rates: each attribute, where it is
there and where it is not, among test images that have the other. ``found`` is the mean of the two where it is there.
``elsewhere`` is the mean balanced accuracy of all attributes on all test images. Intervals are over people, for means
over seeds; a gain is that over ``cut`` with the same seeds, on the same people.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.augmentation_task import DATA, SIZE, TASKS, Sets, Task, edited, rates, remedies, rendered, sets
from benchmarks.edit_task import RUNS, Plan, scratch
from benchmarks.explain_sheets import sheet
from benchmarks.harness import benchmark
from lineament.datasets.base import AttributeDataset
from lineament.datasets.labelled import stored
from lineament.detectors.detector import Detector
from lineament.detectors.evaluation import interval, people, person_weights
from lineament.detectors.prediction import decoded, log_odds, sigmoid
from lineament.detectors.presets import DetectorConfig
from lineament.detectors.presets import portraits as preset
from lineament.detectors.training import train_detector
from lineament.editing.augmentation import Edited
from lineament.editing.editor import load, shipped
from lineament.editing.operations import AnyEditor
from lineament.editing.presets import PRESETS, with_steps
from lineament.editing.training import train_editor
from lineament.faces.parts import Window
from lineament.images import to_batch

EPOCHS, CHANNELS, SEEDS, RESAMPLES = 20, 12, 3, 1000


class Figures(NamedTuple):
    """One detector: its `rates`, and the mean balanced accuracy of all its attributes."""

    rates: Any
    elsewhere: float


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from --seed on")
    parser.add_argument("--data", choices=DATA, help="measure this set alone, and leave what is recorded of the other")


def measure(
    *, quick: bool, seed: int, seeds: int, data: str | None
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    several = range(seed, seed + (1 if quick else seeds))
    wanted = [task for task in TASKS if data in (None, task.data)]
    table = [line for task in wanted[: 1 if quick else None] for line in compared(task, several, quick)]
    return summary(table), table


def compared(task: Task, seeds: Sequence[int], quick: bool) -> list[dict[str, Any]]:
    """A row for each remedy."""
    chosen = chosen_editors(task, seeds[0], quick)
    found: dict[str, list[Figures]] = {}
    for seed in seeds:
        given = sets(task, seed, quick)
        made = {name: edited(given, task, seed, editor) for name, editor in chosen.items()}
        if seed == seeds[0]:
            show(task, given, made, quick)
        for name, dataset in remedies(given, task, made).items():
            detector = trained(task, name, dataset, seed, quick)
            found.setdefault(name, []).append(figures(detector, given.test, task))
    return [row(task, name, each, found["cut"]) for name, each in found.items()]


def chosen_editors(task: Task, seed: int, quick: bool) -> dict[str, AnyEditor]:
    """Who edits, by the name of the remedy."""
    if task.data == "portraits":
        return {"edited": shipped(), "edited, own": own_editor(task, seed, quick)}
    folder = Plan("celeba", "lineament").folder
    if not (folder / "editor").is_dir():
        raise SystemExit(f"{folder}: not trained yet; run python -m benchmarks.edit_celeba --train lineament")
    return {"edited": load(folder)}


def own_editor(task: Task, seed: int, quick: bool) -> AnyEditor:
    """An editor of the pair that has seen what a detector of the cut set sees, and no more."""
    cut = sets(task, seed, quick).cut
    parts = [np.flatnonzero(cut.split == split) for split in (0, 1)]
    labels = torch.from_numpy(np.stack([cut.column(name) for name in task.pair], 1))
    learnt, validation = ((stored(cut, index), labels[index]) for index in parts)
    config = with_steps(PRESETS["lineament"], 40 if quick else 3000)  # two attributes are learnt sooner than eight
    if quick:
        config = replace(config, width=8, critic_width=8, evaluations=1)
    card = {"data": task.data, "licence": cut.licence}
    folder = place(task, "editor", seed, quick)
    return train_editor(*learnt, validation, task.pair, config, folder, seed=seed, device="cpu", card=card)


def trained(task: Task, remedy: str, dataset: AttributeDataset, seed: int, quick: bool) -> Detector:
    """The detector of a remedy, trained now or taken from its finished run; what it caches is gone afterwards."""
    print(f"{task.name} {remedy} seed {seed}", flush=True)
    folder = place(task, remedy.replace(", ", "-"), seed, quick)
    with TemporaryDirectory() as cache, patch.dict(os.environ, LINEAMENT_CACHE=cache):
        return train_detector(dataset, configuration(task, dataset.attributes, quick), folder, seed=seed, device="cpu")


def place(task: Task, name: str, seed: int, quick: bool) -> Path:
    """The folder of a run; a quick one is gone when the process ends."""
    root = Path(scratch().name) if quick else RUNS
    return root / "augmentation" / task.name / name / f"seed{seed}"


def configuration(task: Task, attributes: Sequence[str], quick: bool) -> DetectorConfig:
    """A small network on the whole head, on a short schedule."""
    config = preset(attributes)
    window = config.parts[0].window if task.data == "portraits" else Window(0, 10, SIZE, SIZE, zoom=0.25)
    part = replace(config.parts[0], channels=CHANNELS, window=window)
    return replace(config, preset="augmentation", parts=(part,), epochs=1 if quick else EPOCHS)


def figures(detector: Detector, test: AttributeDataset, task: Task) -> Figures:
    """What a detector makes of the test people, at the thresholds of its own development part."""
    probabilities = sigmoid(log_odds(detector, test, decoded(test, (SIZE, SIZE))))
    decided = probabilities >= detector.thresholds
    columns = [detector.attributes.index(name) for name in task.pair]
    truth = np.stack([test.column(name) for name in detector.attributes], 1)
    person = people(test.identity)
    weights = person_weights(int(person.max()) + 1, RESAMPLES)
    found = [[(decided == value)[:, k][truth[:, k] == value] for value in (1, 0)] for k in range(truth.shape[1])]
    balanced = [np.mean([part.mean() for part in both]) for both in found if all(map(len, both))]
    return Figures(rates(decided[:, columns], truth[:, columns], person, weights), float(np.mean(balanced)))


def row(task: Task, remedy: str, found: Sequence[Figures], cut: Sequence[Figures]) -> dict[str, Any]:
    """Means over seeds; intervals over people."""
    each = np.stack([one.rates for one in found])  # (seeds, 1 + resamples, 4)
    base = np.stack([one.rates for one in cut])
    balanced, gain = interval(each.mean((0, 2))), interval((each - base).mean((0, 2)))
    return {
        "data": task.data,
        "combination": ", ".join(task.pair),
        "remedy": remedy,
        "balanced_accuracy": float(balanced[0]),
        "gain": float(gain[0]),
        "gain_low": float(gain[1]),
        "gain_high": float(gain[2]),
        "found": float(each[:, 0, [0, 2]].mean()),
        "first": float(each[:, 0, :2].mean()),
        "second": float(each[:, 0, 2:].mean()),
        "elsewhere": float(np.mean([one.elsewhere for one in found])),
        "interval": balanced[1:].tolist(),
        "by_seed": each[:, 0].mean(1).tolist(),
        "gain_by_seed": (each - base)[:, 0].mean(1).tolist(),
    }


def summary(table: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The gain of edited images for each set, means over its combinations, and beside it that of oversampling."""
    metrics: dict[str, float] = {}
    for data in dict.fromkeys(line["data"] for line in table):
        gains = {
            remedy: float(np.mean([line["gain"] for line in table if (line["data"], line["remedy"]) == (data, remedy)]))
            for remedy in dict.fromkeys(line["remedy"] for line in table if line["data"] == data)
        }
        metrics[f"{data}_gain"] = gains["edited"]
        metrics[f"{data}_gain_of_oversampling"] = gains["oversampled"]
        metrics[f"{data}_gain_of_whole"] = gains["whole"]
        if "rendered" in gains:
            metrics[f"{data}_gain_of_rendered"] = gains["rendered"]
    return metrics


def show(task: Task, given: Sets, made: Mapping[str, Edited], quick: bool) -> None:
    """A sheet of edited images, for eyes on this machine: what was edited, what became of it, and the truth."""
    for name, each in made.items():
        few = slice(0, 30)
        columns = {"source": given.cut.images(each.source[few]), "edited": to_batch(each.images[few])}
        if given.scene is not None:
            columns["rendered"] = to_batch(rendered(given, each).images[few])
        file = f"augmentation-{task.name}-{name}.png".replace("/", "-").replace(", ", "-")
        sheet(RUNS / ("quick" if quick else "sheets") / file, columns)


if __name__ == "__main__":
    benchmark(
        "augmentation",
        "A detector of a rare combination of attributes, trained with and without edited images of it",
        measure,
        arguments=flags,
        parts="data",
    )
