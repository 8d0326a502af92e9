"""Grad-CAM (Selvaraju et al. 2017): the last feature map, each channel weighted by what it does for the target.

The map is laid back over the image along the way the pixels came, so that it is in its place for a network that looks
at a crop, at the mirror image as well, or is one of several, each with a part of the face.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import log_odds, with_own_network

__all__ = ["grad_cam"]


@dataclass
class _Network:
    """What one network's first convolution saw, and the last feature map it made of that."""

    seen: Tensor
    features: Tensor


def grad_cam(
    decisions: Decisions, images: Float32[Tensor, "n channels height width"], target: Int64[Tensor, " n"]
) -> Float32[Tensor, "n height width"]:
    """What the last feature map with more than one row and column says for the target; never negative.

    The feature map is the last one that any module gives: after its activation, and after a residual sum. Several
    networks' maps are added. Raises ``UsageError`` for a classifier without a convolution.
    """
    decisions, module = with_own_network(decisions, "grad_cam")
    networks: list[_Network] = []

    def watch(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        # what takes the image's channels is a first layer, unless it goes around another one
        if isinstance(layer, nn.Conv2d) and inputs[0].shape[1] == images.shape[1]:
            if all(inputs[0] is not network.seen for network in networks):
                networks.append(_Network(inputs[0], output))
        if networks and isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            networks[-1].features = output

    for layer in module.modules():
        layer.register_forward_hook(watch)
    asked = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        odds = log_odds(decisions, asked, target)
    if not networks:
        raise UsageError("grad_cam needs a convolution on the image, and this network has none; try saliency")
    features = [network.features for network in networks]
    slopes = torch.autograd.grad(odds.sum(), features, retain_graph=True, materialize_grads=True)
    return sum(
        (_laid_back(network, slope, asked) for network, slope in zip(networks, slopes, strict=True)),
        torch.zeros_like(images[:, 0]),
    )


def _laid_back(network: _Network, slope: Tensor, images: Tensor) -> Tensor:
    """One network's map where its pixels lie in the images; 0 where it does not look."""
    weighted = slope.mean((2, 3), keepdim=True) * network.features
    cam = weighted.sum(1, keepdim=True).relu()
    cam = interpolate(cam, network.seen.shape[2:], mode="bilinear", align_corners=False)
    # the derivative of what was seen tells which pixels each of its places was made of, and in what shares
    values, shares = (
        torch.autograd.grad(network.seen, images, grad.expand_as(network.seen), retain_graph=True)[0].sum(1)
        for grad in (cam, torch.ones_like(cam))
    )
    return torch.where(shares.abs() > 1e-6, values / shares, 0.0)
