"""The terms of equations 4.6 to 4.16, one function each.

Where the dissertation sums over pixels these are means, so that weights do not depend on the size of the images; sums
over the two classes are means over a batch that holds as many images of each.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import nll_loss, softplus

__all__ = [
    "classification", "composed", "consistency", "count", "discrimination", "entropy", "gradient_penalty",
    "realism", "reconstruction", "smoothness",
]  # fmt: skip

Images = Float[Tensor, "batch channels height width"]
Masks = Float[Tensor, "batch 1 height width"]
Logits = Float[Tensor, " logits"]


def composed(images: Images, transformed: Images, mask: Masks) -> Images:
    """Equation 4.5: the transformed image inside the mask, the original outside."""
    return images * (1 - mask) + transformed * mask


def discrimination(real: Logits, *fakes: Logits) -> Float[Tensor, ""]:
    """What the discriminators minimise, equation 4.8 negated: reals once, and each kind of fake once."""
    losses = [softplus(-real).mean(), *(softplus(fake).mean() for fake in fakes)]
    return torch.stack(losses).sum()


def realism(*fakes: Logits) -> Float[Tensor, ""]:
    """What the generator minimises for equations 4.7 and 4.8, non-saturating: -log D(fake) for each kind of fake."""
    return torch.stack([softplus(-fake).mean() for fake in fakes]).sum()


def gradient_penalty(real: Logits, images: Images) -> Float[Tensor, ""]:
    """R1 of Mescheder et al. 2018: the squared norm of the discriminator's gradient at real images, mean over them."""
    (gradient,) = torch.autograd.grad(real.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def classification(
    log_probabilities: Float[Tensor, "batch classes"], target: Int64[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Equations 4.9 and 4.10: -log of the classifier's probability of the class a composite was made for."""
    return nll_loss(log_probabilities, target)


def reconstruction(images: Images, reconstructed: Images) -> Float[Tensor, ""]:
    """Equation 4.11: the squared error of the reconstruction."""
    return (reconstructed - images).square().mean()


def consistency(images: Images, transformed: Images, mask: Masks) -> Float[Tensor, ""]:
    """Equation 4.13: what the transformed image changes outside the mask, squared."""
    return ((1 - mask) * (images - transformed)).square().mean()


def count(mask: Masks, kappa: float) -> Float[Tensor, ""]:
    """Equation 4.14: the share of pixels that change, but no reward for fewer than ``kappa``."""
    return mask.abs().flatten(1).mean(1).clamp(min=kappa).mean()


def smoothness(mask: Masks) -> Float[Tensor, ""]:
    """Equation 4.15: total variation of the mask, anisotropic, per pixel."""
    down = (mask[:, :, 1:] - mask[:, :, :-1]).abs().sum((1, 2, 3))
    right = (mask[:, :, :, 1:] - mask[:, :, :, :-1]).abs().sum((1, 2, 3))
    return (down + right).mean() / mask[0].numel()


def entropy(mask: Masks) -> Float[Tensor, ""]:
    """Equation 4.16: how far mask values are from 0 or 1, whichever is nearer."""
    return torch.minimum(mask, 1 - mask).mean()
