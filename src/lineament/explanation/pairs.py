"""Two classes of a data set in the four parts of section 4.5.1: one trains the classifier, another the explainer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.labelled import Labelled, stored
from lineament.errors import UsageError

__all__ = ["PAIRS", "Pair", "pair"]

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "mnist": (("3", "8"), ("4", "9"), ("5", "6"), ("3", "5")),
    "fashion_mnist": (("Coat", "Shirt"), ("Pullover", "Shirt"), ("Coat", "Pullover")),
}
"""The pairs of section 4.5.1 and table 4.2, by registered data set."""

SHARES = (2, 50, 8)
"""Classifier, explainer, validation: of the 60 thousand training images of MNIST and Fashion-MNIST."""


@dataclass(frozen=True)
class Pair:
    """Classes of one data set and its four parts; no image is in two of them.

    Attributes:
        classes: names; labels index them. Two for a pair, but any number is served.
        classifier: what the explained classifier learns from.
        explainer: what the explainer learns from.
        validation: what chooses its checkpoint.
        test: what is reported.
    """

    classes: tuple[str, ...]
    classifier: Labelled
    explainer: Labelled
    validation: Labelled
    test: Labelled


def pair(dataset: AttributeDataset, classes: Sequence[str], seed: int = 0) -> Pair:
    """The images that show exactly one of ``classes``, in the parts of section 4.5.1.

    The set's own test part stays the test part. All others, of whatever class, are dealt out in the proportion
    2 : 50 : 8, whole people at a time where identities are known.

    Args:
        dataset: with one attribute a class, as ``mnist`` has.
        classes: attribute names.
        seed: of the dealing.

    Raises:
        UsageError: an unknown class, images that differ in size, or a part without one of the classes.
    """
    columns = np.stack([dataset.column(name) for name in classes], 1)
    shown = (columns == 1).sum(1) == 1
    test = dataset.split == SPLITS.index("test")
    part = np.where(test, 3, _dealt(dataset, np.flatnonzero(~test), seed))
    parts = []
    for i, name in enumerate(("classifier", "explainer", "validation", "test")):
        chosen = np.flatnonzero(shown & (part == i))
        labels = torch.from_numpy(columns[chosen].argmax(1))
        counts = torch.bincount(labels, minlength=len(classes))
        if not counts.all():
            missing = classes[int(counts.argmin())]
            raise UsageError(f"{dataset.name}: no image of {missing!r} falls into the {name} part; more are needed")
        parts.append(Labelled(stored(dataset, chosen), labels))
    return Pair(tuple(classes), *parts)


def _dealt(dataset: AttributeDataset, index: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """``(len(dataset),)``: 0, 1 or 2 for the images at ``index``, in the proportion of `SHARES`; the rest is 1."""
    keys = np.where(dataset.identity < 0, -1 - np.arange(len(dataset)), dataset.identity)[index]
    people, person = np.unique(keys, return_inverse=True)
    bounds = np.round(np.cumsum(SHARES)[:2] / sum(SHARES) * len(people))
    rank = np.random.default_rng(seed).permutation(len(people))
    dealt = np.ones(len(dataset), dtype=np.int64)
    dealt[index] = np.digitize(rank[person], bounds)
    return dealt
