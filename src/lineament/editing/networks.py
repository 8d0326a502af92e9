"""The networks of chapter 3: an encoder to [z, a_1 .. a_L], a generator back, a critic, and adversaries on codes.

Beside the dissertation's stands an eraser. Whatever an adversary asks of z, what the encoder sees it can write into
it; what was taken off the picture before, it cannot.
"""

from itertools import pairwise
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lineament.errors import UsageError

__all__ = ["CodeReader", "Critic", "Encoder", "Eraser", "Generator", "LabelReader", "check_sides", "erased"]

Images = Float[Tensor, "batch channels height width"]
SIDE = 8
"""Height and width of z and of the feature maps it comes from."""


class Encoder(nn.Module):
    """E: an image in, z ``(batch, p)`` and one code for each attribute ``(batch, attributes, q)`` out.

    Args:
        size: side of the images, 8 times a power of 2.
        attributes: how many.
        latent: channels of z at each of its 8 x 8 places; p is 64 times that.
        code: q.
        width: channels of the first layer.
    """

    def __init__(self, size: int, attributes: int, *, latent: int, code: int, width: int) -> None:
        super().__init__()
        self.attributes, self.code = attributes, code
        widths = _widths(size, width)
        self.to_z = nn.Sequential(_trunk(widths), nn.Conv2d(widths[-1], latent, 3, 1, 1), nn.Flatten())
        self.to_a = nn.Sequential(_trunk(widths), _whole(widths[-1], attributes * code))
        self.apply(_initialised)

    def forward(self, images: Images, erased: Images) -> tuple[Tensor, Tensor]:
        """z of what is left of the images, and the attributes' codes of the images themselves."""
        return self.rest(erased), self.styles(images)

    def rest(self, erased: Images) -> Float[Tensor, "batch p"]:
        """z alone."""
        z: Tensor = self.to_z(2 * erased - 1)
        return z.float()

    def styles(self, images: Images) -> Float[Tensor, "batch attributes q"]:
        """The attributes' codes alone."""
        a: Tensor = self.to_a(2 * images - 1)
        return a.float().view(-1, self.attributes, self.code)


class Eraser(nn.Module):
    """R: for each attribute what the image would show without it, and the mask of where.

    It sees every layer of the image, for what is not the attribute shall stay as it is.
    """

    def __init__(self, size: int, attributes: int, *, width: int) -> None:
        super().__init__()
        self.attributes = attributes
        widths = _widths(size, width)
        self.first = nn.Conv2d(3, widths[0], 4, 2, 1)
        self.down = nn.ModuleList(_halved(*pair) for pair in pairwise([*widths, widths[-1]]))
        self.up = nn.ModuleList(_doubled(*pair) for pair in pairwise([widths[-1], *widths[::-1], width]))
        self.output = nn.Conv2d(width, 4 * attributes, 3, 1, 1)
        self.apply(_initialised)
        with torch.no_grad():
            self.output.weight[3 * attributes :] *= 0.1
            cast(Tensor, self.output.bias)[3 * attributes :] = -2.0  # at first little is painted over

    def forward(self, images: Images) -> tuple[Tensor, Tensor]:
        """Paintings ``(batch, attributes, 3, height, width)`` and masks ``(batch, attributes, 1, height, width)``."""
        seen = [self.first(2 * images - 1)]
        for stage in self.down:
            seen.append(stage(seen[-1]))
        hidden = seen.pop()
        for stage in self.up:
            hidden = stage(hidden)
            hidden = hidden + seen.pop() if seen else hidden
        values = self.output(hidden.relu()).float()
        drawn, masks = values.tensor_split([3 * self.attributes], 1)
        changes = drawn.reshape(len(images), self.attributes, *images.shape[1:])
        stretched = (1.2 * masks.sigmoid() - 0.1).clamp(0, 1)  # a mask of 0.9 would leave a tenth of every colour
        return (changes + images.logit(0.02)[:, None]).sigmoid(), stretched[:, :, None]


def erased(images: Images, layers: tuple[Tensor, Tensor], which: Tensor) -> Images:
    """The images painted over, one attribute after the other; ``which`` ``(batch, attributes)`` says where it is 1."""
    for painting, mask in zip(layers[0].unbind(1), (layers[1] * which[:, :, None, None, None]).unbind(1), strict=True):
        images = images * (1 - mask) + painting * mask
    return images


class LabelReader(nn.Module):
    """C: the log-odds ``(batch, attributes)`` of each attribute of an image; it learns from real images alone."""

    def __init__(self, size: int, attributes: int, *, width: int) -> None:
        super().__init__()
        widths = _widths(size, width)
        self.layers = nn.Sequential(_trunk(widths), _whole(widths[-1], attributes))
        self.apply(_initialised)

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
        widths = _widths(size, width)[::-1]
        total = attributes * code
        self.placed = nn.Linear(total, widths[0] * SIDE**2)
        self.first = nn.Sequential(
            nn.Conv2d(latent + widths[0], widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0])
        )
        outputs = [*widths[1:], max(16, width // 2)]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o, affine=False))
            for i, o in zip(widths, outputs, strict=True)
        )
        self.styled = nn.ModuleList(nn.Linear(total, 2 * channels) for channels in outputs)
        self.output = nn.Conv2d(outputs[-1], 3, 3, 1, 1)
        self.apply(_initialised)

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
        widths = _widths(size, width)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([3, *widths, widths[-1]]):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.judge = nn.Linear(widths[-1] * (SIDE // 2) ** 2, 2 * attributes)
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


def _widths(size: int, width: int) -> list[int]:
    """Channels of the layers from the image to `SIDE`."""
    levels = (size // SIDE).bit_length() - 1
    return [width * min(2**level, 4) for level in range(levels)]


def _trunk(widths: list[int]) -> nn.Sequential:
    """From the image to `SIDE`, half the size in every layer."""
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def _halved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs))


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))


def _whole(channels: int, outputs: int) -> nn.Sequential:
    """From a trunk's features to numbers about the whole image."""
    halved = nn.Conv2d(channels, channels, 4, 2, 1, bias=False)
    layers = (halved, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(channels * (SIDE // 2) ** 2, outputs))


def _initialised(module: nn.Module) -> Any:
    """DCGAN's start for convolutions: N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
