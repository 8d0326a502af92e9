"""The eraser: it takes attributes off an image before z is read from it.

Whatever an adversary asks of z, what the encoder sees it can write into it; what was taken off the picture before, it
cannot. A network that sees what it paints over leaves a ghost, from which a probe reads the colour of a hat. So for z
the place of an attribute is filled from what surrounds it, by a network that does not see what was there; for a picture
it is painted over by one that does.
"""

from itertools import pairwise
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from lineament.editing.networks import initialised, widths

__all__ = ["Eraser", "UNet", "painted_over"]

Images = Float[Tensor, "batch channels height width"]
Masks = Float[Tensor, "batch attributes 1 height width"]
EDGE = 0.35
"""Of a mask's greatest value: where it is more, the attribute is."""

FAINT = 0.2
"""Masks nowhere greater than that do not mark what is greatest in them."""


class UNet(nn.Module):
    """An image in, an image of ``outputs`` channels and the same size out; every layer of the first is seen.

    Args:
        size: side of the images, 8 times a power of 2.
        inputs, outputs: channels of the image and of the result.
        width: channels of the first layer.
        deeper: layers below the side of 8, which see more of the image at once.
    """

    def __init__(self, size: int, inputs: int, outputs: int, *, width: int, deeper: int = 0) -> None:
        super().__init__()
        channels = widths(size, width)
        channels += channels[-1:] * deeper
        self.first = nn.Conv2d(inputs, channels[0], 4, 2, 1)
        self.down = nn.ModuleList(_halved(*pair) for pair in pairwise([*channels, channels[-1]]))
        self.up = nn.ModuleList(_doubled(*pair) for pair in pairwise([channels[-1], *channels[::-1], width]))
        self.output = nn.Conv2d(width + inputs, outputs, 3, 1, 1)
        self.apply(initialised)

    def forward(self, images: Images) -> Tensor:
        """As float32, whatever the arithmetic."""
        seen = [self.first(images)]
        for stage in self.down:
            seen.append(stage(seen[-1]))
        hidden = seen.pop()
        for stage in self.up:
            hidden = stage(hidden)
            hidden = hidden + seen.pop() if seen else hidden
        drawn: Tensor = self.output(torch.cat([hidden.relu(), images], 1))
        return drawn.float()


class Eraser(nn.Module):
    """R: ``find`` marks each attribute, ``fill`` paints what was marked, from what was not.

    Args:
        size: side of the images, 8 times a power of 2.
        attributes: how many.
        width: channels of the first layers.
        edge: what a mask must exceed for a place to be filled.
    """

    def __init__(self, size: int, attributes: int, *, width: int, edge: float = EDGE) -> None:
        super().__init__()
        self.attributes, self.edge = attributes, edge
        self.find = UNet(size, 3, 4 * attributes, width=width)
        self.fill = UNet(size, 4, 3, width=width, deeper=1)  # what it must bridge is as large as a hat
        self.dilation = max(1, size // 64)
        with torch.no_grad():
            self.find.output.weight[3 * attributes :] *= 0.1
            cast(Tensor, self.find.output.bias)[3 * attributes :] = -2.0  # at first little is painted over

    def layers(self, images: Images) -> tuple[Tensor, Masks]:
        """For each attribute a painting without it ``(batch, attributes, 3, height, width)`` and a mask of where.

        A painting sees the image: eyes behind glasses stay, but so does some of the colour of the glasses.
        """
        drawn, masks = self.find(2 * images - 1).tensor_split([3 * self.attributes], 1)
        changes = drawn.reshape(len(images), self.attributes, *images.shape[1:])
        stretched = (1.2 * masks.sigmoid() - 0.1).clamp(0, 1)  # else a tenth of every colour is left
        return (changes + images.logit(0.02)[:, None]).sigmoid(), stretched[:, :, None]

    def masks(self, layers: tuple[Tensor, Masks]) -> Masks:
        """Where each attribute is, if it is there: 1 where its layer's mask is greatest."""
        return layers[1] / layers[1].amax((2, 3, 4), keepdim=True).clamp(min=FAINT)

    def region(self, masks: Masks, which: Bool[Tensor, "batch attributes"]) -> Float[Tensor, "batch 1 height width"]:
        """1 on the attributes of ``which`` and a little around them, else 0."""
        marked = ((masks > self.edge) & which[:, :, None, None, None]).any(1).to(masks.dtype)
        around: Tensor = max_pool2d(marked, 2 * self.dilation + 1, 1, self.dilation)
        return around

    def filled(self, images: Images, region: Float[Tensor, "batch 1 height width"]) -> Images:
        """The images, anew where ``region`` is 1; what was there is not looked at."""
        painted = self.fill(torch.cat([(2 * images - 1) * (1 - region), region], 1)).sigmoid()
        anew: Tensor = images * (1 - region) + painted * region
        return anew

    def forward(self, images: Images, masks: Masks, which: Bool[Tensor, "batch attributes"]) -> Images:
        """The images without the attributes of ``which``, of whose looks nothing is left."""
        return self.filled(images, self.region(masks, which))


def painted_over(images: Images, layers: tuple[Tensor, Masks], which: Tensor) -> Images:
    """The images under their layers, one after the other; ``which`` ``(batch, attributes)`` says where they are 1."""
    for painting, mask in zip(layers[0].unbind(1), (layers[1] * which[:, :, None, None, None]).unbind(1), strict=True):
        images = images * (1 - mask) + painting * mask
    return images


def _halved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs))


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))
