"""Images brought to one size without stretching them: their middle, in the proportion of the size."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import resized

__all__ = ["framed", "middle"]


def middle(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The largest part about the middle of an image that has the proportion of ``size``, brought to it.

    Args:
        image: ``(height, width, 1 or 3)``.
        size: (height, width) in pixels.
    """
    height, width = _part(image.shape[:2], size)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return resized(image[top : top + height, left : left + width], size)


def framed(dataset: AttributeDataset, size: tuple[int, int], *, colour: bool = False) -> AttributeDataset:
    """The same set with the `middle` of every image, under a name of its own for the caches; without masks.

    Eyes and landmarks follow, where they are cut off to outside [0, 1]; where known, images are crops of one shape.

    Args:
        dataset: any.
        size: (height, width) in pixels.
        colour: give grey images three equal channels.
    """
    name = f"{dataset.name}-{size[0]}x{size[1]}{'-colour' * colour}"
    framing = replace(dataset, name=name, read=_Framing(dataset.read, size, colour), masks=None)
    known = {key: values for key in ("eyes", "landmarks") if (values := getattr(dataset, key)) is not None}
    if not known or not len(dataset):
        return framing
    shape = dataset.read(0).shape[:2]
    whole, part = np.array(shape[::-1]), np.array(_part(shape, size)[::-1])  # points are (x, y)
    moved = {key: ((v * whole - (whole - part) // 2) / part).astype(np.float32) for key, v in known.items()}
    return replace(framing, **moved)


def _part(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of what is kept of an image of ``shape``."""
    scale = min(shape[0] / size[0], shape[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


@dataclass(frozen=True)
class _Framing:
    """A reader whose images share one size; a class, not a closure, so that it travels between processes."""

    read: Callable[[int], NDArray[np.uint8]]
    size: tuple[int, int]
    colour: bool

    def __call__(self, i: int) -> NDArray[np.uint8]:
        image = middle(self.read(i), self.size)
        return np.broadcast_to(image, (*self.size, 3)) if self.colour else image
