"""Augmentation as batched tensor operations: one affine map folded into the crop's resampling, then colour.

`random_warps` makes the maps that `faces.parts.crop` applies while it cuts, so an image is resampled once only.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Augmentation", "erase", "random_warps", "recolour"]


@dataclass(frozen=True)
class Augmentation:
    """How strongly images are changed; standard deviations of normal draws unless said otherwise.

    Attributes:
        flip: probability of mirroring about the face's vertical axis.
        turn: rotation in radians.
        zoom: logarithm of the scale.
        shift: translation in eye distances.
        contrast, gamma, saturation: logarithm of the factor or exponent.
        brightness: offset in pixel value, common to the channels; each channel gets a third of it of its own.
        erase: probability that a rectangle of up to 40 % of each side is painted over in one colour.
    """

    flip: float = 0.5
    turn: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    contrast: float = 0.2
    gamma: float = 0.2
    saturation: float = 0.0
    brightness: float = 0.0
    erase: float = 0.0


def random_warps(n: int, strength: Augmentation, device: torch.device | None = None) -> Float[Tensor, "{n} 2 3"]:
    """``(n, 2, 3)`` random affine maps of the canonical face frame: mirrored, turned, scaled, shifted."""
    angle = torch.randn(n, device=device) * strength.turn
    scale = torch.exp(torch.randn(n, device=device) * strength.zoom)
    mirror = 1 - 2 * (torch.rand(n, device=device) < strength.flip).float()
    shift = torch.randn(n, 2, device=device) * strength.shift
    cos, sin = scale * angle.cos(), scale * angle.sin()
    return torch.stack(
        [torch.stack([mirror * cos, -sin, shift[:, 0]], 1), torch.stack([mirror * sin, cos, shift[:, 1]], 1)], 1
    )


def recolour(
    images: Float[Tensor, "batch channels height width"], strength: Augmentation
) -> Float[Tensor, "batch channels height width"]:
    """Random saturation, contrast, brightness and gamma of each image; the result is clamped to [0, 1].

    Args:
        images: ``(batch, channels, height, width)`` in [0, 1].
        strength: the standard deviations.
    """
    n, channels = images.shape[:2]

    def factor(spread: float) -> Tensor:
        return torch.exp(torch.randn(n, 1, 1, 1, device=images.device) * spread)

    if strength.saturation:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * factor(strength.saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    tint = torch.randn(n, channels, 1, 1, device=images.device) / 3 + torch.randn(n, 1, 1, 1, device=images.device)
    images = mean + (images - mean) * factor(strength.contrast) + tint * strength.brightness
    # not down to zero, where the gradient of the power is infinite
    return images.clamp(1e-4, 1).pow(factor(strength.gamma))


def erase(
    images: Float[Tensor, "batch channels height width"], probability: float
) -> Float[Tensor, "batch channels height width"]:
    """Paint a random rectangle of random colour over each image with the given probability (Zhong et al. 2020)."""
    n, channels, height, width = images.shape
    draw = torch.rand(5, n, device=images.device)
    size = 0.1 + 0.3 * draw[:2]
    start = draw[2:4] * (1 - size)

    def inside(length: int, axis: int) -> Tensor:
        place = (torch.arange(length, device=images.device) + 0.5) / length
        return (place >= start[axis, :, None]) & (place < (start + size)[axis, :, None])

    hit = inside(height, 0)[:, :, None] & inside(width, 1)[:, None, :] & (draw[4] < probability)[:, None, None]
    paint = torch.rand(n, channels, 1, 1, device=images.device)
    return torch.where(hit[:, None], paint, images)
