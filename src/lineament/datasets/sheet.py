"""A contact sheet: a random sample of a set in one picture, with what the labels say under each image."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from lineament.datasets.base import AttributeDataset
from lineament.errors import JobError, UsageError

__all__ = ["contact_sheet", "sample"]

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_CELL, _LINE, _GAP, _COLUMNS = 128, 14, 8, 8
_INK, _PAPER, _BROKEN = "#222222", "white", "#cccccc"


def contact_sheet(
    dataset: AttributeDataset, *, attribute: str | None = None, n: int = 40, seed: int = 0
) -> tuple[Image.Image, list[str]]:
    """A picture of up to ``n`` images drawn at random, or of half with and half without one ``attribute``.

    Under each stands its name, then the attributes it has, or its person and session where a set has no attributes.
    An image that cannot be read is a grey field; the list says why it cannot. Raises
    ``UsageError`` for an unknown attribute or an ``n`` below 1.
    """
    if not 1 <= n <= 2000:
        raise UsageError(f"n: expected 1 to 2000 images, got {n}")
    chosen = sample(dataset, attribute, n, np.random.default_rng(seed))
    font = ImageFont.load_default(11)
    captions = {int(i): _caption(dataset, i, attribute, font) for group in chosen for i in group}
    rows = [group[at : at + _COLUMNS] for group in chosen for at in range(0, len(group), _COLUMNS)]
    height = _CELL + _GAP + _LINE * max((len(lines) for lines in captions.values()), default=0)
    sheet = Image.new("RGB", (_COLUMNS * (_CELL + _GAP) + _GAP, len(rows) * height + _GAP), _PAPER)
    draw, unreadable = ImageDraw.Draw(sheet), []
    for r, row in enumerate(rows):
        for c, i in enumerate(row):
            x, y = _GAP + c * (_CELL + _GAP), _GAP + r * height
            try:
                sheet.paste(_thumbnail(dataset.read(i)), (x, y))
            except JobError as error:
                sheet.paste(_BROKEN, (x, y, x + _CELL, y + _CELL))
                unreadable.append(str(error))
            draw.multiline_text((x, y + _CELL + 1), "\n".join(captions[int(i)]), fill=_INK, font=font, spacing=2)
    return sheet, unreadable


def sample(
    dataset: AttributeDataset, attribute: str | None, n: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Indices of ``n`` images in one group, or in two of half that size: those with an attribute, those without."""
    if attribute is None:
        return [np.sort(generator.permutation(len(dataset))[:n])]
    column = dataset.column(attribute)
    return [generator.permutation(np.flatnonzero(column == value))[: (n + 1) // 2] for value in (1, 0)]


def _thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).convert("RGB")
    return ImageOps.pad(image, (_CELL, _CELL), color=_PAPER)


def _caption(dataset: AttributeDataset, i: int, attribute: str | None, font: _Font) -> list[str]:
    """The lines under one image, each no wider than it."""
    name = _fitted(Path(dataset.names[i]).name, font)
    if attribute is not None:
        return [name, _fitted(f"{'' if dataset.column(attribute)[i] == 1 else 'no '}{attribute}", font)]
    if not dataset.attributes:
        return [name, f"person {dataset.identity[i]}", _fitted(str(dataset.session[i]), font)]
    lines = [""]
    for column in np.flatnonzero(dataset.labels[i] == 1):
        word = dataset.attributes[column]
        if lines[-1] and font.getlength(f"{lines[-1]}, {word}") <= _CELL:
            lines[-1] += f", {word}"
        else:
            lines.append(_fitted(word, font))
    return [name, *lines[1:]]


def _fitted(text: str, font: _Font) -> str:
    """``text`` on one line, cut so that it is no wider than an image."""
    text = text.replace("\n", " ")
    while text and font.getlength(text) > _CELL:
        text = text.removesuffix("…")[:-1] + "…"
    return text
