"""Images of a set as the verbs give them to an explainer: of one size, in its channels, no more than memory holds."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.errors import UsageError

__all__ = ["TRAINING", "VALIDATION", "at_most", "check_parts", "fitted", "in_channels", "some"]

SIZE = 64
"""Longer side in pixels at most that images of faces are explained at, unless another is asked for."""

TRAINING, VALIDATION = 50_000, 8_000
"""Images at most that train an explainer and choose its checkpoint: those of section 4.5.1."""

MOST = (60_000, 10_000)
"""Images at most, all but the test part and the test part, that `pair` is to deal out: as many as MNIST has."""


def in_channels(images: Tensor, channels: int) -> Tensor:
    """Images ``(n, 1 or 3, height, width)``, bytes or floats, as grey (the mean of the channels) or as colour ones."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    grey = [part.float().mean(1, keepdim=True) for part in torch.split(images, 1000)]
    return torch.cat([part if images.is_floating_point() else part.round().to(images.dtype) for part in grey])


def check_parts(dataset: AttributeDataset) -> None:
    """``UsageError`` for a set without training or development images."""
    for split, name in enumerate(("training", "development")):
        if not (dataset.split == split).any():
            raise UsageError(f"{dataset.name}: has no {name} images, and an explainer needs some")


def at_most(dataset: AttributeDataset, classes: Sequence[str], seed: int) -> AttributeDataset:
    """A set cut down, at random, to as many images of the classes as `pair` can use; MNIST stays as it is."""
    shown = (np.stack([dataset.column(name) for name in classes], 1) == 1).sum(1) == 1
    test, order = dataset.split == 2, np.random.default_rng(seed).permutation(len(dataset))
    kept = [order[shown[order] & (test[order] == last)][:most] for last, most in zip((False, True), MOST, strict=True)]
    over = sum(map(len, kept)) < shown.sum()
    return dataset.subset(np.sort(np.concatenate(kept))) if over else dataset


def fitted(shape: tuple[int, int], size: int | None, unit: int) -> tuple[int, int]:
    """Height and width with this longer side, in proportion, as nearly as multiples of ``unit`` can have it."""
    longer = min(SIZE, max(shape)) if size is None else size
    if not 8 <= longer <= 512:
        raise UsageError(f"--size: expected 8 to 512 pixels, got {longer}")
    height, width = (unit * max(1, round(side * longer / max(shape) / unit)) for side in shape)
    return height, width


def some(memory: NDArray[np.uint8], rows: NDArray[np.int64], most: int, channels: int) -> Tensor:
    """Up to ``most`` images of a memory-mapped set, drawn at random, in order, of so many channels."""
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    return in_channels(torch.from_numpy(memory[rows]).permute(0, 3, 1, 2).contiguous(), channels)
