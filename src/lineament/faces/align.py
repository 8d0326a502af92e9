"""Move a face into a frame by a similarity transform (turn, scale, shift) that puts its eyes where the frame has them.

Points are complex numbers here, ``x + iy`` in pixels: a similarity is then ``z -> scale * z + shift``, and two pairs of
points determine it. The pixels are moved by ``parts.crop``, the one resampler of the package.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lineament.errors import UsageError
from lineament.faces.parts import EYE_DISTANCE, Window, crop
from lineament.images import to_batch, to_uint8

__all__ = ["Frame", "align", "check_photo", "resample"]


@dataclass(frozen=True)
class Frame:
    """How a detector was trained to see faces: where the eyes lie, and how large the image is.

    Attributes:
        eyes: ``((x, y), (x, y))`` in fractions of width and height, image-left eye first.
        width, height: size of the aligned image in pixels.
    """

    eyes: tuple[tuple[float, float], tuple[float, float]]
    width: int
    height: int


def check_photo(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``image`` if it is ``(height, width, 3)`` uint8 with at least one pixel, else raise ``UsageError``."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        came = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise UsageError(f"image: expected (height, width, 3) uint8 RGB as images.read_image gives, got {came}")
    if not image.size:
        raise UsageError(f"image: expected at least one pixel, got shape {image.shape}")
    return image


def align(image: NDArray[np.uint8], eyes: ArrayLike, frame: Frame) -> NDArray[np.uint8]:
    """The face with these eyes as ``frame`` shows it.

    Args:
        image: ``(height, width, 3)`` uint8.
        eyes: ``(2, 2)`` eye centres as (x, y) in fractions of width and height, image-left eye first; ``Face.eyes``.
        frame: where its eyes go.

    Returns:
        ``(frame.height, frame.width, 3)`` uint8; places outside the image repeat its edge.

    Raises:
        UsageError: for anything but such an image, or eyes that coincide or are not finite.
    """
    height, width = check_photo(image).shape[:2]
    seen, wanted = np.asarray(eyes, dtype=np.float64), np.asarray(frame.eyes, dtype=np.float64)
    for name, pair in {"eyes": seen, "frame.eyes": wanted}.items():
        if pair.shape != (2, 2) or not np.isfinite(pair).all() or np.allclose(pair[0], pair[1], atol=1e-6):
            raise UsageError(f"{name}: expected two distinct points as ((x, y), (x, y)), got {pair.tolist()}")
    source = seen[:, 0] * width + 1j * seen[:, 1] * height
    target = wanted[:, 0] * frame.width + 1j * wanted[:, 1] * frame.height
    scale = (source[1] - source[0]) / (target[1] - target[0])
    return resample(image, scale, source[0] - scale * target[0], frame.width, frame.height)


def resample(image: NDArray[np.uint8], scale: complex, shift: complex, width: int, height: int) -> NDArray[np.uint8]:
    """The ``(height, width, 3)`` picture whose point ``z`` shows the point ``scale * z + shift`` of ``image``.

    Points are in pixels. An image that is shrunk is averaged first, so that fine patterns do not alias.
    """
    image, shift = _surroundings(image, scale, shift, width, height)
    rows, columns = image.shape[:2]
    ends = scale * (complex(width, height) / 2 + EYE_DISTANCE / 2 * np.array([-1, 1])) + shift
    points = torch.from_numpy(np.stack([ends.real / columns, ends.imag / rows], 1))
    if abs(scale) > 1.5:
        smaller = (max(1, round(columns / abs(scale))), max(1, round(rows / abs(scale))))
        image = np.asarray(Image.fromarray(image).resize(smaller, Image.Resampling.BILINEAR))
    shown = crop(to_batch(image[None]), points[None], Window(0, 0, width, height)).clamp(0, 1)
    pixels: NDArray[np.uint8] = to_uint8(shown)[0]
    return pixels


def _surroundings(
    image: NDArray[np.uint8], scale: complex, shift: complex, width: int, height: int
) -> tuple[NDArray[np.uint8], complex]:
    """The part of ``image`` that is looked at, and the shift within it: a face costs the same in a large picture."""
    corners = scale * np.array([0, width, 1j * height, complex(width, height)]) + shift
    border = 2 + abs(scale)
    spans = []
    for along, length in ((corners.real, image.shape[1]), (corners.imag, image.shape[0])):
        start = int(np.clip(along.min() - border, 0, length - 1))
        spans.append((start, int(np.clip(along.max() + border, start + 1, length))))
    (left, right), (top, bottom) = spans
    return image[top:bottom, left:right], shift - complex(left, top)
