"""The terms of equations 3.1 to 3.9, one function each, and those that look at an edited image.

Labels are floats: 1 present, 0 absent, 0.5 unknown; a label of 0.5 has no weight where labels are read. Where the
dissertation sums, these are means, so that weights depend on neither the batch nor the size of the images.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import relu, softplus

__all__ = [
    "adversarial", "center", "discrimination", "gradient_penalty", "labelled", "others_undecided", "prior",
    "realism", "reconstruction", "same_code", "smoothness", "undecided",
]  # fmt: skip

Images = Float[Tensor, "batch channels height width"]
Codes = Float[Tensor, "batch attributes q"]
Labels = Float[Tensor, "batch attributes"]
Scalar = Float[Tensor, ""]


def reconstruction(
    images: Images, drawn: Images, *, kappa: float = 0.0, power: int = 2, weight: Tensor | None = None
) -> Scalar:
    """Equation 3.1: max(mean squared error, kappa); ``power`` 1 is the absolute error, ``weight`` one of each pixel."""
    error = (images - drawn).abs().pow(power)
    return (error if weight is None else error * weight).mean().clamp(min=kappa)


def discrimination(real: Tensor, *fakes: Tensor) -> Scalar:
    """Equation 3.2 as D minimises it: real image-label pairs are told from generated ones."""
    return torch.stack([softplus(-real).mean(), *(softplus(fake).mean() for fake in fakes)]).sum()


def realism(*fakes: Tensor) -> Scalar:
    """Equation 3.2 as E and G minimise it, non-saturating."""
    return torch.stack([softplus(-fake).mean() for fake in fakes]).mean()


def gradient_penalty(judged: Tensor, inputs: Tensor) -> Scalar:
    """R1 of Mescheder et al. 2018: squared norm of the gradient of what was judged, mean over the inputs."""
    (gradient,) = torch.autograd.grad(judged.sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def labelled(logits: Tensor, labels: Tensor) -> Scalar:
    """Cross entropy with the labels that are known: of C_inv, C_attr, H (``spec``) and the critic's labels."""
    known = (labels != 0.5).to(logits.dtype)
    return (cross_entropy(logits, labels, reduction="none") * known).sum() / known.sum().clamp(min=1)


def adversarial(logits: Labels, labels: Labels) -> Scalar:
    """Equation 3.3 as printed: E makes C_inv fail, by the negative of its loss."""
    return -labelled(logits, labels)


def undecided(logits: Tensor) -> Scalar:
    """Cross entropy with 0.5: a reader who cannot tell. Unlike a wrong reader, one that tells nothing."""
    return cross_entropy(logits, torch.full_like(logits, 0.5))


def others_undecided(logits: Float[Tensor, "batch attributes attributes"], labels: Labels) -> Scalar:
    """Equation 3.4 as E minimises it: ``logits[:, i, j]``, of label j from code i, right for i and undecided else."""
    own = labelled(torch.diagonal(logits, dim1=1, dim2=2), labels)
    count = logits.shape[1]
    if count == 1:
        return own
    other = ~torch.eye(count, dtype=torch.bool, device=logits.device)
    return own + undecided(logits[:, other])


def center(codes: Codes, labels: Labels, centroids: Tensor, sigma: Tensor, floor: float = 0.1) -> Scalar:
    """Equation 3.6: squared distance to the centroid of the code's class over sigma, mean over what is labelled.

    Args:
        codes: of a batch.
        labels: theirs.
        centroids: ``(attributes, 2, q)``.
        sigma: ``(attributes, 2)`` of equation 3.5, the distance of each centroid to the plane of H.
        floor: the least sigma, for a plane through a centroid has none.
    """
    distance = (codes[:, :, None] - centroids).square().sum(3) / sigma.clamp(min=floor)
    of_class = torch.stack([(labels == 0), (labels == 1)], 2).to(distance.dtype)
    return (distance * of_class).sum() / of_class.sum().clamp(min=1)


def prior(codes: Tensor, beta: float) -> Scalar:
    """Equation 3.9: ReLU(abs(code) - beta), which keeps codes in a box."""
    return relu(codes.abs() - beta).mean()


def same_code(codes: Tensor, wanted: Tensor, weight: Tensor | None = None) -> Scalar:
    """Squared difference of codes, mean; ``weight`` ``(batch, attributes)`` says which attributes count."""
    error = (codes - wanted).square().mean(-1)
    return error.mean() if weight is None else (error * weight).sum() / weight.sum().clamp(min=1)


def smoothness(mask: Float[Tensor, "batch 1 height width"]) -> Scalar:
    """Total variation of masks, anisotropic, per pixel."""
    return (mask[:, :, 1:] - mask[:, :, :-1]).abs().mean() + (mask[..., 1:] - mask[..., :-1]).abs().mean()
