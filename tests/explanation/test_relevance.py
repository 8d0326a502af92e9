"""Relevance propagation by hand, by a slow reading of its equations, by Captum, and what it must conserve."""

from collections.abc import Callable

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import Tensor, nn

from lineament.classifier import from_module
from lineament.explanation.attribution import attribute
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import log_odds
from tests.explanation.small_networks import Convolutional, Residual, between_two, initialised, some_images

YES = torch.ones(4, dtype=torch.int64)


@pytest.fixture
def images() -> Tensor:
    return some_images(4)


def perceptron(images: Tensor, bend: nn.Module | None = None) -> nn.Sequential:
    layers = [nn.Flatten(), nn.Linear(64, 9), bend or nn.ReLU(), nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 1)]
    return initialised(nn.Sequential(*layers), images)  # type: ignore[return-value]


def with_one_logit(network: nn.Module) -> Decisions:
    return Decisions(from_module(network), ("no", "yes"), column=0)


@pytest.mark.parametrize(("method", "wanted"), [("lrp_z_plus", [0.5, -1.0]), ("lrp_alpha_beta", [0.4, -3.5])])
def test_two_pixels_and_two_units_by_hand(method: str, wanted: list[float]) -> None:
    """Units 2 x - 2 y + 0.5 and x + 2 y - 1 at (1, 0.5) are 1.5 and 1; the logit 1.5 - 2 gives them 1.5 and -2.

    z+: of 1.5 all goes to x, for y lowers the first unit; of -2 each gets -1. alpha-beta: x gets 2 * 1.5 * 2 / 2.5 =
    2.4 and y -1.5; of the second unit's -2, both get 2 * -2 * 1 / 2 = -2, and its bias what is left.
    """
    first, last = nn.Linear(2, 2), nn.Linear(2, 1, bias=False)
    first.weight.data, first.bias.data = torch.tensor([[2.0, -2.0], [1.0, 2.0]]), torch.tensor([0.5, -1.0])
    last.weight.data = torch.tensor([[1.0, -2.0]])
    decisions = with_one_logit(nn.Sequential(nn.Flatten(), first, nn.ReLU(), last))
    maps = attribute(method, decisions, torch.tensor([[[[1.0, 0.5]]]]), YES[:1])
    torch.testing.assert_close(maps, torch.tensor([[wanted]]))


Share = Callable[[Tensor, Tensor], Tensor]
"""Contributions (outputs, inputs) and biases (outputs,) of one layer to the share of relevance that each input gets."""


def epsilon_share(parts: Tensor, bias: Tensor) -> Tensor:
    output = parts.sum(1) + bias
    epsilon = 0.25 * output.square().mean().sqrt()
    return parts / (output + epsilon * output.sign())[:, None]


def alpha_beta_share(parts: Tensor, bias: Tensor) -> Tensor:
    raised = parts.clamp(min=0) / (parts.clamp(min=0).sum(1) + bias.clamp(min=0))[:, None]
    lowered = parts.clamp(max=0) / (parts.clamp(max=0).sum(1) + bias.clamp(max=0))[:, None]
    return 2 * raised - lowered


def z_plus_share(parts: Tensor, bias: Tensor) -> Tensor:
    return parts.clamp(min=0) / parts.clamp(min=0).sum(1, keepdim=True)


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.LeakyReLU(0.3, inplace=True), nn.GELU(), nn.ELU(inplace=True)])
@pytest.mark.parametrize(
    ("method", "share"),
    [("lrp_epsilon", epsilon_share), ("lrp_alpha_beta", alpha_beta_share), ("lrp_z_plus", z_plus_share)],
)
def test_a_slow_reading_of_the_equations_agrees(method: str, share: Share, bend: nn.Module, images: Tensor) -> None:
    network = perceptron(images, bend)
    found = attribute(method, with_one_logit(network), images, YES)
    for image, got in zip(images, found, strict=True):
        first, second, last = (network[i] for i in (1, 3, 5))
        inputs = image.flatten()
        hidden = bend(first(inputs))
        outputs = second(hidden).relu()
        relevance = (last.weight * outputs)[0]
        for layer, given in ((second, hidden), (first, inputs)):
            relevance = (share(layer.weight * given, layer.bias) * relevance[:, None]).sum(0)
        torch.testing.assert_close(got.flatten(), relevance.detach(), rtol=1e-3, atol=1e-4)


CAPTUM_WARNS = pytest.mark.filterwarnings("ignore:Setting forward, backward hooks", "ignore:Input Tensor 0 did not")


@CAPTUM_WARNS
def test_captum_agrees_on_z_plus(images: Tensor) -> None:
    network = initialised(Convolutional(outputs=1), images).eval()
    for layer in (network.first, network.second, network.hidden):
        layer.rule = Alpha1_Beta0_Rule(set_bias_to_zero=True)
    network.logits.rule = EpsilonRule(1e-9)
    found = attribute("lrp_z_plus", with_one_logit(network), images, YES)
    expected = LRP(network).attribute(images, target=0)[:, 0].detach()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


@CAPTUM_WARNS
def test_captum_agrees_on_epsilon(images: Tensor) -> None:
    network = initialised(Convolutional(outputs=1), images).eval()
    found = attribute("lrp_epsilon", with_one_logit(network), images, YES)
    for image, got in zip(images, found, strict=True):  # ours is a share of each image's own activations
        layers = [network.first, network.second, network.hidden]
        first = network.first(image[None])
        second = network.second(network.pool(first.relu()))
        outputs = [first, second, network.hidden(second.relu().flatten(1))]
        for layer, output in zip(layers, outputs, strict=True):
            layer.rule = EpsilonRule(0.25 * float(output.detach().square().mean().sqrt()))
        network.logits.rule = EpsilonRule(1e-9)
        expected = LRP(network).attribute(image[None], target=0)[0, 0].detach()
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-5)


def test_an_epsilon_of_zero_is_input_x_gradient(images: Tensor) -> None:
    decisions = between_two(initialised(Residual(), images))
    maps = attribute("lrp_epsilon", decisions, images, YES, epsilon=0.0)
    torch.testing.assert_close(maps, attribute("input_x_gradient", decisions, images, YES), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(maps, attribute("lrp_epsilon", decisions, images, YES), rtol=0.1)


@pytest.mark.parametrize("method", ["lrp_alpha_beta", "lrp_z_plus"])
@pytest.mark.parametrize("target", [0, 1])
def test_without_biases_relevance_is_conserved_around_skips(method: str, target: int, images: Tensor) -> None:
    decisions = between_two(initialised(Residual(bias=False), images))
    maps = attribute(method, decisions, images, target * YES)
    torch.testing.assert_close(maps.sum((1, 2)), log_odds(decisions, images, target * YES), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", ["lrp_epsilon", "lrp_alpha_beta", "lrp_z_plus"])
@pytest.mark.parametrize("affine", [True, False])
def test_normalisation_is_folded_into_the_layer_before_it(method: str, affine: bool, images: Tensor) -> None:
    def network(*norms: nn.Module) -> nn.Sequential:
        convolution = nn.Conv2d(1, 4, 3, bias=False) if norms else nn.Conv2d(1, 4, 3)
        flat = [nn.Flatten(), nn.Linear(144, 5), *norms[1:], nn.ReLU(), nn.Linear(5, 2)]
        return nn.Sequential(convolution, *norms[:1], nn.ReLU(), *flat)

    apart = initialised(network(nn.BatchNorm2d(4, affine=affine), nn.BatchNorm1d(5, affine=affine)), images)
    for _ in range(3):
        apart(some_images(16, seed=3))
    folded = network()
    with torch.no_grad():
        for layer, norm, merged in ((apart[0], apart[1], folded[0]), (apart[4], apart[5], folded[3])):
            scale = (norm.weight if affine else 1) / (norm.running_var + norm.eps).sqrt()
            merged.weight.copy_(layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1)))
            bias = 0 if layer.bias is None else layer.bias
            merged.bias.copy_((bias - norm.running_mean) * scale + (norm.bias if affine else 0))
        folded[5].load_state_dict(apart[7].state_dict())
    torch.testing.assert_close(between_two(apart)(images), between_two(folded)(images))
    maps = [attribute(method, between_two(network), images, YES) for network in (apart, folded)]
    torch.testing.assert_close(*maps, rtol=1e-3, atol=1e-4)


def test_a_network_without_such_layers_is_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="no nn.Linear or nn.Conv2d"):
        attribute("lrp_z_plus", between_two(nn.Flatten()), images[:, :, :1, :2], YES)
