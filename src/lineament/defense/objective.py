"""The terms of the Wasserstein objective with gradient penalty (equation 5.6; Gulrajani et al. 2017)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["distance", "gradient_penalty", "interpolated"]

Images = Float[Tensor, "batch channels height width"]


def distance(real: Float[Tensor, " n"], made: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    """The critic's estimate of the Wasserstein distance: its mean over real images less that over made ones (5.6)."""
    return real.mean() - made.mean()


def interpolated(real: Images, made: Images) -> Images:
    """One image on the segment between each pair, at a uniform share that the whole image has in common."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    return torch.lerp(made, real, share)


def gradient_penalty(critic: Callable[[Tensor], Tensor], images: Images) -> Float[Tensor, ""]:
    """How far the norm of each image's own gradient is from 1, squared, in the mean over the batch.

    The norm is taken over all pixels and channels of one image; a norm over the channels alone, which some
    re-implementations have, asks for a far flatter critic.
    """
    images = images.detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    penalty: Tensor = (gradients.flatten(1).norm(dim=1) - 1).square().mean()
    return penalty
