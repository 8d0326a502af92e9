"""Inside a network: a copy of it to put hooks on, what it first sees of an image, and where in the image that lies.

A detector looks at a crop, perhaps at its mirror image as well, and at values of another range; it may be several
networks, each with a part of the face. What a method says of their inputs is laid back over the image along the way
the pixels came.
"""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from lineament.classifier import AdaptedClassifier, from_module
from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import Images, Maps

__all__ = ["first_seen", "laid_back", "with_own_network"]


def with_own_network(decisions: Decisions, method: str) -> tuple[Decisions, nn.Module]:
    """The same decisions by a copy of the network that shares its weights, and that copy, to put hooks on.

    Raises ``UsageError`` naming ``method`` if there is no torch module inside the classifier.
    """
    classifier = decisions.classifier
    module = classifier.module if isinstance(classifier, AdaptedClassifier) else classifier
    if not isinstance(module, nn.Module):
        raise UsageError(f"{method} looks into a network's layers, and there is no torch module in this classifier")
    twin = from_module(module)
    assert twin.module is not None
    return replace(decisions, classifier=twin), twin.module


def first_seen(module: nn.Module, channels: int) -> list[Tensor]:
    """A list that fills as ``module`` runs: the inputs of its first convolutions, which take the image's channels.

    One tensor for each network; what several layers of one network look at, as a skip does, is listed once. No other is
    made of one that is listed, even where a network looks at the mirror image of what another saw.
    """
    given: list[Tensor] = []
    seen: list[Tensor] = []

    def look(_: nn.Module, inputs: tuple[Any, ...]) -> Tensor | None:
        if inputs[0].shape[1] != channels:
            return None
        known = [i for i, other in enumerate(given) if other is inputs[0]]
        if not known:
            given.append(inputs[0])
            seen.append(inputs[0].view_as(inputs[0]))
        return seen[known[0] if known else -1]

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(look)
    return seen


def laid_back(maps: Float32[Tensor, "m 1 rows columns"], seen: Tensor, images: Images) -> Maps:
    """Maps of what a network saw, where its pixels lie in the images: ``(n, height, width)``, 0 where it did not look.

    Args:
        maps: one value for each place of ``seen``.
        seen: ``(m, channels, rows, columns)``, made of ``images``.
        images: ``(n, channels, height, width)`` that require a gradient.
    """
    # the derivative of what was seen tells which pixels each of its places was made of, and in what shares
    values, shares = (
        torch.autograd.grad(seen, images, each.expand_as(seen), retain_graph=True)[0].sum(1)
        for each in (maps, torch.ones_like(maps))
    )
    return torch.where(shares.abs() > 1e-6, values / shares, 0.0)
