"""What the detectors without networks learn from: some whole people of the training part, and the development part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.detectors.batches import Images, names_sha256
from lineament.detectors.evaluation import people
from lineament.detectors.prediction import decoded
from lineament.errors import UsageError

__all__ = ["Material", "gathered"]

BATCH = 16
"""Faces whose features are computed at a time."""


@dataclass(frozen=True)
class Material:
    """Images and labels by number.

    Attributes:
        dataset: all of it.
        images: batches of it.
        attributes: what to learn.
        train: ``(n,)`` the faces to learn from, in the set's order.
        development: ``(m,)`` the faces that calibrate.
        seed: of the draw of people.
    """

    dataset: AttributeDataset = field(repr=False)
    images: Images = field(repr=False)
    attributes: tuple[str, ...]
    train: NDArray[np.int64] = field(repr=False)
    development: NDArray[np.int64] = field(repr=False)
    seed: int

    def each(self, index: NDArray[np.int64], work: Callable[[Tensor, Tensor], Any]) -> list[Any]:
        """What ``work(images, eyes)`` gives for batch after batch of the faces at ``index``."""
        batches = np.array_split(index, max(1, -(-len(index) // BATCH)))
        with torch.inference_mode():
            return [work(*self.images.batch(chunk)[:2]) for chunk in batches]

    def labels(self, index: NDArray[np.int64]) -> NDArray[np.int8]:
        """``(n, attributes)`` of the faces at ``index``, -1 unknown."""
        return self.images.labels[index]

    def shared(self) -> dict[str, Any]:
        """The arguments of `calibrated.ValueDetector` that follow from the material."""
        return {"attributes": self.attributes, "eyes": self.images.nominal, "shape": self.images.shape}

    def card(self) -> dict[str, Any]:
        """Card entries about the data."""
        names = [self.dataset.names[i] for i in self.train]
        return {
            "data": self.dataset.name,
            "licence": f"trained on data under: {self.dataset.licence}",
            "images": {"train": len(self.train), "development": len(self.development), "names": names_sha256(names)},
            "training": {"seed": self.seed},
        }


def gathered(dataset: AttributeDataset, attributes: Sequence[str], *, faces: int | None, seed: int) -> Material:
    """Decode a set and draw whole people of its training part.

    Args:
        dataset: any with labels, a training and a development part.
        attributes: names of its columns; none means all.
        faces: how many training faces at most; None takes all.
        seed: of the draw.

    Raises:
        UsageError: an unknown attribute, an empty part, fewer than 10 faces asked for.
    """
    names = tuple(attributes) or dataset.attributes
    for name in names:
        dataset.column(name)
    if not names:
        raise UsageError(f"{dataset.name}: has no attribute labels, so there is nothing to detect")
    if faces is not None and faces < 10:
        raise UsageError(f"faces: expected at least 10 to learn from, got {faces}")
    train, development = (np.flatnonzero(dataset.split == part) for part in (0, 1))
    if not (len(train) and len(development)):
        found = f"has {len(train)} and {len(development)} images there"
        raise UsageError(f"{dataset.name}: needs a training and a development part, {found}")
    if faces is not None:
        train = train[_some(dataset.identity[train], faces, seed)]
    images = Images(dataset, names, decoded(dataset, dataset.read(0).shape[:2]), train)
    return Material(dataset, images, names, train, development, seed)


def _some(identity: NDArray[np.int64], faces: int, seed: int) -> NDArray[np.bool_]:
    """Whole people in random order as long as their images are no more than ``faces``."""
    person = people(identity)
    order = np.random.default_rng(seed).permutation(int(person.max()) + 1)
    last = np.bincount(person)[order].cumsum() <= faces
    last[0] = True
    return np.isin(person, order[last])
