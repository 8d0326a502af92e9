"""Grad-CAM (Selvaraju et al. 2017): the last feature map, each channel weighted by what it does for the target."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.inside import first_seen, laid_back, with_own_network
from lineament.explanation.log_odds import Classes, Images, Maps, log_odds

__all__ = ["grad_cam"]


@torch.enable_grad()
def grad_cam(decisions: Decisions, images: Images, target: Classes, *, side: int = 2) -> Maps:
    """What the last feature map says for the target, as large as the image; never negative.

    The last one is taken that any module gives: after its activation, and after a residual sum. Where several networks
    look at an image, their maps are added.

    Args:
        decisions, images, target: as in `attribution.attribute`.
        side: rows and columns that the feature map has at least; more for an earlier, finer one.

    Raises:
        UsageError: a classifier without a convolution, or with no feature map as large as ``side``.
    """
    decisions, module = with_own_network(decisions, "grad_cam")
    seen = first_seen(module, images.shape[1])
    features: dict[int, Tensor] = {}

    def keep(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        if seen and isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= side:
            features[len(seen) - 1] = output

    for layer in module.modules():
        layer.register_forward_hook(keep)
    images = images.detach().clone().requires_grad_()
    odds = log_odds(decisions, images, target)
    if not features:
        raise UsageError(f"grad_cam finds no feature map of {side} x {side} or more in this network; try saliency")
    slopes = torch.autograd.grad(odds.sum(), list(features.values()), retain_graph=True, materialize_grads=True)
    total = torch.zeros_like(images[:, 0])
    for (network, feature), slope in zip(features.items(), slopes, strict=True):
        cam = (slope.mean((2, 3), keepdim=True) * feature).sum(1, keepdim=True).relu()
        cam = interpolate(cam, seen[network].shape[2:], mode="bilinear", align_corners=False)
        total += laid_back(cam, seen[network], images)
    return total
