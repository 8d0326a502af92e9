"""Sets in which one combination of attributes was made rare, and the ways to make up for it.

All images that show both attributes are taken out of training and development part, but for `KEPT` of the former. What
is measured is how well each attribute is told among the images that have the other one, on people never seen.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import data_root
from lineament.datasets.base import AttributeDataset, split_by_identity
from lineament.datasets.celeba import celeba
from lineament.datasets.pixels import pixels
from lineament.datasets.portraits import Scene, counterfactual, labels, render
from lineament.datasets.portraits.dataset import Roll, gathered
from lineament.datasets.portraits.tossed import tossed
from lineament.detectors.evaluation import per_person, ratio
from lineament.editing.augmentation import Edited, augment
from lineament.editing.augmented import joined
from lineament.editing.operations import AnyEditor

SIZE = 64
KEPT = 8
ADDED = 300
"""Images of the combination that each remedy adds."""


class Task(NamedTuple):
    """Two attributes of a data set."""

    data: str
    pair: tuple[str, str]

    @property
    def name(self) -> str:
        """Which is also its folder."""
        return f"{self.data}/{'-'.join(self.pair)}"


TASKS = (
    Task("portraits", ("Eyeglasses", "Wearing_Hat")),
    Task("celeba", ("Bangs", "Male")),
    Task("celeba", ("Eyeglasses", "Smiling")),
)
DATA = tuple(dict.fromkeys(task.data for task in TASKS))
PEOPLE = {"train": (66_000, 700, 4), "test": (67_000, 400, 2)}
"""Seed, people and images of each for the portraits."""


class Sets(NamedTuple):
    """What one detector may learn from, and what it is held against; all of it in memory at `SIZE`.

    Attributes:
        whole: training and development part as they were.
        cut: the same without the combination, but for `KEPT` training images.
        test: people in neither.
        scene: a portrait's name to what was drawn.
    """

    whole: AttributeDataset
    cut: AttributeDataset
    test: AttributeDataset
    scene: Callable[[str], Scene] | None


def sets(task: Task, seed: int, quick: bool) -> Sets:
    """The sets of a task; ``seed`` says which images of the combination are kept."""
    whole, test, scene = portrait_sets(quick) if task.data == "portraits" else face_sets(quick)
    return Sets(whole, whole.subset(remaining(whole, task.pair, seed)), test, scene)


def remaining(whole: AttributeDataset, pair: tuple[str, str], seed: int) -> NDArray[np.bool_]:
    """The images ``(n,)`` that stay when the combination is made rare."""
    both = np.all([whole.column(name) == 1 for name in pair], axis=0)
    kept = np.random.default_rng(seed).permutation(np.flatnonzero(both & (whole.split == 0)))[:KEPT]
    stays: NDArray[np.bool_] = ~both
    stays[kept] = True
    return stays


@functools.cache
def portrait_sets(quick: bool) -> tuple[AttributeDataset, AttributeDataset, Callable[[str], Scene]]:
    """Portraits as they come; in those of the test each attribute of the pair is on or off by a coin of its own."""
    (seed, people, each), (test_seed, test_people, test_each) = PEOPLE["train"], PEOPLE["test"]
    roll = Roll(60 if quick else people, each, 2, SIZE, seed)
    whole = gathered(roll)
    place = {name: i for i, name in enumerate(whole.names)}
    pair = next(task.pair for task in TASKS if task.data == "portraits")
    test = tossed(pair, 30 if quick else test_people, test_each, size=SIZE, seed=test_seed)
    return in_memory(whole.subset(whole.split < 2)), in_memory(test), lambda name: roll.scene(place[name])


@functools.cache
def face_sets(quick: bool) -> tuple[AttributeDataset, AttributeDataset, None]:
    """Every second training person of CelebA, of whom some are the development part; its other two parts as test."""
    opened = celeba(data_root() / "celeba")
    every = in_memory(opened)
    train, test = every.subset(opened.split == 0), every.subset(opened.split > 0)
    train = train.subset(np.isin(train.identity, np.unique(train.identity)[:: 20 if quick else 2]))
    return replace(train, split=split_by_identity(train.identity, fractions=(0.85, 0.15, 0))), test, None


def in_memory(dataset: AttributeDataset) -> AttributeDataset:
    """A set whose images are decoded, at `SIZE`."""
    memory = pixels(dataset, SIZE)
    return replace(dataset, read=memory.__getitem__, masks=None, style=None, sources=())


def oversampled(given: Sets, task: Task) -> AttributeDataset:
    """The cut set with its few images of the combination repeated until there are `ADDED` more."""
    cut = given.cut
    rare = np.flatnonzero(np.all([cut.column(name) == 1 for name in task.pair], axis=0) & (cut.split == 0))
    return cut.subset(np.concatenate([np.arange(len(cut)), np.resize(rare, ADDED)]))


def edited(given: Sets, task: Task, seed: int, editor: AnyEditor) -> Edited:
    """Images of the cut set's training part, edited until `ADDED` show the combination: Diverse Swap."""
    return augment(given.cut, editor, dict.fromkeys(task.pair, True), ADDED, seed=seed)


def rendered(given: Sets, made: Edited) -> Edited:
    """The same portraits as were edited, with the same attributes switched, drawn anew as they truly look."""
    assert given.scene is not None
    scenes = [counterfactual(given.scene(line["source"]), **line["switched"]) for line in made.provenance]
    images = np.stack([render(scene, SIZE) for scene in scenes])
    return replace(made, images=images, labels=np.stack([labels(scene) for scene in scenes]))


def remedies(given: Sets, task: Task, made: Mapping[str, Edited]) -> dict[str, AttributeDataset]:
    """What a detector is trained on, by the name of the remedy."""
    table = {"cut": given.cut, "oversampled": oversampled(given, task)}
    table |= {name: joined(given.cut, each) for name, each in made.items()}
    if given.scene is not None:
        table["rendered"] = joined(given.cut, rendered(given, next(iter(made.values()))))
    return table | {"whole": given.whole}


def rates(
    decided: NDArray[np.bool_], truth: NDArray[Any], person: NDArray[np.int64], weights: NDArray[Any]
) -> NDArray[np.float64]:
    """Shares told right where the other attribute is there, ``(1 + resamples, 4)``.

    The first attribute where it is there and where it is not, then the second one likewise; their mean is the mean of
    two balanced accuracies.

    Args:
        decided: ``(n, 2)`` of the pair.
        truth: ``(n, 2)`` int8, -1 unknown.
        person: ``(n,)``, numbered as `detectors.evaluation.people` does.
        weights: ``(1 + resamples, people)``.
    """
    cells = np.stack([truth[:, i] == value for i in (0, 1) for value in (1, 0)], 1)
    cells &= np.stack([truth[:, 1 - i] == 1 for i in (0, 1) for _ in (1, 0)], 1)
    right = cells & (np.repeat(decided, 2, axis=1) == np.array([True, False, True, False]))
    result: NDArray[np.float64] = ratio(weights @ per_person(right, person), weights @ per_person(cells, person))
    return result
