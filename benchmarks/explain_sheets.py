"""Picture sheets of explained images, for the eyes of whoever runs a benchmark; written below ``runs``, never kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SCALE, GAP, LINE = 2, 6, 14


def sheet(path: Path, columns: Mapping[str, Any], marked: Any = None) -> None:
    """One row an image, one column a picture of it; each block of rows side by side with the next.

    Args:
        path: the PNG.
        columns: heading to images ``(n, channels, height, width)`` in [0, 1].
        marked: ``(n,)`` bool, rows that get a red bar at their left (did not cross, say).
    """
    pictures = [np.asarray(images).repeat(SCALE, 2).repeat(SCALE, 3) for images in columns.values()]
    n, _, height, width = pictures[0].shape
    rows = -(-n // 3)
    block = len(pictures) * (width + GAP) + 3 * GAP
    page = Image.new("RGB", (3 * block, LINE + rows * (height + GAP)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(10)
    for i in range(n):
        left, top = i // rows * block + GAP, LINE + i % rows * (height + GAP)
        if marked is not None and marked[i]:
            draw.rectangle((left - 4, top, left - 2, top + height - 1), fill="#c00000")
        for k, (heading, images) in enumerate(zip(columns, pictures, strict=True)):
            x = left + k * (width + GAP)
            if top == LINE:
                draw.text((x, 0), heading[: width // 6], fill="black", font=font)
            page.paste(_picture(images[i]), (x, top))
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)


def heat(maps: Any) -> NDArray[np.float32]:
    """Maps ``(n, height, width)`` brought to [0, 1] image by image, as grey pictures ``(n, 1, height, width)``."""
    values = np.asarray(maps, np.float32)[:, None]
    low, high = values.min((2, 3), keepdims=True), values.max((2, 3), keepdims=True)
    stretched: NDArray[np.float32] = (values - low) / np.maximum(high - low, 1e-12)
    return stretched


def _picture(image: NDArray[np.float32]) -> Image.Image:
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
