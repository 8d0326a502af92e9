"""The detectors' loss: cross entropy per attribute, averaged over the batch, summed over attributes (eq. 2.4, 2.5)."""

from jaxtyping import Float, Real
from torch import Tensor
from torch.nn import functional as F

__all__ = ["attribute_loss"]


def attribute_loss(
    log_odds: Float[Tensor, "batch attributes"], labels: Real[Tensor, "batch attributes"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """The sum over attributes of the mean cross entropy of their known labels.

    The two-way softmax of equation 2.4 is the sigmoid of the difference of its logits, which is what comes in here.

    Args:
        log_odds: ``(batch, attributes)`` float.
        labels: ``(batch, attributes)``, 1 present, 0 absent, negative unknown (no loss); between 0 and 1 where two
            images were mixed.
        smoothing: share of certainty taken from each label, 0 for the published loss.
    """
    known = (labels >= 0).to(log_odds.dtype)
    target = labels.clamp(min=0).to(log_odds.dtype) * (1 - smoothing) + smoothing / 2
    each = F.binary_cross_entropy_with_logits(log_odds, target, reduction="none") * known
    return (each.sum(0) / known.sum(0).clamp(min=1)).sum()
