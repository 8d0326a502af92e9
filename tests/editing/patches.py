"""An editor whose every effect can be worked out by hand: an attribute is a patch of colour, its code the colour."""

import torch
from torch import Tensor

from lineament.editing.editor import Codes

SIDE, PATCH = 16, 4


class Painter:
    """Attribute i is the i-th 4 x 4 patch of the top row; bright is present. z is the image without the patches.

    Args:
        attributes: up to four names.
        deaf: attributes whose edit does nothing.
        leak: what an edit of the first attribute adds to the second patch.
    """

    def __init__(self, attributes=("A", "B"), *, deaf=(), leak=0.0):
        self.attributes, self.deaf, self.leak = tuple(attributes), deaf, leak
        self.shape, self.card = (3, SIDE, SIDE), {}

    def encode(self, images: Tensor) -> Codes:
        a = torch.stack([images[:, :, :PATCH, self.place(i)].mean((2, 3)) for i in range(len(self.attributes))], 1)
        return Codes(images[:, :, PATCH:].flatten(1), a)

    def styles(self, images: Tensor) -> Tensor:
        return self.encode(images).a

    def decode(self, codes: Codes) -> Tensor:
        images = torch.zeros(len(codes.z), 3, SIDE, SIDE)
        images[:, :, PATCH:] = codes.z.unflatten(1, (3, SIDE - PATCH, SIDE))
        return self.paint(images, codes.a)

    def edit(self, images: Tensor, before: Codes, after: Codes) -> Tensor:
        change = after.a - before.a
        change[:, [self.attributes.index(name) for name in self.deaf]] = 0
        if self.leak:
            change[:, 1] = change[:, 1] + self.leak * (change[:, 0].abs().amax(1, keepdim=True) > 0)
        return self.paint(images, change)

    def present(self, codes: Codes) -> Tensor:
        return codes.a.mean(2) - 0.5

    def usual(self, i: int, c: int) -> Tensor:
        return torch.full((3,), 0.8 if c else 0.2)

    def draw(self, i: int, c: int, n: int, scale: float = 1.0, generator=None) -> Tensor:
        return self.usual(i, c) + scale * 0.05 * torch.randn(n, 3, generator=generator).clamp(-2, 2)

    def place(self, i: int) -> slice:
        return slice(PATCH * i, PATCH * (i + 1))

    def paint(self, images: Tensor, colors: Tensor) -> Tensor:
        images = images.clone()
        for i, color in enumerate(colors.unbind(1)):
            images[:, :, :PATCH, self.place(i)] += color[:, :, None, None]
        return images


class PatchOracle:
    """Reads each patch, and whatever further patches it knows: log-odds are 10 x (mean - 0.5)."""

    def __init__(self, attributes=("A", "B", "Other")):
        self.attributes = tuple(attributes)

    def __call__(self, images: Tensor) -> Tensor:
        patches = images[:, :, :PATCH].unflatten(3, (-1, PATCH)).mean((1, 2, 4))
        return 10 * (patches[:, : len(self.attributes)] - 0.5)


def painted(labels: Tensor, seed: int = 0) -> Tensor:
    """Images that show ``labels`` ``(n, attributes)`` as patches of grey 0.8 and 0.2 on a random ground."""
    images = torch.rand(len(labels), 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    for i, label in enumerate(labels.unbind(1)):
        images[:, :, :PATCH, PATCH * i : PATCH * (i + 1)] = torch.where(label == 1, 0.8, 0.2)[:, None, None, None]
    return images
