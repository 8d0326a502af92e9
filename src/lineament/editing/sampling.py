"""Batches that show every attribute equally often, however rare it is in the data."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int8, UInt8
from torch import Tensor
from torch.nn.functional import one_hot

from lineament.datasets.labelled import floats
from lineament.errors import JobError

__all__ = ["Pools", "batch", "pools"]


class Pools(NamedTuple):
    """Images sorted by what they show.

    Attributes:
        images: ``(n, 3, height, width)`` bytes.
        labels: ``(n, attributes)`` 1 present, 0 absent, -1 unknown.
        absent, present: for each attribute the rows of the images without it and with it.
    """

    images: Tensor
    labels: Tensor
    absent: list[Tensor]
    present: list[Tensor]


def pools(
    images: UInt8[Tensor, "n channels height width"], labels: Int8[Tensor, "n attributes"], attributes: Sequence[str]
) -> Pools:
    """The pools of a set; ``JobError`` names an attribute that all images have, or none has."""
    absent, present = ([(column == c).nonzero()[:, 0] for column in labels.unbind(1)] for c in (0, 1))
    for kind, found in (("without", absent), ("with", present)):
        for name, rows in zip(attributes, found, strict=True):
            if not len(rows):
                raise JobError(f"labels: no image {kind} {name}; leave the attribute out, or add such images")
    return Pools(images, labels, absent, present)


def batch(pools: Pools, count: int, share: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """``count`` images in [0, 1], their labels with 0.5 for unknown, and the attribute that each is drawn for.

    Args:
        pools: of a set.
        count: how many.
        share: how many of them have the attribute they are drawn for.
        device: where to put them.
    """
    L = len(pools.absent)
    drawn_for = (int(torch.randint(L, ())) + torch.arange(count)) % L
    has = (torch.rand(count) < share).tolist()
    rows = []
    for i, there in zip(drawn_for.tolist(), has, strict=True):
        pool = (pools.present if there else pools.absent)[i]
        rows.append(pool[torch.randint(len(pool), ())])
    chosen = torch.stack(rows)
    y = pools.labels[chosen].float()
    x = floats(pools.images[chosen]).contiguous(memory_format=torch.channels_last)
    return x.to(device), torch.where(y < 0, 0.5, y).to(device), one_hot(drawn_for, L).bool().to(device)
