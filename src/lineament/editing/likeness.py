"""What stays: how close a reconstruction comes, whether an edited face is the same person, what changes elsewhere."""

import torch
from jaxtyping import Bool, Float, Float32
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from lineament.editing.intervals import Drawn, means, ratio, scatter, sums
from lineament.errors import UsageError

__all__ = ["change", "identity_kept", "ms_ssim", "recognised", "reconstruction"]

Images = Float32[Tensor, "n channels height width"]
BATCH = 256
WINDOW, SIGMA = 11, 1.5
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first (Wang, Simoncelli & Bovik 2003)."""


def reconstruction(images: Images, others: Images, identity: ArrayLike) -> dict[str, Drawn]:
    """``l1`` and ``mse``, mean over all values, and ``ms_ssim``, 1 for equal images; each ``(1 + resamples,)``."""
    _alike(images, others)
    difference = (others - images).flatten(1).double()
    per_image = {"l1": difference.abs().mean(1), "mse": difference.square().mean(1), "ms_ssim": ms_ssim(images, others)}
    return {name: means(values, identity) for name, values in per_image.items()}


def ms_ssim(images: Images, others: Images) -> Float32[Tensor, " n"]:
    """Multi-scale structural similarity, at most 1, averaged over channels.

    Small images have fewer scales, as many as the window of 11 px fits into (64 px: three of five), whose weights are
    made to add up to 1; such figures compare only at one size.
    """
    _alike(images, others)
    if min(images.shape[2:]) < WINDOW:
        raise UsageError(f"images: expected at least {WINDOW} x {WINDOW} px, got shape {tuple(images.shape)}")
    parts = zip(torch.split(images, BATCH), torch.split(others, BATCH), strict=True)
    return torch.cat([_ms_ssim(*part) for part in parts])


def identity_kept(before: Float[Tensor, "n k"], after: Float[Tensor, "n k"], identity: ArrayLike) -> Drawn:
    """What an edit leaves of that which tells people apart, ``(1 + resamples, k)``; 1 if it changes nothing.

    Of each reading 1 - (mean squared change) / (variance between images): 0 if an edit moves it as far as the faces
    of the set lie from their mean, and less if further.

    Args:
        before: readings of what makes a person, parameters or an embedding, of images as they were.
        after: the same readings of the edited ones.
        identity: ``(n,)``.
    """
    if before.shape != after.shape:
        raise UsageError(f"after: expected the shape of before, {tuple(before.shape)}, got {tuple(after.shape)}")
    reading = before.double() - before.double().mean(0)
    columns = torch.stack([(after.double() - before).square(), reading.square(), reading, torch.ones_like(reading)], 1)
    moved, squares, total, n = sums(columns, identity).transpose(1, 0, 2)
    return 1 - _ratio(moved, scatter(n, total, squares))


def recognised(
    gallery: Float[Tensor, "m d"], owners: ArrayLike, probes: Float[Tensor, "n d"], identity: ArrayLike
) -> Drawn:
    """Share of probes whose nearest gallery image (Euclidean) is of the same person, ``(1 + resamples,)``.

    Args:
        gallery: features of unedited images; not those that the probes were made of, or their background gives
            them away.
        owners: ``(m,)``, whose they are.
        probes: features of edited images.
        identity: ``(n,)``, whose these are.
    """
    owner, wanted = torch.as_tensor(owners), torch.as_tensor(identity)
    if len(owner) != len(gallery) or len(wanted) != len(probes) or not len(gallery):
        raise UsageError(
            f"owners, identity: expected {len(gallery)} (at least one) and {len(probes)}, got {len(owner)} and "
            f"{len(wanted)}"
        )
    closest = torch.cat([torch.cdist(part, gallery).argmin(1) for part in torch.split(probes, BATCH)])
    return means(owner[closest] == wanted, wanted)


def change(
    images: Images, edited: Images, regions: Bool[Tensor, "n height width"], identity: ArrayLike
) -> dict[str, Drawn]:
    """Mean absolute change of a value ``inside`` and ``outside`` the true regions, each ``(1 + resamples,)``.

    Where a region is empty, the whole image is outside of it.
    """
    _alike(images, edited)
    if regions.shape != (len(images), *images.shape[2:]):
        raise UsageError(f"regions: expected one for each image of {tuple(images.shape)}, got {tuple(regions.shape)}")
    moved = (edited - images).abs().mean(1).double()
    columns = [torch.stack([(moved * each).sum((1, 2)), each.sum((1, 2))], 1) for each in (regions, ~regions)]
    drawn = (sums(column, identity).T for column in columns)
    return {name: _ratio(*each) for name, each in zip(("inside", "outside"), drawn, strict=True)}


def _ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """One batch: contrast and structure at every scale, and at the last one luminance, too."""
    result: Tensor = torch.ones(())
    weights = [weight for k, weight in enumerate(SCALES) if min(x.shape[2:]) >> k >= WINDOW]
    for k, weight in enumerate(weights):
        x, y = (avg_pool2d(each, 2) for each in (x, y)) if k else (x, y)
        mean_x, mean_y, xx, yy, xy = (_blurred(each) for each in (x, y, x * x, y * y, x * y))
        covariance, variances = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
        similar = (2 * covariance + 0.03**2) / (variances + 0.03**2)
        if k == len(weights) - 1:
            similar = similar * (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        result = result * similar.mean((2, 3)).clamp(min=0) ** (weight / sum(weights))
    return result.mean(1)


def _blurred(images: Tensor) -> Tensor:
    """The mean under a Gaussian window, at every place that it fits into."""
    line = torch.exp(-((torch.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2)).to(images)
    line = (line / line.sum()).expand(images.shape[1], 1, 1, -1)
    return conv2d(conv2d(images, line, groups=len(line)), line.mT, groups=len(line))


def _ratio(above: Drawn, below: Drawn) -> Drawn:
    result: Drawn = ratio(above, below)
    return result


def _alike(images: Tensor, others: Tensor) -> None:
    if images.shape != others.shape or images.ndim != 4:
        raise UsageError(
            f"images: expected two image batches of one shape, got {tuple(images.shape)} and {tuple(others.shape)}"
        )
