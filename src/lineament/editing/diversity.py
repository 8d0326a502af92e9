"""Do the draws of Diverse Swap differ as the real thing does, and nowhere else?"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from numpy.typing import ArrayLike
from torch import Tensor

from lineament.datasets.portraits.picture import VISIBLE
from lineament.editing.intervals import Drawn, means, ratio, sums
from lineament.errors import UsageError

__all__ = ["diversity", "drawn_region", "feature_diversity"]


def drawn_region(
    renderings: Float32[Tensor, "n count channels height width"], without: Float32[Tensor, "n channels height width"]
) -> Bool[Tensor, "n height width"]:
    """Where an attribute can be: the pixels that any of its true renderings changes visibly.

    Args:
        renderings: each portrait with the attribute in ``count`` styles.
        without: the same without it.
    """
    return ((renderings - without[:, None]).abs() > VISIBLE).any(2).any(1)


def diversity(
    draws: Float32[Tensor, "n count channels height width"],
    truth: Float32[Tensor, "n renderings channels height width"],
    regions: Bool[Tensor, "n height width"],
    identity: ArrayLike,
) -> dict[str, Drawn]:
    """How much draws of one face differ, each ``(1 + resamples,)``.

    The distance of two draws is the mean absolute difference of a value; of a face it is averaged over all pairs.

    Args:
        draws: each image with several draws of the attribute.
        truth: the same images rendered with it in random styles.
        regions: where it can be, as of `drawn_region`; a face whose region is empty tells nothing of the inside.
        identity: ``(n,)``.

    Returns:
        - ``inside``: the distance of draws in the region as a share of that of true renderings.
        - ``outside``: the distance of draws outside; ``outside_truth`` that of true renderings, what cannot be avoided.
    """
    inside, outside = (_differences(draws, each) for each in (regions, ~regions))
    real, unavoidable = (_differences(truth, each) for each in (regions, ~regions))
    drawn = sums(torch.stack([inside, real], 1), identity)
    return {
        "inside": ratio(drawn[:, 0], drawn[:, 1]),
        "outside": means(outside, identity),
        "outside_truth": means(unavoidable, identity),
    }


def feature_diversity(draws: Float[Tensor, "n count d"], real: Float[Tensor, "m d"], identity: ArrayLike) -> Drawn:
    """Root mean squared distance of two draws of a face over that of two real images, ``(1 + resamples,)``.

    For faces of which no other truth is known. Real images differ in more than the attribute, so 1 is out of reach.

    Args:
        draws: features of the draws of each image.
        real: features of real images that have the attribute.
        identity: ``(n,)``, of the drawn ones.
    """
    if draws.ndim != 3 or real.ndim != 2 or draws.shape[1] < 2 or len(real) < 2:
        raise UsageError(
            f"draws, real: expected (n, 2 or more, d) and (2 or more, d), got {tuple(draws.shape)}, {tuple(real.shape)}"
        )
    spread, whole = draws.double().var(1).sum(1), float(real.double().var(0).sum())  # half of the mean squared distance
    return np.sqrt(means(spread, identity) / whole)


def _differences(stack: Tensor, regions: Tensor) -> Tensor:
    """Mean absolute difference over pairs of ``(n, count, channels, h, w)`` and pixels of regions ``(n,)``, or 0."""
    n, count, channels = stack.shape[:3]
    if count < 2 or regions.shape != (n, *stack.shape[3:]):
        raise UsageError(
            f"draws: expected two or more for each of {len(regions)} regions, got shape {tuple(stack.shape)} "
            f"for {tuple(regions.shape)}"
        )
    # in rising order, the k-th of count values is subtracted from below count - 1 - k times and from above k times
    order = torch.arange(count) * 2.0 - (count - 1)
    pairs = torch.einsum("k,nkchw->nhw", order, stack.sort(1).values) / (count * (count - 1) / 2 * channels)
    return (pairs * regions).sum((1, 2)) / regions.sum((1, 2)).clamp(min=1)
