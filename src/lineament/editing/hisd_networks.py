"""The networks of HiSD alone: a translator under a mask, a mapper, a discriminator of images with styles."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import instance_norm, leaky_relu

from lineament.editing.peers import SIDE, downwards, widths

__all__ = ["NOISE", "Discriminator", "Residual", "Translator", "activation", "mapper"]

Images = Float[Tensor, "batch channels height width"]
Features = Float[Tensor, "batch features rows columns"]
Styles = Float[Tensor, "batch q"]

NOISE = 8
"""Dimensions of the noise that a mapper makes a style of."""


def activation(channels: int) -> tuple[nn.Module, nn.Module]:
    """What follows a convolution of encoder and generator; all channels are scaled as one, or colours would be lost."""
    return nn.GroupNorm(1, channels), nn.LeakyReLU(0.2)


class Residual(nn.Module):
    """Two convolutions beside a way past them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1), *activation(channels), nn.Conv2d(channels, channels, 3, 1, 1)
        )

    def forward(self, hidden: Features) -> Features:
        """Features of the same shape."""
        changed: Tensor = hidden + self.body(hidden)
        return changed


class Translator(nn.Module):
    """T_i: features with the attribute as a style has it; a mask leaves the rest of the image as it was."""

    def __init__(self, features: int, code: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(features, features, 3, 1, 1) for _ in range(3))
        self.styled = nn.ModuleList(nn.Linear(code, 2 * features) for _ in self.layers)
        self.changed, self.mask = nn.Conv2d(features, features, 3, 1, 1), nn.Conv2d(features, features, 3, 1, 1)

    def forward(self, features: Features, style: Styles) -> Features:
        """Features of the same shape."""
        hidden = features
        for layer, styled in zip(self.layers, self.styled, strict=True):
            scale, shift = styled(style)[:, :, None, None].chunk(2, 1)
            hidden = leaky_relu(instance_norm(layer(hidden)) * (1 + scale) + shift, 0.2)
        mask = self.mask(hidden).sigmoid()
        translated: Tensor = mask * self.changed(hidden) + (1 - mask) * features
        return translated


class Discriminator(nn.Module):
    """D_i for every attribute i: how real an image with a style looks as one without and as one with the attribute.

    They see by one trunk, for each has but its share of the steps to learn in.
    """

    def __init__(self, size: int, attributes: int, width: int, code: int) -> None:
        super().__init__()
        channels = widths((size // SIDE).bit_length() - 1, width)
        self.trunk = downwards([3, *channels], normalised=False)
        self.judges = nn.ModuleList(
            nn.Sequential(nn.Linear(channels[-1] * SIDE**2 + code, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
            for _ in range(attributes)
        )

    def forward(
        self, images: Images, styles: Float[Tensor, "batch chosen q"], chosen: Sequence[int]
    ) -> Float[Tensor, "batch chosen 2"]:
        """Judge images by the ``chosen`` attributes, of which ``styles`` are said to be theirs."""
        seen = self.trunk(2 * images - 1)
        judged = [self.judges[i](torch.cat([seen, styles[:, k]], 1)) for k, i in enumerate(chosen)]
        return torch.stack(judged, 1).float()


def mapper(code: int) -> nn.Sequential:
    """M_i: noise ``(batch, NOISE)`` to a style without and one with the attribute, ``(batch, 2 q)``.

    It starts as He et al. have it, by which styles differ as noise does; from PyTorch's start they would stay alike.
    """
    layers = [nn.Linear(NOISE, 64), nn.Linear(64, 64), nn.Linear(64, 2 * code)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
