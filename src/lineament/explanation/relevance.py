"""Layer-wise relevance propagation (Bach et al. 2015) by its rules epsilon, alpha-beta and z+.

Relevance is carried as the factor c of an activation a: R = a c. Written so, what (leaky) ReLU, sums of branches,
pooling, reshaping and cropping do to relevance is what they do to a gradient, and only linear layers need a rule:
there the forward value stays and the backward pass is the rule's. So any network of such parts is served, however it
is written, and the map is image times c.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import slope, with_own_network

__all__ = ["lrp_alpha_beta", "lrp_epsilon", "lrp_z_plus"]

Images = Float32[Tensor, "n channels height width"]
Classes = Int64[Tensor, " n"]
Maps = Float32[Tensor, "n height width"]
Layer = nn.Linear | nn.Conv2d
Rule = Callable[[Layer, Tensor, Tensor, Tensor], Tensor]
"""A layer, its input, weight and bias (shaped to be added) to its output, which propagates relevance backwards."""

EPSILON = 0.25
"""Share of the layer's root mean square that is added to denominators, after Montavon et al. 2019."""

_CURVED = (nn.ELU, nn.GELU, nn.SiLU, nn.Softsign, nn.Tanh)
"""Activations through 0 that are not straight lines on either side: relevance passes them whole."""


def lrp_epsilon(decisions: Decisions, images: Images, target: Classes, *, epsilon: float = EPSILON) -> Maps:
    """Epsilon rule: a layer's inputs share relevance as they share its output, and weak outputs lose theirs.

    Args:
        decisions, images, target: as in `attribution.attribute`.
        epsilon: what is added to the outputs' magnitude, in units of their root mean square in each image. With 0 the
            map is that of input x gradient.
    """
    if not epsilon >= 0:
        raise UsageError(f"epsilon: expected 0 or more, got {epsilon}")
    return _propagated(decisions, images, target, partial(_epsilon, share=epsilon))


def lrp_alpha_beta(
    decisions: Decisions, images: Images, target: Classes, *, alpha: float = 2.0, beta: float = 1.0
) -> Maps:
    """Alpha-beta rule: what raised a layer's output shares ``alpha`` parts of relevance, what lowered it ``-beta``.

    Args:
        decisions, images, target: as in `attribution.attribute`.
        alpha, beta: their difference is 1, so that relevance is neither made nor lost.
    """
    if not (beta >= 0 and abs(alpha - beta - 1) < 1e-6):
        raise UsageError(f"alpha, beta: expected alpha - beta = 1 and beta >= 0, got {alpha} and {beta}")
    return _propagated(decisions, images, target, partial(_alpha_beta, alpha=alpha, beta=beta))


def lrp_z_plus(decisions: Decisions, images: Images, target: Classes) -> Maps:
    """z+ rule (Montavon et al. 2017): only what raised a layer's output shares relevance, and biases take none."""
    return _propagated(decisions, images, target, _z_plus)


def _propagated(decisions: Decisions, images: Tensor, target: Tensor, rule: Rule) -> Tensor:
    """Image times c. A logit's sign says nothing, so relevance leaves the output layer by the epsilon rule."""
    decisions, module = with_own_network(decisions, "relevance propagation")
    layers = [layer for layer in module.modules() if isinstance(layer, Layer)]
    if not layers:
        raise UsageError("relevance propagation: no nn.Linear or nn.Conv2d in this network; try input_x_gradient")
    rules = dict.fromkeys(layers, rule) | {layers[-1]: partial(_epsilon, share=EPSILON) if ... else rule}
    return images
