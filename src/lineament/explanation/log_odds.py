"""What an attribution explains: the log-odds of one class against all others together, and how they follow the pixels.

For two classes these are the difference of the logits, or the one logit of an attribute. Unlike a probability they do
not flatten where the classifier is sure.
"""

from dataclasses import replace

import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn

from lineament.classifier import AdaptedClassifier, from_module
from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions

__all__ = ["log_odds", "slope", "with_own_network"]


def log_odds(
    decisions: Decisions, images: Float32[Tensor, "n channels height width"], target: Int64[Tensor, " n"]
) -> Float32[Tensor, " n"]:
    """``log p(target) - log p(not target)`` of each image, ``(n,)``; 0 where a choice between two classes flips."""
    chances = decisions(images)
    chosen = target[:, None]
    others = chances.scatter(1, chosen, -torch.inf).logsumexp(1)
    return chances.gather(1, chosen)[:, 0] - others


def slope(
    decisions: Decisions, images: Float32[Tensor, "n channels height width"], target: Int64[Tensor, " n"]
) -> Float32[Tensor, "n channels height width"]:
    """The gradient of the log-odds at the images, in their shape; nobody else's gradient is touched.

    Raises ``UsageError`` for a classifier that calls itself differentiable while no gradient reaches the images.
    """
    asked = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        odds = log_odds(decisions, asked, target)
        if not odds.requires_grad:
            raise UsageError(
                "the classifier calls itself differentiable, but no gradient reaches the images; occlusion"
            )
        found: Tensor = torch.autograd.grad(odds.sum(), asked)[0]
    return found


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
