"""Generator and critic of table 5.6, and the encoder that guesses a latent (the reformer's first half, table 5.7)."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lineament.errors import UsageError

__all__ = ["Critic", "Encoder", "Generator"]

SMALLEST = 4
"""Side in pixels of the generator's first maps, and of the critic's last ones."""


class Generator(nn.Module):
    """Latents to images: a linear layer to 4 x 4 maps, then transposed convolutions that double both sides.

    Three of them make 25 to 32 px (28 by 4, 7, 14: of 8 x 8 maps one row and one column are cropped), four 49 to 64.
    No normalisation: each image then depends on its own latents alone.

    Args:
        shape: channels (1 or 3), height and width of one image; the sides are equal.
        latent: numbers in a latent vector, N(0, I) in training.
        width: channels of the last hidden maps; those before have twice as many, the first ones four times.
    """

    def __init__(self, shape: tuple[int, int, int], *, latent: int = 128, width: int = 64) -> None:
        super().__init__()
        channels, height, across = shape
        sides = _sides(shape)
        self.shape, self.latent = (channels, height, across), latent
        self.settings = {"latent": latent, "width": width}
        levels = len(sides) - 1
        widths = [4 * width, *[2 * width] * (levels - 2), width][:levels]
        self.first = nn.Linear(latent, widths[0] * SMALLEST**2)
        # a 5 x 5 kernel at stride 2 with padding 2 makes 2 n - 1 of n, and 2 n with one more
        more = [2 - (2 * small - large) - 1 for small, large in pairwise(sides)]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=extra)
            for before, after, extra in zip(widths, [*widths[1:], channels], more, strict=True)
        )

    def forward(self, latents: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channels height width"]:
        """Images in [0, 1], float32."""
        hidden = self.first(latents).unflatten(1, (-1, SMALLEST, SMALLEST))
        for layer in self.up:
            hidden = layer(hidden.relu())
        images: Tensor = hidden.float().sigmoid()
        return images


class Critic(nn.Module):
    """Images to how real they look, ``(batch,)``, without bound: a Wasserstein critic has no sigmoid.

    Args:
        shape: as `Generator`'s.
        width: channels of the first layer; the next has twice as many, all further ones four times.
    """

    def __init__(self, shape: tuple[int, int, int], *, width: int = 64) -> None:
        super().__init__()
        self.body = _halving(shape, width)
        self.last = nn.Linear(_features(shape, width), 1)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, " batch"]:
        """The critic's value of each image, float32."""
        values: Tensor = self.last(self.body(images)).flatten().float()
        return values


class Encoder(nn.Module):
    """Images to a guess of their latents: convolutions as the critic's, then one linear layer (table 5.7).

    The dissertation's ends in tanh; latents of N(0, I) leave [-1, 1], so this one does not.
    """

    def __init__(self, shape: tuple[int, int, int], *, latent: int = 128, width: int = 64) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        self.settings = {"latent": latent, "width": width}
        self.body = _halving(shape, width)
        self.last = nn.Linear(_features(shape, width), latent)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch latent"]:
        """Latents, float32."""
        latents: Tensor = self.last(self.body(images)).float()
        return latents


def _sides(shape: tuple[int, int, int]) -> list[int]:
    """The sides of the maps from 4 px up to the image's."""
    channels, height, across = shape
    levels = round(math.log2(max(height, 1) / SMALLEST)) if height >= 2 * SMALLEST else 0
    sides = [math.ceil(height / 2**level) for level in reversed(range(levels + 1))]
    if channels not in (1, 3) or height != across or not levels or sides[0] != SMALLEST:
        got = " x ".join(map(str, shape))
        raise UsageError(
            f"shape: a generator makes square images of 1 or 3 channels and 25 to 32, 49 to 64 ... px, not {got}; "
            "bring the images to such a size"
        )
    return sides


def _halving(shape: tuple[int, int, int], width: int) -> nn.Sequential:
    widths = [shape[0], *(width * min(2**level, 4) for level in range(len(_sides(shape)) - 1))]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 5, 2, 2), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten())


def _features(shape: tuple[int, int, int], width: int) -> int:
    """What is left of an image after `_halving`."""
    with torch.device("meta"):
        return int(_halving(shape, width)(torch.empty(1, *shape)).shape[1])
