"""The images that chapter 5 is measured on, in the parts of section 5.4."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lineament.datasets.labelled import Labelled, stored
from lineament.datasets.pixels import pixels
from lineament.datasets.registry import open_dataset
from lineament.errors import UsageError

__all__ = ["FACE_SIZE", "HELD_OUT", "Parts", "parts"]

HELD_OUT = 150
"""Test images that a black-box attacker begins with; nothing is measured on them."""

FACE_SIZE = 64
"""Pixels of a face's side (section 5.10)."""


class Parts(NamedTuple):
    """Images and their classes: of digits and garments which of ten, of faces 1 for a man."""

    train: Labelled
    development: Labelled
    test: Labelled
    held_out: Labelled


def parts(data: str, root: Path | None, n: int, *, seed: int = 0) -> Parts:
    """The parts of a set; no image is in two.

    Five sixths of the training images of digits and garments train, 50,000 of 60,000, the last sixth is the
    development part; CelebA prescribes its own.

    Args:
        data: ``mnist``, ``fashion_mnist`` or ``celeba``.
        root: see `open_dataset`.
        n: test images, the first of a permutation, of which the attacker has the last.
        seed: of the permutation.

    Raises ``UsageError`` for an n that the set does not have beside the attacker's images.
    """
    dataset = open_dataset(data, root)
    test, rest = np.flatnonzero(dataset.split == 2), np.flatnonzero(dataset.split != 2)
    most = len(test) - HELD_OUT
    if not 1 <= n <= most:
        raise UsageError(f"n: expected 1 to {most} test images of {data} ({HELD_OUT} are the attacker's), got {n}")
    dealt = np.random.default_rng(seed).permutation(test)
    if data == "celeba":
        first, last = (np.flatnonzero(dataset.split == split) for split in (0, 1))
        labels, memory = dataset.column("Male"), pixels(dataset, FACE_SIZE)
    else:
        first, last = np.split(rest, [5 * len(rest) // 6])
        labels, memory = dataset.labels.argmax(1), None

    def part(index: NDArray[np.int64]) -> Labelled:
        images = stored(dataset, index) if memory is None else torch.from_numpy(memory[index]).permute(0, 3, 1, 2)
        return Labelled(images.contiguous(), torch.from_numpy(labels[index].astype(np.int64)))

    return Parts(part(first), part(last), part(dealt[:n]), part(dealt[-HELD_OUT:]))
