"""The networks of chapter 3: an encoder to [z, a_1 .. a_L], a generator back, a critic, and adversaries on codes."""

from itertools import pairwise
from typing import Any, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lineament.errors import UsageError

__all__ = [
    "CodeReader", "Critic", "Encoder", "Generator", "LabelReader", "check_sides", "initialised", "widths",
]  # fmt: skip

Images = Float[Tensor, "batch channels height width"]
Masks = Float[Tensor, "batch attributes 1 height width"]
SIDE = 8
"""Height and width of z and of the feature maps it comes from."""

PLACED = 32
"""Channels of the map that the attributes' codes become beside z."""


class Encoder(nn.Module):
    """E: an image in, z ``(batch, p)`` and one code for each attribute ``(batch, attributes, q)`` out.

    Args:
        size: side of the images, 8 times a power of 2.
        attributes: how many.
        latent: channels of z at each of its 8 x 8 places; p is 64 times that.
        code: q.
        width: channels of the first layer.
        masked: the whole image tells one number of each code, whether the attribute is there; the others, how it
            looks, are read under its mask. Else all are read from the whole image.
    """

    def __init__(self, size: int, attributes: int, *, latent: int, code: int, width: int, masked: bool = False) -> None:
        super().__init__()
        self.attributes, self.code = attributes, code
        channels = widths(size, width)
        self.to_z = nn.Sequential(_trunk(channels), nn.Conv2d(channels[-1], latent, 3, 1, 1), nn.Flatten())
        self.to_a = nn.Sequential(_trunk(channels), _whole(channels[-1], attributes * (1 if masked else code)))
        self.looks = StyleReader(size, attributes, code - 1, width=width // 2) if masked else None
        self.apply(initialised)

    def rest(self, erased: Images) -> Float[Tensor, "batch p"]:
        """z, from what is left of images."""
        z: Tensor = self.to_z(2 * erased - 1)
        return z.float()

    def styles(self, images: Images, masks: Masks | None = None) -> Float[Tensor, "batch attributes q"]:
        """The attributes' codes; ``masks`` say where each attribute is, for an encoder that is ``masked``."""
        a: Tensor = self.to_a(2 * images - 1)
        a = a.float().view(len(images), self.attributes, -1)
        return a if self.looks is None else torch.cat([a, self.looks(images, cast(Tensor, masks))], 2)


class StyleReader(nn.Module):
    """How an attribute looks, read off what the image shows under its mask alone.

    On the whole image the color of an earring is lost among greater things. One trunk serves all attributes; beside
    what it finds stands the mean color under the mask.
    """

    def __init__(self, size: int, attributes: int, outputs: int, *, width: int) -> None:
        super().__init__()
        channels = widths(size, width)
        last = channels[-1]
        halved = nn.Conv2d(last, last, 4, 2, 1, bias=False)
        self.trunk = nn.Sequential(_trunk(channels, 4), halved, nn.BatchNorm2d(last), nn.LeakyReLU(0.2), nn.Flatten())
        inputs = last * (SIDE // 2) ** 2 + 3
        self.weights = nn.Parameter(torch.randn(attributes, inputs, outputs) / inputs**0.5)
        self.biases = nn.Parameter(torch.zeros(attributes, outputs))

    def forward(
        self, images: Images, masks: Masks, which: Bool[Tensor, "batch attributes"] | None = None
    ) -> Float[Tensor, "batch attributes outputs"]:
        """Of every attribute, or of those of ``which`` alone; what stands for the others says nothing."""
        row, i = (torch.ones_like(masks[:, :, 0, 0, 0]) if which is None else which).nonzero(as_tuple=True)
        mask = masks[row, i]
        shown = (2 * images[row] - 1) * mask
        color = shown.sum((2, 3)) / mask.sum((2, 3)).clamp(min=1)
        seen = torch.cat([shown, mask], 1).contiguous(memory_format=torch.channels_last)
        each = torch.cat([self.trunk(seen).float(), color.float()], 1)
        found = each.new_zeros(*masks.shape[:2], each.shape[1]).index_put((row, i), each)
        styles: Tensor = torch.bmm(found.transpose(0, 1), self.weights).transpose(0, 1)
        return styles.float() + self.biases


class LabelReader(nn.Module):
    """C: the log-odds ``(batch, attributes)`` of each attribute of an image; it learns from real images alone."""

    def __init__(self, size: int, attributes: int, *, width: int) -> None:
        super().__init__()
        channels = widths(size, width)
        self.layers = nn.Sequential(_trunk(channels), _whole(channels[-1], attributes))
        self.apply(initialised)

    def forward(self, images: Images) -> Tensor:
        """What is there in images in [0, 1]."""
        read: Tensor = self.layers(2 * images - 1)
        return read.float()


class Generator(nn.Module):
    """G: z and the attributes' codes in, an image in [0, 1] out; arguments as `Encoder`'s.

    The codes enter as a map beside z, so that each can place what it draws, and scale and shift the channels of every
    later layer, which is how a colour reaches the pixels without a detour.
    """

    def __init__(self, size: int, attributes: int, *, latent: int, code: int, width: int) -> None:
        super().__init__()
        self.latent = latent
        channels = widths(size, width)[::-1]
        total = attributes * code
        self.placed = nn.Linear(total, PLACED * SIDE**2)
        self.first = nn.Sequential(
            nn.Conv2d(latent + PLACED, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0])
        )
        outputs = [*channels[1:], max(16, width // 2)]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o, affine=False))
            for i, o in zip(channels, outputs, strict=True)
        )
        self.styled = nn.ModuleList(nn.Linear(total, 2 * channels) for channels in outputs)
        self.output = nn.Conv2d(outputs[-1], 3, 3, 1, 1)
        self.apply(initialised)

    def forward(self, z: Float[Tensor, "batch p"], a: Float[Tensor, "batch attributes q"]) -> Tensor:
        """The image that the codes describe."""
        codes = a.flatten(1)
        placed = self.placed(codes).view(len(codes), -1, SIDE, SIDE)
        hidden = self.first(torch.cat([z.view(-1, self.latent, SIDE, SIDE), placed], 1)).relu()
        for stage, styled in zip(self.stages, self.styled, strict=True):
            scale, shift = styled(codes)[:, :, None, None].chunk(2, 1)
            hidden = (stage(hidden) * (1 + scale) + shift).relu()
        image: Tensor = self.output(hidden).float().sigmoid()
        return image


class Critic(nn.Module):
    """D: for each attribute the log-odds that an image with this label of it is real, ``(batch, attributes)``.

    One critic for each attribute and class on one trunk, so that an edit of one attribute is judged by its critic, and
    combinations of labels that no real image shows are judged label by label.
    """

    def __init__(self, size: int, attributes: int, *, width: int) -> None:
        super().__init__()
        channels = widths(size, width)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([3, *channels, channels[-1]]):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.judge = nn.Linear(channels[-1] * (SIDE // 2) ** 2, 2 * attributes)
        for layer in self.trunk:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, 0.2)

    def forward(self, images: Images, labels: Float[Tensor, "batch attributes"]) -> Float[Tensor, "batch attributes"]:
        """Judge ``images`` as of ``labels`` (1 present, 0 absent)."""
        absent, present = self.judge(self.trunk(2 * images - 1)).float().chunk(2, 1)
        judged: Tensor = torch.where(labels > 0.5, present, absent)
        return judged


class CodeReader(nn.Module):
    """C_inv and C_attr: the log-odds of every label ``(batch, outputs)`` from a code."""

    def __init__(self, inputs: int, outputs: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, outputs),
        )  # fmt: skip

    def forward(self, codes: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """What the codes say about the labels."""
        read: Tensor = self.layers(codes)
        return read


def check_sides(shape: tuple[int, ...]) -> None:
    """Raise ``UsageError`` unless images are RGB squares of 32, 64, 128 or 256 px."""
    if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2] or shape[1] not in (32, 64, 128, 256):
        told = " x ".join(map(str, shape))
        raise UsageError(f"images: an editor takes 3 x s x s with s 32, 64, 128 or 256, got {told}; resize them")


def widths(size: int, width: int) -> list[int]:
    """Channels of the layers from the image to `SIDE`."""
    levels = (size // SIDE).bit_length() - 1
    return [width * min(2**level, 4) for level in range(levels)]


def _trunk(channels: list[int], inputs: int = 3) -> nn.Sequential:
    """From the image to `SIDE`, half the size in every layer."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, channels[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for before, outputs in pairwise(channels):
        layers += [nn.Conv2d(before, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def _whole(channels: int, outputs: int) -> nn.Sequential:
    """From a trunk's features to numbers about the whole image."""
    halved = nn.Conv2d(channels, channels, 4, 2, 1, bias=False)
    layers = (halved, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(channels * (SIDE // 2) ** 2, outputs))


def initialised(module: nn.Module) -> Any:
    """DCGAN's start for convolutions: N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
