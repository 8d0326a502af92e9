"""Local binary patterns (Ojala, Pietikäinen and Mäenpää, 2002) of aligned faces: 64 bins a block and plane.

A pixel's code has one bit for each of its eight neighbours, set where that is no darker than the pixel. The 256 codes
fall into 64 bins: the 58 codes that change at most twice round the circle have one each; those that change four times
are told apart by their number of set bits (five bins); all others share the last. The dissertation states the number
of bins, not which they are.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray
from torch import Tensor

from lineament.detectors.cells import COLOUR, GREY, Planes, block_grid, cell_sums, check_cell, planes
from lineament.faces.parts import CLASSICAL_PARTS, Window

__all__ = ["BINS", "COLOUR", "GREY", "bin_of", "codes", "descriptors", "face_vectors", "histograms"]

BINS = 64

_CIRCLE = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
"""The neighbours of a pixel, (down, right), beginning with the one on its right, against the clock."""


def _bins() -> Tensor:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes, ones = (bits != np.roll(bits, 1, axis=1)).sum(1), bits.sum(1)
    table = np.where(changes == 4, 58 + ones - 2, 63)
    table[changes <= 2] = np.arange(58)
    return torch.from_numpy(table.astype(np.uint8))


_BIN = _bins()


def bin_of(code: int) -> int:
    """The bin, 0 to 63, of a code of eight bits; bit p belongs to the p-th neighbour against the clock."""
    return int(_BIN[code])


def codes(pixels: UInt8[Tensor, "*planes height width"]) -> UInt8[Tensor, "*planes inner_height inner_width"]:
    """The bin of every pixel's code; ``pixels`` has a margin of one pixel all round, which the result lacks."""
    height, width = pixels.shape[-2] - 2, pixels.shape[-1] - 2
    centre = pixels[..., 1:-1, 1:-1]
    code = torch.zeros_like(centre)
    for bit, (down, right) in enumerate(_CIRCLE):
        neighbour = pixels[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        code |= (neighbour >= centre).to(torch.uint8) << bit
    return _BIN[code.int()]


def descriptors(counts: Float[Tensor, "*planes rows columns 64"], cell: int) -> Float[Tensor, "*planes blocks"]:
    """Counts a cell of ``cell`` px to the vector of a plane: the square roots of each block's bin shares.

    The root (Hellinger's distance instead of Euclid's) gives every block unit length.
    """
    shares = torch.stack(block_grid(counts)).sum(0) / (2 * cell) ** 2
    return shares.sqrt_().flatten(-3)


def histograms(
    images: Float32[Tensor, "batch channels height width"], eyes: Tensor, window: Window, cell: int, *,
    of: Planes = GREY,
) -> Float32[NDArray[np.float32], "batch features"]:  # fmt: skip
    """The LBP vectors of one window of every face.

    Args:
        images: ``(batch, 1 or 3, height, width)`` in [0, 1].
        eyes: ``(batch, 2, 2)`` eye centres in fractions of width and height, image-left eye first.
        window: where to look (`faces.parts`).
        cell: side of a cell, px of the window; ``UsageError`` unless two fit either way.
        of: planes to concatenate: ``GREY``, ``COLOUR`` (ColorLBP of section 2.3.2), or both, ``GREY + COLOUR``.

    Returns:
        ``(batch, len(of) * blocks * 64)`` in [0, 1], blocks = (height // cell - 1) * (width // cell - 1).
    """
    check_cell(window.height, window.width, cell)
    patterns = codes(planes(images, eyes, window)[:, list(of)])
    vectors: NDArray[np.float32] = descriptors(cell_sums(patterns, cell, BINS), cell).flatten(1).numpy()
    return vectors


def face_vectors(images: Float32[Tensor, "batch channels height width"], eyes: Tensor) -> NDArray[np.float32]:
    """The LBP baseline of section 2.3.3, ``(batch, 19200)``: the full face in grey, blocks of 16 px; see `histograms`.

    19200 is the length that table 2.9 prints for it.
    """
    return histograms(images, eyes, CLASSICAL_PARTS["FullFace"], 8)
