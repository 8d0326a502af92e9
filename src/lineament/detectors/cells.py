"""What LBP and HOG share: an aligned face as four planes of pixels, and sums over a grid of square cells.

A *block* is two by two cells, and blocks overlap by a cell: with cells of 8 px they are the blocks of 16 px at a stride
of 8 px of section 2.3.9. Cells of 12 and 24 px are sums of cells of 6 px, those of 16 and 32 of cells of 8 px, so six
cell sizes cost two passes over the pixels.
"""

from dataclasses import replace

import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from lineament.errors import UsageError
from lineament.faces.parts import Window, crop
from lineament.images import check_images

__all__ = ["CELLS", "COLOUR", "GREY", "Planes", "block_grid", "cell_sums", "check_cell", "planes", "pooled"]

Planes = tuple[int, ...]

CELLS = (6, 8, 12, 16, 24, 32)
"""The cell sizes of section 2.3.2, px."""

GREY: Planes = (0,)
COLOUR: Planes = (1, 2, 3)
"""Which of `planes` are which."""

CHUNK = 200_000
"""Pixels whose sums are taken at a time: their indices stay in the processor's cache."""


def planes(
    images: Float32[Tensor, "batch channels height width"], eyes: Tensor, window: Window
) -> UInt8[Tensor, "batch 4 rows columns"]:
    """Grey (Rec. 601), red, green and blue of one window of every face, with a margin of one pixel all round.

    The margin gives every pixel of the window its eight neighbours. Values are rounded to whole numbers, so that equal
    pixels stay equal through the resampling.

    Args:
        images: ``(batch, 1 or 3, height, width)`` in [0, 1]; a grey image has four equal planes.
        eyes: ``(batch, 2, 2)`` as in `faces.parts.crop`.
        window: where to look.

    Returns:
        ``(batch, 4, window.height + 2, window.width + 2)`` uint8.
    """
    check_images(images)
    margin = replace(window, width=window.width + 2, height=window.height + 2)
    colours = crop(images, eyes, margin).expand(-1, 3, -1, -1)
    grey = torch.tensordot(colours, colours.new_tensor([0.299, 0.587, 0.114]), dims=([1], [0]))
    return torch.cat([grey[:, None], colours], 1).mul_(255).round_().clamp_(0, 255).to(torch.uint8)


def check_cell(height: int, width: int, cell: int) -> None:
    """Raise ``UsageError`` unless two cells fit either way: a smaller window has no block."""
    if cell < 1 or min(height, width) < 2 * cell:
        raise UsageError(
            f"cell: a block is two by two cells, and {cell} px cells do not fit twice into {width}x{height} px; take "
            f"cells of 1 to {min(height, width) // 2} px"
        )


def cell_sums(
    bins: UInt8[Tensor, "*planes height width"], cell: int, size: int, weights: Tensor | None = None
) -> Float32[Tensor, "*planes rows columns {size}"]:
    """How often each bin occurs in each whole cell, or how much it weighs there.

    Args:
        bins: ``(..., height, width)``, all below ``size``.
        cell: side of a cell, px; what is left over at the right and at the bottom is dropped.
        size: the number of bins.
        weights: of the same shape, float32; None counts.
    """
    height, width = bins.shape[-2:]
    rows, columns = height // cell, width // cell
    inner = bins[..., : rows * cell, : columns * cell].reshape(-1, rows * cell, columns * cell)
    heavy = None if weights is None else weights[..., : rows * cell, : columns * cell].reshape(inner.shape)
    grid = torch.arange(rows).repeat_interleave(cell)[:, None] * columns + torch.arange(columns).repeat_interleave(cell)
    step = max(1, CHUNK // max(1, inner[0].numel() if len(inner) else 1))
    first = (torch.arange(step)[:, None, None] * (rows * columns) + grid).to(torch.int32) * size
    found = torch.empty(len(inner), rows * columns * size)
    for start in range(0, len(inner), step):
        part = inner[start : start + step]
        weight = None if heavy is None else heavy[start : start + step].reshape(-1)
        total = torch.bincount((first[: len(part)] + part).reshape(-1), weight, len(part) * rows * columns * size)
        found[start : start + step] = total.view(len(part), -1)
    return found.view(*bins.shape[:-2], rows, columns, size)


def pooled(
    sums: Float[Tensor, "*planes rows columns bins"], factor: int
) -> Float[Tensor, "*planes fewer_rows fewer_columns bins"]:
    """The sums of cells ``factor`` times as large, of those that are whole."""
    rows, columns = sums.shape[-3] // factor, sums.shape[-2] // factor
    inner = sums[..., : rows * factor, : columns * factor, :]
    split = inner.reshape(*sums.shape[:-3], rows, factor, columns, factor, sums.shape[-1])
    return split.sum((-4, -2))


def block_grid(sums: Float[Tensor, "*planes rows columns bins"]) -> list[Tensor]:
    """The four cells of every block, upper left, upper right, lower left, lower right."""
    return [sums[..., a : sums.shape[-3] - 1 + a, b : sums.shape[-2] - 1 + b, :] for a in (0, 1) for b in (0, 1)]
