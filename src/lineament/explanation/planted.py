"""A cue planted into images: an artefact known to the pixel, which a classifier can be led to decide by.

Where a classifier was trained on images of which one class alone carries the cue, an explanation that tells what the
classifier does, and not what the classes look like, has to point at the cue.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from lineament.errors import UsageError

__all__ = ["Cue", "Planted", "plant"]


@dataclass(frozen=True)
class Cue:
    """A bright square that lies somewhere in a zone near the top left corner.

    Attributes:
        side: of the square, in pixels.
        jitter: how many places it has, down as well as across.
        margin: pixels between the zone and the edges of the image.
        value: of its pixels, 0 to 255.
    """

    side: int = 3
    jitter: int = 4
    margin: int = 2
    value: int = 255

    @property
    def zone(self) -> slice:
        """Rows, and columns, in which the square can lie."""
        return slice(self.margin, self.margin + self.jitter + self.side - 1)


@dataclass(frozen=True)
class Planted:
    """Images and where their cue is.

    Attributes:
        images: ``(n, channels, height, width)`` uint8, with the cue.
        places: ``(n, height, width)`` bool: the cue's pixels.
    """

    images: UInt8[Tensor, "n channels height width"]
    places: Bool[Tensor, "n height width"]


def plant(images: UInt8[Tensor, "n channels height width"], cue: Cue | None = None, *, seed: int = 0) -> Planted:
    """The images with the cue in each, at places drawn evenly from its zone; the originals are left alone.

    Raises ``UsageError`` if the zone does not fit into the images.
    """
    cue = cue or Cue()
    height, width = images.shape[2:]
    if cue.zone.stop > min(height, width):
        raise UsageError(f"cue: its zone ends at pixel {cue.zone.stop}, and the images have {height} x {width}")
    corner = np.random.default_rng(seed).integers(0, cue.jitter, (2, len(images), 1)) + cue.margin
    down, across = (
        torch.from_numpy((np.arange(side) >= first) & (np.arange(side) < first + cue.side))
        for side, first in zip((height, width), corner, strict=True)
    )
    places = down[:, :, None] & across[:, None, :]
    return Planted(images.masked_fill(places[:, None], cue.value), places)
