"""Two counterfactuals that need no training: the nearest real image of the other class, and an adversarial one.

They are printed beside every explanation: the first is surely of the other class but another image altogether, the
second is nearly the same image but of the other class to this classifier alone.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import slope
from lineament.images import check_images

__all__ = ["nearest", "pgd"]

BATCH = 256
BLOCK = 8_000_000
"""Distances held at a time, which bounds the memory."""


@torch.no_grad()
def nearest(
    images: Float32[Tensor, "n channels height width"],
    target: Int64[Tensor, " n"],
    candidates: Float32[Tensor, "m channels height width"],
    classes: Int64[Tensor, " m"],
) -> Float32[Tensor, "n channels height width"]:
    """For each image the candidate of its target class that is nearest in L2.

    Args:
        images: what is to be explained.
        target: the class wanted of each.
        candidates: real images of the same size, such as the explainer's training images.
        classes: what the classifier predicts for each candidate.

    Raises:
        UsageError: candidates of another size, or none of a target class.
    """
    check_images(images)
    check_images(candidates, name="candidates")
    if candidates.shape[1:] != images.shape[1:] or len(classes) != len(candidates) or len(target) != len(images):
        raise UsageError(
            f"candidates: expected images of shape {tuple(images.shape[1:])} with a class each, and a target for each "
            f"image; got {len(classes)} classes for {tuple(candidates.shape)}, {len(target)} targets for {len(images)}"
        )
    found = torch.empty_like(images)
    for wanted in torch.unique(target).tolist():
        chosen = candidates[classes == wanted]
        if not len(chosen):
            raise UsageError(f"candidates: none is of class {wanted}, so no image can be brought to it; pass more")
        asked = target == wanted
        found[asked] = chosen[_nearest(images[asked].flatten(1), chosen.flatten(1))]
    return found


def _nearest(points: Tensor, others: Tensor) -> Tensor:
    """The row of ``others`` at the least distance; a point's own norm does not change which that is."""
    half = others.square().sum(1) / 2
    rows = max(1, BLOCK // len(others))
    return torch.cat([(half - part @ others.T).argmin(1) for part in torch.split(points, rows)])


def pgd(
    decisions: Decisions,
    images: Float32[Tensor, "n channels height width"],
    target: Int64[Tensor, " n"],
    *,
    epsilon: float,
    steps: int = 40,
    seed: int = 0,
) -> Float32[Tensor, "n channels height width"]:
    """Projected gradient descent (Madry et al. 2018) in L-infinity towards a class, from a random start.

    Steps of ``2.5 * epsilon / steps`` up the log-odds of the target; between two classes that is the untargeted attack.

    Args:
        decisions: with a gradient.
        images: what is to be changed.
        target: the class wanted of each.
        epsilon: how far a value may move, in (0, 1].
        steps: gradient steps.
        seed: of the start.

    Raises:
        UsageError: a classifier without a gradient, or ``epsilon`` or ``steps`` out of range.
    """
    check_images(images)
    if not decisions.differentiable:
        raise UsageError("pgd follows the gradient, which this classifier does not give; train a student on it first")
    if not 0 < epsilon <= 1 or steps < 1:
        raise UsageError(f"pgd: expected epsilon in (0, 1] and at least 1 step, got {epsilon} and {steps}")
    low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
    start = torch.rand(images.shape, generator=torch.Generator().manual_seed(seed)).to(images.device)
    moved = torch.lerp(low, high, start)
    for part in torch.split(torch.arange(len(images), device=images.device), BATCH):
        found = moved[part]
        for _ in range(steps):
            step = 2.5 * epsilon / steps * slope(decisions, found, target[part]).sign()
            found = (found + step).clamp(low[part], high[part])
        moved[part] = found
    return moved
