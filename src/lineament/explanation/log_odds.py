"""What an attribution explains: the log-odds of one class against all others together, and how they follow the pixels.

For two classes these are the difference of the logits, or the one logit of an attribute. Unlike a probability they do
not flatten where the classifier is sure.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions

__all__ = ["Classes", "Images", "Maps", "log_odds", "slope"]

Images = Float32[Tensor, "n channels height width"]
Classes = Int64[Tensor, " n"]
Maps = Float32[Tensor, "n height width"]


def log_odds(decisions: Decisions, images: Images, target: Classes) -> Float32[Tensor, " n"]:
    """``log p(target) - log p(not target)`` of each image, ``(n,)``; 0 where a choice between two classes flips."""
    chances = decisions(images)
    chosen = target[:, None]
    others = chances.scatter(1, chosen, -torch.inf).logsumexp(1)
    return chances.gather(1, chosen)[:, 0] - others


@torch.enable_grad()
def slope(decisions: Decisions, images: Images, target: Classes) -> Images:
    """The gradient of the log-odds at the images, in their shape; nobody else's gradient is touched.

    Raises ``UsageError`` for a classifier that calls itself differentiable while no gradient reaches the images.
    """
    asked = images.detach().clone().requires_grad_()
    odds = log_odds(decisions, asked, target)
    if not odds.requires_grad:
        raise UsageError(
            "the classifier calls itself differentiable, but no gradient reaches the images; wrap it with "
            "from_function and explain it by occlusion"
        )
    found: Tensor = torch.autograd.grad(odds.sum(), asked)[0]
    return found
