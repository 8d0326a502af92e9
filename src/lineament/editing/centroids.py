"""Where the codes of each class lie: centroids with momentum, the planes between them, and how far codes spread."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Centroids"]

Codes = Float[Tensor, "batch attributes q"]
Labels = Float[Tensor, "batch attributes"]


class Centroids(nn.Module):
    """mu_i^c, the linear classifiers H_i, and the covariance of every class.

    Args:
        attributes: how many.
        code: q.
        momentum: alpha of equations 3.7 and 3.8: the share of the way to the mean of a batch.
    """

    means: Tensor
    products: Tensor

    def __init__(self, attributes: int, code: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.weights = nn.Parameter(torch.randn(attributes, code) / code**0.5)
        self.biases = nn.Parameter(torch.zeros(attributes))
        self.register_buffer("means", torch.zeros(attributes, 2, code))
        self.register_buffer("products", torch.eye(code).repeat(attributes, 2, 1, 1))

    def classify(self, codes: Codes) -> Labels:
        """H_i on a_i: the log-odds that attribute i is there."""
        return (codes * self.weights).sum(2) + self.biases

    @torch.no_grad()
    def move(self, codes: Codes, labels: Labels) -> None:
        """Equations 3.7 and 3.8, mu := mu - alpha mean(mu - a), over the codes of each class; covariances likewise."""
        of_class = torch.stack([labels == 0, labels == 1], 2).to(codes.dtype)
        count = of_class.sum(0)
        share = self.momentum * (count > 0).to(codes.dtype)
        weight = of_class / count.clamp(min=1)
        mean = torch.einsum("nlc,nlq->lcq", weight, codes)
        self.means.lerp_(mean, share[:, :, None])
        around = codes[:, :, None] - self.means
        product = torch.einsum("nlc,nlcq,nlcr->lcqr", weight, around, around)
        self.products.lerp_(product, share[:, :, None, None])

    def sigma(self) -> Float[Tensor, "attributes 2"]:
        """Equation 3.5: the distance of each centroid to the plane of its attribute's classifier."""
        heights = (self.means * self.weights[:, None]).sum(2) + self.biases[:, None]
        sigma: Tensor = heights.abs() / self.weights.norm(dim=1, keepdim=True).clamp(min=1e-6)
        return sigma

    def isotropic(self) -> Float[Tensor, "attributes 2 q q"]:
        """sigma_i^c I: the spread of section 3.3.1."""
        return torch.diag_embed(self.sigma()[:, :, None].expand_as(self.means))

    def measured(self) -> Float[Tensor, "attributes 2 q q"]:
        """Symmetric roots of the covariances, so that what is drawn spreads as codes of real images do."""
        values, vectors = torch.linalg.eigh(self.products)
        roots: Tensor = vectors @ torch.diag_embed(values.clamp(min=0).sqrt()) @ vectors.mT
        return roots
