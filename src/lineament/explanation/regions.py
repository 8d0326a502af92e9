"""Maps held against the truth: does the marked region lie where the images really differ?

For masks and attribution maps alike. Maps are ``(n, height, width)`` float; a mask ``(n, 1, height, width)`` goes in as
``mask[:, 0]``, an attribution map as ``normalised(map)``.
"""

import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from lineament.errors import UsageError

__all__ = ["best_threshold", "check_maps", "iou", "normalised", "pointing"]

LEVELS = 256
"""Thresholds tried; a power of two, so that multiplying by it rounds nothing."""


def check_maps(maps: Tensor, size: tuple[int, ...] | None = None) -> Float32[Tensor, "n height width"]:
    """``maps`` as float32 ``(n, height, width)``, or ``UsageError`` for another shape or values that are not finite.

    Args:
        maps: what came.
        size: the ``(n, height, width)`` that they must have, if it is known.
    """
    shape = tuple(maps.shape)
    if maps.ndim != 3 or not maps.numel() or (size is not None and shape != tuple(size)):
        wanted = "(n, height, width), n at least 1" if size is None else tuple(size)
        raise UsageError(f"maps: expected {wanted}, got {shape}; a mask of (n, 1, height, width) goes in as mask[:, 0]")
    if not maps.isfinite().all():
        raise UsageError("maps: expected finite numbers, got NaN or infinity")
    return maps.detach().float()


def normalised(maps: Float[Tensor, "n height width"]) -> Float32[Tensor, "n height width"]:
    """Each map stretched so that its least value is 0 and its greatest 1; one without contrast becomes 0."""
    maps = check_maps(maps)
    low = maps.amin((1, 2), keepdim=True)
    extent = maps.amax((1, 2), keepdim=True) - low
    return torch.where(extent > 0, (maps - low) / extent, torch.zeros_like(maps))


def iou(
    maps: Float[Tensor, "n height width"], regions: Bool[Tensor, "n height width"], threshold: float = 0.5
) -> Float32[Tensor, " n"]:
    """Intersection over union of the pixels at or above ``threshold`` with the true region; NaN where that is empty."""
    marked = check_maps(maps, regions.shape) >= threshold
    either = (marked | regions).sum((1, 2))
    return _where_any(regions, (marked & regions).sum((1, 2)) / either)


def best_threshold(maps: Float[Tensor, "n height width"], regions: Bool[Tensor, "n height width"]) -> float:
    """The multiple of 1/256 at which the mean IoU is greatest (the lowest of equals).

    Choose it on development images, and measure on others.

    Args:
        maps: values in [0, 1].
        regions: the true ones.

    Raises:
        UsageError: values outside [0, 1], or no image has a region.
    """
    maps = check_maps(maps, regions.shape)
    if not regions.any():
        raise UsageError("regions: every true region is empty, so no threshold is better than another")
    if maps.min() < 0 or maps.max() > 1:
        raise UsageError(f"maps: expected values in [0, 1], got [{maps.min():.3g}, {maps.max():.3g}]; see normalised")
    maps, regions = (each[regions.any((1, 2))].flatten(1) for each in (maps, regions))
    level = (maps * LEVELS).long()
    counts = torch.zeros(2, len(maps), LEVELS + 1)
    counts[0].scatter_add_(1, level, torch.ones_like(maps))
    counts[1].scatter_add_(1, level, regions.float())
    marked, hit = counts.flip(2).cumsum(2).flip(2)  # pixels at or above each level
    found = hit / (marked + regions.sum(1, keepdim=True) - hit)
    return int(found.mean(0).argmax()) / LEVELS


def pointing(maps: Float[Tensor, "n height width"], regions: Bool[Tensor, "n height width"]) -> Float32[Tensor, " n"]:
    """The pointing game of Zhang et al. (2018) without tolerance: 1 where the map's maximum lies in the region, else 0.

    Of several equal maxima, which a saturated mask has, it is the share in the region: what a blind pick among them
    would score on average. NaN where the region is empty.
    """
    maps = check_maps(maps, regions.shape)
    top = maps == maps.amax((1, 2), keepdim=True)
    return _where_any(regions, (top & regions).sum((1, 2)) / top.sum((1, 2)))


def _where_any(regions: Tensor, values: Tensor) -> Tensor:
    return torch.where(regions.any(2).any(1), values, torch.nan)
