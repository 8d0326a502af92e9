"""Grids of edited images as figures 3.3 to 3.5 show them: a row an image, inputs left of a rule, what came of it right.

Pillow draws them, so that a grid is a PNG that stands alone: titles above, names on the left, a caption below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.errors import UsageError
from lineament.images import to_uint8
from lineament.report import INK, MUTED, RULE

__all__ = ["Column", "grid", "write_grid"]

TILE, GAP, LINE, MARGIN = 128, 4, 16, 12
"""Pixels: the side of a picture, between two, of a line of text, around everything."""

SIZE = 11
"""Pixels of the letters. Pillow's own font has no more than English ones."""

_Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Column:
    """Pictures below each other.

    Attributes:
        title: above them.
        images: ``(n, 3, height, width)`` in [0, 1].
        head: a picture ``(3, height, width)`` above the title: the reference that all of them borrowed from.
    """

    title: str
    images: Tensor
    head: Tensor | None = None


def grid(columns: Sequence[Column], names: Sequence[str] = (), caption: str = "", *, given: int = 1) -> Image.Image:
    """One picture of equally long columns.

    Args:
        columns: at least one, of ``n`` images each.
        names: ``n`` names, one for each row; none unless given.
        caption: below the grid, in as many lines as it takes.
        given: how many columns, from the left, are inputs; a rule stands after them.

    Raises:
        UsageError: no column, or columns or names that differ in length.
    """
    counts = {len(column.images) for column in columns} | ({len(names)} if names else set())
    if len(counts) != 1:
        raise UsageError(f"columns: expected columns and names of one length, got {sorted(counts) or 'none'}")
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), SIZE)
    titles = [_wrapped(column.title, font, TILE) for column in columns]
    left = MARGIN + (min(TILE, max(ceil(font.getlength(name)) + MARGIN for name in names)) if names else 0)
    places = [left + i * (TILE + GAP) + 2 * GAP * (i >= given) for i in range(len(columns))]
    width = places[-1] + TILE + MARGIN
    below = _wrapped(caption, font, width - 2 * MARGIN)
    heads = TILE + GAP if any(column.head is not None for column in columns) else 0
    top = MARGIN + heads + LINE * max(map(len, titles)) + GAP
    rows = len(columns[0].images)
    bottom = top + rows * (TILE + GAP)
    page = Image.new("RGB", (width, bottom + LINE * len(below) + MARGIN), "white")
    draw = ImageDraw.Draw(page)
    for column, title, x in zip(columns, titles, places, strict=True):
        if column.head is not None:
            page.paste(_tile(to_uint8(column.head[None])[0]), (x, MARGIN))
        draw.multiline_text((x, top - GAP - LINE * len(title)), "\n".join(title), fill=INK, font=font, spacing=2)
        for row, pixels in enumerate(to_uint8(column.images)):
            page.paste(_tile(pixels), (x, top + row * (TILE + GAP)))
    if given < len(columns):
        x = places[given] - (3 * GAP) // 2
        draw.line((x, top, x, bottom - GAP), fill=RULE, width=1)
    for row, name in enumerate(names):
        middle = top + row * (TILE + GAP) + TILE // 2
        draw.text((MARGIN, middle), _cut(name, font, left - 2 * MARGIN), fill=MUTED, font=font, anchor="lm")
    draw.multiline_text((MARGIN, bottom), "\n".join(below), fill=MUTED, font=font, spacing=2)
    return page


def write_grid(
    path: str | Path, columns: Sequence[Column], names: Sequence[str] = (), caption: str = "", *, given: int = 1
) -> Path:
    """Write a `grid` as a PNG, whole or not at all."""
    page = grid(columns, names, caption, given=given)
    return write_atomically(path, lambda file: page.save(file, format="PNG"))


def _tile(pixels: NDArray[np.uint8]) -> Image.Image:
    """A picture inside `TILE` x `TILE`, in proportion, on white."""
    scale = TILE / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    tile = Image.new("RGB", (TILE, TILE), "white")
    tile.paste(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return tile


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    """Lines no wider than ``width``; a word that is wider is cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(_cut(word, font, width))
    return lines


def _cut(text: str, font: _Font, width: float) -> str:
    """``text`` on one line, cut so that it is no wider; nothing at all where not even a letter fits."""
    text = " ".join(text.split())
    shorter = (f"{text[:length]}…" for length in range(len(text) - 1, 0, -1))
    return next((kept for kept in chain([text], shorter) if font.getlength(kept) <= width), "")
