"""The networks of chapter 3: an encoder to [z, a_1 .. a_L], a generator back, a critic, and adversaries on codes."""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lineament.errors import UsageError

__all__ = ["CodeReader", "Critic", "Encoder", "Generator", "check_sides"]

Images = Float[Tensor, "batch channels height width"]
SIDE = 4
"""Height and width of the smallest feature map."""


class Encoder(nn.Module):
    """E: an image in, z ``(batch, p)`` and one code for each attribute ``(batch, attributes, q)`` out.

    Args:
        size: side of the images, 4 times a power of 2.
        attributes: how many.
        latent: channels of z at each of its 4 x 4 places; p is 16 times that.
        code: q.
        width: channels of the first layer.
    """

    def __init__(self, size: int, attributes: int, *, latent: int, code: int, width: int) -> None:
        super().__init__()
        self.attributes, self.code = attributes, code
        widths = _widths(size, width)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*layers)
        self.to_z = nn.Conv2d(widths[-1], latent, 3, 1, 1)
        self.to_a = nn.Linear(widths[-1] * SIDE**2, attributes * code)
        self.apply(_initialised)

    def forward(self, images: Images) -> tuple[Tensor, Tensor]:
        """The codes of images in [0, 1]."""
        hidden = self.trunk(2 * images - 1)
        z, a = self.to_z(hidden).flatten(1), self.to_a(hidden.flatten(1))
        return z.float(), a.float().view(-1, self.attributes, self.code)


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
    """D: log-odds ``(batch,)`` that an image with these labels is real, and those of its attributes.

    The labels enter by projection (Miyato & Koyama 2018): D(x, y) = b(x) + v(x) . (2y - 1), as equation 3.2 has pairs.
    The second output is the attribute classifier that also sees edited images.
    """

    def __init__(self, size: int, attributes: int, *, width: int, conditional: bool) -> None:
        super().__init__()
        self.conditional = conditional
        widths = _widths(size, width)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([3, *widths]):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * SIDE**2
        self.real, self.pair = nn.Linear(features, 1), nn.Linear(features, attributes)
        self.labels = nn.Linear(features, attributes)
        self.apply(_initialised)

    def forward(self, images: Images, labels: Float[Tensor, "batch attributes"]) -> tuple[Tensor, Tensor]:
        """Judge ``images`` as of ``labels`` (1 present, 0 absent, 0.5 unknown)."""
        hidden = self.trunk(2 * images - 1)
        real: Tensor = self.real(hidden)[:, 0].float()
        if self.conditional:
            real = real + (self.pair(hidden).float() * (2 * labels - 1)).sum(1)
        return real, self.labels(hidden).float()


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
    """Raise ``UsageError`` unless images are RGB squares of 16, 32, 64, 128 or 256 px."""
    if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2] or shape[1] not in (16, 32, 64, 128, 256):
        told = " x ".join(map(str, shape))
        raise UsageError(f"images: an editor takes 3 x s x s with s 16, 32, 64, 128 or 256, got {told}; resize them")


def _widths(size: int, width: int) -> list[int]:
    """Channels of the layers from the image to 4 x 4."""
    levels = (size // SIDE).bit_length() - 1
    return [width * min(2**level, 4) for level in range(levels)]


def _initialised(module: nn.Module) -> Any:
    """DCGAN's start for convolutions: N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
