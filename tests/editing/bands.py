"""Toy images of 32 px whose edits can be told by hand: two bands, each there or not, on a ground of any grey."""

import torch
from torch import Tensor

BANDS = ("Bottom", "Top")
PLACES = (slice(24, 32), slice(0, 8))
COLOURS = torch.tensor([[230, 30, 30], [30, 30, 230]], dtype=torch.uint8)
"""A band is red or blue; its `style` says which."""


def bands(count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Images ``(count, 3, 32, 32)`` uint8, labels ``(count, 2)`` int8 and styles ``(count, 2)``, 0 red and 1 blue."""
    generator = torch.Generator().manual_seed(seed)
    labels, styles = torch.randint(0, 2, (2, count, 2), generator=generator)
    ground = torch.randint(80, 200, (count, 1, 1, 1), generator=generator, dtype=torch.uint8)
    images = ground.expand(-1, 3, 32, 32).clone()
    for band, place in enumerate(PLACES):
        there = labels[:, band] == 1
        images[there, :, place] = COLOURS[styles[there, band]][:, :, None, None]
    return images, labels.to(torch.int8), styles


def band(images: Tensor, number: int) -> Tensor:
    """The mean colour ``(n, 3)`` of where a band is or would be."""
    return images[:, :, PLACES[number]].mean((2, 3))


def shown(images: Tensor, number: int) -> Tensor:
    """Whether each image has the band: a colour there, not a grey."""
    colour = band(images, number)
    return (colour.amax(1) - colour.amin(1)) > 0.3
