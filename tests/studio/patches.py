"""An editor and faces whose readings can be worked out by hand: an attribute is a patch of colour in a corner."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.datasets.portraits import portraits
from lineament.editing.editor import Codes

HARM = "<b>Hat</b>&'\""
SIZE, PATCH = 32, 8
CORNERS = (slice(0, PATCH), slice(SIZE - PATCH, SIZE))


class Patches:
    """Attribute i is the patch in the i-th upper corner: black is absent, its colour its code."""

    attributes, card, shape = ("Eyeglasses", HARM), {}, (3, SIZE, SIZE)

    def encode(self, images: Tensor) -> Codes:
        a = torch.stack([images[:, :, :PATCH, corner].mean((2, 3)) for corner in CORNERS], 1)
        return Codes(images[:, :, PATCH:].flatten(1), a)

    def styles(self, images: Tensor) -> Tensor:
        return self.encode(images).a

    def decode(self, codes: Codes) -> Tensor:
        black = torch.zeros(len(codes.z), *self.shape)
        black[:, :, PATCH:] = codes.z.view(-1, 3, SIZE - PATCH, SIZE)
        return self.edit(black, codes._replace(a=0 * codes.a), codes)

    def edit(self, images: Tensor, before: Codes, after: Codes) -> Tensor:
        edited = images.clone()
        for corner, change in zip(CORNERS, (after.a - before.a).unbind(1), strict=True):
            edited[:, :, :PATCH, corner] += change[:, :, None, None]
        return edited.clamp(0, 1)

    def present(self, codes: Codes) -> Tensor:
        return 8 * (codes.a.sum(2) - 0.5)

    def usual(self, i: int, c: int) -> Tensor:
        return c * torch.tensor([[0.8, 0.3, 0.2], [0.2, 0.4, 0.9]])[i]

    def draw(self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        return (self.usual(i, c) + c * scale * 0.2 * torch.randn(n, 3, generator=generator)).clamp(0, 1)


@dataclass(frozen=True)
class Patched:
    """Portraits with such patches: every third person has the first attribute, every fourth the second."""

    portraits: AttributeDataset

    def __call__(self, i: int) -> NDArray[np.uint8]:
        pixels, person = np.array(self.portraits.read(i)), int(self.portraits.identity[i])
        for corner, rate in zip(CORNERS, (3, 4), strict=True):
            colour = np.random.default_rng(person).integers(100, 256, 3) * (person % rate == 0)
            pixels[:PATCH, corner] = colour
        return pixels


def patched(people: int = 40) -> AttributeDataset:
    """Two pictures of each of so many people."""
    drawn = portraits(people, 2, size=SIZE, seed=7)
    return replace(drawn, read=Patched(drawn))
