"""Histograms of oriented gradients (Dalal and Triggs, 2005) of aligned faces: 9 orientations, blocks of 2x2 cells.

As in the original without interpolation between bins: a pixel's gradient is the difference of its two neighbours either
way, its magnitude goes whole to the bin of its orientation and to its own cell; each block is brought to unit length,
clipped at 0.2 and brought to unit length again (L2-Hys).
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray
from torch import Tensor

from lineament.detectors.cells import COLOUR, GREY, Planes, block_grid, cell_sums, check_cell, planes
from lineament.faces.parts import Window

__all__ = ["COLOUR", "GREY", "ORIENTATIONS", "descriptors", "gradients", "histograms"]

ORIENTATIONS = 9
"""Bins of 20 degrees; opposite directions are one orientation."""

CLIP, EPSILON = 0.2, 1e-5


def gradients(
    pixels: UInt8[Tensor, "*planes height width"],
) -> tuple[UInt8[Tensor, "*planes inner_height inner_width"], Float32[Tensor, "*planes inner_height inner_width"]]:
    """Orientation bin and magnitude (in grey levels of [0, 1]) of every pixel but the margin of one all round."""
    signed = pixels.to(torch.int32)
    down = signed[..., 2:, 1:-1] - signed[..., :-2, 1:-1]
    right = signed[..., 1:-1, 2:] - signed[..., 1:-1, :-2]
    place = (down + 255) * 511 + (right + 255)
    orientation, magnitude = _table()
    return orientation[place], magnitude[place]


@cache
def _table() -> tuple[Tensor, Tensor]:
    """Bin and magnitude of each of the 511 x 511 pairs of differences: a look-up is faster than an arctangent."""
    difference = np.arange(-255, 256)
    angle = np.rad2deg(np.arctan2(difference[:, None], difference)) % 180
    magnitude = np.hypot(difference[:, None], difference) / 255
    orientation = (angle // (180 / ORIENTATIONS)).astype(np.uint8)
    return torch.from_numpy(orientation.reshape(-1)), torch.from_numpy(magnitude.astype(np.float32).reshape(-1))


def descriptors(sums: Float[Tensor, "*planes rows columns 9"], cell: int) -> Float[Tensor, "*planes blocks"]:
    """Summed magnitudes a cell of ``cell`` px to the vector of a plane: all blocks, 36 values each, in [0, 1]."""
    blocks = torch.stack(block_grid(sums), -2).flatten(-2) / cell**2
    blocks /= (blocks.square().sum(-1, keepdim=True) + EPSILON**2).sqrt_()
    blocks.clamp_(max=CLIP)
    blocks /= (blocks.square().sum(-1, keepdim=True) + EPSILON**2).sqrt_()
    return blocks.flatten(-3)


def histograms(
    images: Float32[Tensor, "batch channels height width"], eyes: Tensor, window: Window, cell: int, *,
    of: Planes = GREY,
) -> Float32[NDArray[np.float32], "batch features"]:  # fmt: skip
    """The HOG vectors of one window of every face; arguments and errors as for `lbp.histograms`.

    Returns:
        ``(batch, len(of) * blocks * 36)`` in [0, 1], blocks = (height // cell - 1) * (width // cell - 1).
    """
    check_cell(window.height, window.width, cell)
    orientation, magnitude = gradients(planes(images, eyes, window)[:, list(of)])
    vectors: NDArray[np.float32] = (
        descriptors(cell_sums(orientation, cell, ORIENTATIONS, magnitude), cell).flatten(1).numpy()
    )
    return vectors
