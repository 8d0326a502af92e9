"""Layer-wise relevance propagation (Bach et al. 2015) by its rules epsilon, alpha-beta and z+.

Relevance is carried as the factor c of an activation a: R = a c. Written so, what (leaky) ReLU, sums of branches,
pooling, reshaping and dropout do to relevance is what they do to a gradient, and only linear layers need a rule: there
the forward value stays and the backward pass is the rule's. So any network of such parts is served, however it is
written. The output layer shares its relevance in proportion whatever the rule: a logit's sign says nothing, so there is
no raising or lowering it, and with a rule there z+ maps found places that moved a coat's log-odds about half as far.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.inside import first_seen, laid_back, with_own_network
from lineament.explanation.log_odds import Classes, Images, Maps, log_odds

__all__ = ["lrp_alpha_beta", "lrp_epsilon", "lrp_z_plus"]

Layer = nn.Linear | nn.Conv2d
Product = Callable[[Tensor, Tensor], Tensor]
"""A layer without its bias: input and weight to output."""
Rule = Callable[[Product, Tensor, Tensor, Tensor], Tensor]
"""Product, input, weight and bias to a tensor of the output's shape, whose gradient at the input is what counts."""

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
        alpha, beta: their difference is 1, so that relevance is neither made nor lost. An output that was
            only raised, or only lowered, is shared in proportion.
    """
    if not (beta >= 0 and abs(alpha - beta - 1) < 1e-6):
        raise UsageError(f"alpha, beta: expected alpha - beta = 1 and beta >= 0, got {alpha} and {beta}")
    return _propagated(decisions, images, target, partial(_alpha_beta, alpha=alpha, beta=beta))


def lrp_z_plus(decisions: Decisions, images: Images, target: Classes) -> Maps:
    """z+ rule (Montavon et al. 2017): only what raised a layer's output shares relevance, and biases take none."""
    return _propagated(decisions, images, target, _z_plus)


@torch.enable_grad()
def _propagated(decisions: Decisions, images: Tensor, target: Tensor, rule: Rule) -> Tensor:
    """What a network saw times c, laid back over the images."""
    decisions, module = with_own_network(decisions, "relevance propagation")
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    if not layers:
        raise UsageError("relevance propagation finds no nn.Linear or nn.Conv2d in this network; try input_x_gradient")
    convolved = first_seen(module, images.shape[1])
    _install(rule, layers[:-1], module)
    images = images.detach().clone().requires_grad_()
    odds = log_odds(decisions, images, target)
    total = torch.zeros_like(images[:, 0])
    seen = convolved or [images]
    for given, factor in zip(seen, torch.autograd.grad(odds.sum(), seen, retain_graph=True), strict=True):
        total += laid_back((given * factor).sum(1, keepdim=True), given, images)
    return total


def _install(rule: Rule, layers: list[Layer], module: nn.Module) -> None:
    """Hook the rule to the layers, each as one with the batch normalisation right after it, and to curved functions."""
    last: tuple[Tensor, Layer, Tensor] | None = None

    def linear(layer: Layer, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        nonlocal last
        given = inputs[0].clone()  # the network may go on to change it in place
        bias = layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
        output = _ruled(rule, layer, given, layer.weight, bias, output)
        last = output, layer, given
        return output

    def normalisation(norm: nn.BatchNorm1d | nn.BatchNorm2d, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        if last is None or inputs[0] is not last[0] or norm.running_mean is None or norm.running_var is None:
            return output
        _, layer, given = last
        scale = (norm.running_var + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
        bias = ((0 if layer.bias is None else layer.bias) - norm.running_mean) * scale
        bias = bias + (0 if norm.bias is None else norm.bias)
        return _ruled(rule, layer, given, layer.weight * _broadcast(scale, layer.weight, 0), bias, output)

    def curved(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        return inputs[0] * torch.where(inputs[0] == 0, 0, output / inputs[0]).detach()

    for part in module.modules():
        if part in layers:
            part.register_forward_hook(linear)
        elif isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.register_forward_hook(normalisation)
        elif isinstance(part, _CURVED):
            part.__dict__["inplace"] = False  # else its input would be gone
            part.register_forward_hook(curved)


def _ruled(rule: Rule, layer: Layer, given: Tensor, weight: Tensor, bias: Tensor, output: Tensor) -> Tensor:
    """The output with the rule's backward pass."""

    def product(inputs: Tensor, weight: Tensor) -> Tensor:
        if isinstance(layer, nn.Linear):
            return functional.linear(inputs, weight)
        convolved: Tensor = layer._conv_forward(inputs, weight, None)  # knows how the layer pads
        return convolved

    flow = rule(product, given, weight, _broadcast(bias, output, -1 if isinstance(layer, nn.Linear) else 1))
    return flow + (output - flow).detach()


def _epsilon(product: Product, given: Tensor, weight: Tensor, bias: Tensor, *, share: float) -> Tensor:
    output = product(given, weight) + bias
    size, scale = output.abs(), output.flatten(1).square().mean(1).sqrt()
    return output * _ratio(size, size + share * _broadcast(scale, output, 0))


def _alpha_beta(product: Product, given: Tensor, weight: Tensor, bias: Tensor, *, alpha: float, beta: float) -> Tensor:
    raised, lowered = _halves(product, given, weight)
    raised, lowered = raised + bias.clamp(min=0), lowered + bias.clamp(max=0)
    output = raised + lowered
    both = alpha * raised * _ratio(output, raised) - beta * lowered * _ratio(output, lowered)
    return torch.where(raised * lowered == 0, output, both)


def _z_plus(product: Product, given: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    raised, lowered = _halves(product, given, weight)
    return raised * _ratio(raised + lowered + bias, raised)


def _halves(product: Product, given: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """What raises the output and what lowers it; they add up to the product."""
    high, low, plus, minus = given.clamp(min=0), given.clamp(max=0), weight.clamp(min=0), weight.clamp(max=0)
    return product(high, plus) + product(low, minus), product(high, minus) + product(low, plus)


def _ratio(over: Tensor, under: Tensor) -> Tensor:
    return torch.where(under.abs() < 1e-12, 0, over / under).detach()


def _broadcast(values: Tensor, like: Tensor, dimension: int) -> Tensor:
    """A vector shaped to stretch along one dimension of ``like``."""
    shape = [1] * like.ndim
    shape[dimension] = -1
    return values.view(shape)
