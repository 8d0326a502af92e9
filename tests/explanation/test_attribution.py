"""Maps agree with answers worked out by hand and with Captum, and explaining disturbs nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, Occlusion, Saliency
from torch import Tensor, nn

from lineament.classifier import from_function, from_module
from lineament.errors import JobError, UsageError
from lineament.explanation import attribution
from lineament.explanation.attribution import METHODS, attribute
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import log_odds
from tests.explanation.small_networks import Convolutional, Residual, between_two, initialised, some_images

WEIGHT = torch.tensor([[3.0, -1.0], [0.5, 2.0]])


@pytest.fixture
def images() -> Tensor:
    return some_images(5, channels=3)


@pytest.fixture
def target() -> Tensor:
    return torch.tensor([0, 1, 1, 0, 1])


@pytest.fixture
def decisions(images: Tensor) -> Decisions:
    return between_two(initialised(Convolutional(3), images))


def weighted() -> Decisions:
    """The log-odds of class 1 are the four pixels' weighted sum less 1."""
    layer = nn.Linear(4, 1)
    layer.weight.data, layer.bias.data = WEIGHT.flatten()[None], torch.tensor([-1.0])
    return Decisions(from_module(nn.Sequential(nn.Flatten(), layer)), ("no", "yes"), column=0)


PIXELS = torch.tensor([[[[1.0, 0.5], [0.0, 0.25]]]])
PRODUCT = torch.tensor([[[3.0, -0.5], [0.0, 0.5]]])


@pytest.mark.parametrize(
    ("method", "options", "wanted"),
    [
        ("gradient", {}, WEIGHT[None]),
        ("saliency", {}, WEIGHT[None].abs()),
        ("input_x_gradient", {}, PRODUCT),
        ("integrated_gradients", {}, PRODUCT),
        ("integrated_gradients", {"baseline": 0.5}, torch.tensor([[[1.5, 0.0], [-0.25, -0.5]]])),
        ("occlusion", {"window": 1}, PRODUCT),
        ("occlusion", {"window": 2}, PRODUCT.sum().expand(1, 2, 2)),
        ("occlusion", {"window": 1, "baseline": 1}, torch.tensor([[[0.0, 0.5], [-0.5, -1.5]]])),
        ("lrp_epsilon", {}, PRODUCT),
        ("lrp_alpha_beta", {}, PRODUCT),
        ("lrp_z_plus", {}, PRODUCT),
    ],
)
def test_a_weighted_sum_is_explained_by_its_weights(method: str, options: dict[str, float], wanted: Tensor) -> None:
    torch.testing.assert_close(attribute(method, weighted(), PIXELS, torch.tensor([1]), **options), wanted)
    against = wanted if method == "saliency" else -wanted
    torch.testing.assert_close(attribute(method, weighted(), PIXELS, torch.tensor([0]), **options), against)


def test_what_is_explained_are_the_log_odds_of_the_target_against_the_rest(images: Tensor) -> None:
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    three = Decisions(from_function(lambda x: logits.expand(len(x), 3)), ("a", "b", "c"))
    chance = logits.softmax(1)[0]
    for target in range(3):
        odds = log_odds(three, images[:1], torch.tensor([target]))
        torch.testing.assert_close(odds, (chance[target] / (1 - chance[target])).log()[None])


def captum_saliency(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    return Saliency(forward).attribute(images).amax(1)


def captum_gradient(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    return Saliency(forward).attribute(images, abs=False).sum(1)


def captum_input_x_gradient(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    return InputXGradient(forward).attribute(images).sum(1)


def captum_integrated_gradients(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    return IntegratedGradients(forward).attribute(images, n_steps=32, method="gausslegendre").sum(1)


def captum_occlusion(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    return Occlusion(forward).attribute(images, (3, 3, 3), strides=(3, 2, 2))[:, 0]


@pytest.mark.parametrize(
    ("method", "captum", "options"),
    [
        ("saliency", captum_saliency, {}),
        ("gradient", captum_gradient, {}),
        ("input_x_gradient", captum_input_x_gradient, {}),
        ("integrated_gradients", captum_integrated_gradients, {}),
        ("occlusion", captum_occlusion, {"window": 3, "stride": 2}),
    ],
)
def test_captum_agrees(
    method: str,
    captum: Callable[..., Tensor],
    options: dict[str, Any],
    decisions: Decisions,
    images: Tensor,
    target: Tensor,
) -> None:
    def forward(asked: Tensor) -> Tensor:
        return log_odds(decisions, asked, target.repeat(len(asked) // len(target)))

    # Captum adds up in double precision here and there
    expected = captum(forward, images.clone().requires_grad_()).detach().float()
    torch.testing.assert_close(attribute(method, decisions, images, target, **options), expected, rtol=1e-4, atol=1e-5)


def test_integrated_gradients_add_up_to_the_difference(decisions: Decisions, images: Tensor, target: Tensor) -> None:
    maps = attribute("integrated_gradients", decisions, images, target, baseline=0.3, steps=128)
    fall = log_odds(decisions, images, target) - log_odds(decisions, torch.full_like(images, 0.3), target)
    torch.testing.assert_close(maps.sum((1, 2)), fall, rtol=0.02, atol=0.02)


def test_occlusion_is_what_a_slow_reading_of_its_definition_gives(decisions: Decisions, target: Tensor) -> None:
    images = some_images(2, channels=3, side=8)[:, :, :7]  # neither square nor a whole number of strides
    total, count = torch.zeros(2, 7, 8), torch.zeros(7, 8)
    whole = log_odds(with_room(), images, target[:2])
    for top in (0, 3, 6):
        for left in (0, 3, 6):
            hidden = images.clone()
            hidden[:, :, top : top + 3, left : left + 3] = 0.5
            fall = whole - log_odds(with_room(), hidden, target[:2])
            total[:, top : top + 3, left : left + 3] += fall[:, None, None]
            count[top : top + 3, left : left + 3] += 1
    maps = attribute("occlusion", with_room(), images, target[:2], window=3, stride=3, baseline=0.5)
    torch.testing.assert_close(maps, total / count)


def with_room() -> Decisions:
    """A classifier without gradient, for images of any size."""
    return Decisions(
        from_function(lambda x: torch.stack([x[:, 0].square().mean((1, 2)), x.std((1, 2, 3))], 1)), ("a", "b")
    )


@pytest.mark.parametrize("network", [Convolutional, Residual])
@pytest.mark.parametrize("method", METHODS)
def test_explaining_leaves_everything_as_it_was(
    method: str, network: type[nn.Module], images: Tensor, target: Tensor
) -> None:
    module = initialised(network(3), images)
    for weight in module.parameters():
        weight.grad = torch.ones_like(weight)
    decisions = between_two(module)
    inner = decisions.classifier.module  # type: ignore[attr-defined]
    state = {name: value.clone() for name, value in module.state_dict().items()}
    asked = images.clone().requires_grad_()
    before = decisions(images)
    maps = attribute(method, decisions, asked, target)
    assert maps.shape == (5, 8, 8) and maps.dtype == torch.float32 and not maps.requires_grad
    assert maps.isfinite().all() and (method == "grad_cam" or maps.flatten(1).any(1).all())
    assert asked.grad is None and torch.equal(asked.detach(), images) and torch.equal(decisions(images), before)
    assert all(part.training for part in module.modules())
    assert all(torch.equal(module.state_dict()[name], value) for name, value in state.items())
    assert all(
        weight.requires_grad and torch.equal(weight.grad, torch.ones_like(weight)) for weight in module.parameters()
    )
    for part in [*module.modules(), *inner.modules()]:
        assert not part._forward_hooks and not part._forward_pre_hooks and not part._backward_hooks


@pytest.mark.parametrize("method", METHODS)
def test_an_image_has_the_same_map_in_any_company(
    method: str, decisions: Decisions, images: Tensor, target: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = attribute(method, decisions, images, target)
    monkeypatch.setattr(attribution, "CHUNK", 3)
    torch.testing.assert_close(attribute(method, decisions, images, target), together)
    with torch.no_grad():
        torch.testing.assert_close(attribute(method, decisions, images[2:3], target[2:3]), together[2:3])
    assert attribute(method, decisions, images[:0], target[:0]).shape == (0, 8, 8)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_gradient_only_occlusion_explains(method: str, images: Tensor, target: Tensor) -> None:
    if method == "occlusion":
        assert attribute(method, with_room(), images, target).abs().sum() > 0
    else:
        with pytest.raises(UsageError, match=f"{method} needs a gradient, .* occlusion"):
            attribute(method, with_room(), images, target)


@pytest.mark.parametrize("method", ["grad_cam", "lrp_epsilon"])
def test_what_looks_into_layers_needs_a_network(method: str, images: Tensor, target: Tensor) -> None:
    class Formula:
        differentiable = True

        def __call__(self, images: Tensor) -> Tensor:
            return images.flatten(1)[:, :2]

    decisions = Decisions(Formula(), ("a", "b"))
    assert attribute("gradient", decisions, images, target).abs().sum() > 0
    with pytest.raises(UsageError, match="no torch module in this classifier"):
        attribute(method, decisions, images, target)


def test_a_gradient_that_does_not_arrive_is_told(images: Tensor, target: Tensor) -> None:
    class Cut(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.detach().flatten(1)[:, :2]

    with pytest.raises(UsageError, match="no gradient reaches the images"):
        attribute("saliency", between_two(Cut()), images, target)


@pytest.mark.parametrize(
    ("method", "change", "reason"),
    [
        ("lrp", {}, "unknown method 'lrp'; known: grad_cam, gradient"),
        ("saliency", {"target": torch.tensor([0, 1])}, r"target: expected int64 of shape \(5,\)"),
        ("saliency", {"target": torch.zeros(5)}, "got torch.float32"),
        ("saliency", {"target": torch.tensor([0, 1, 2, 0, 1])}, r"indices 0 to 1 \(a, b\), got 0 to 2"),
        ("saliency", {"target": torch.tensor([0, 1, -1, 0, 1])}, "got -1 to 1"),
        ("saliency", {"images": torch.rand(5, 3, 8, 8) * 255}, r"images: expected values in \[0, 1\]"),
        ("integrated_gradients", {"steps": 0}, "steps: expected at least 1"),
        ("integrated_gradients", {"baseline": 2.0}, "baseline: expected a pixel value"),
        ("occlusion", {"baseline": -1.0}, "baseline: expected a pixel value"),
        ("occlusion", {"window": 9}, "window 9"),
        ("occlusion", {"window": 3, "stride": 4}, "stride 4"),
        ("occlusion", {"window": 0}, "window 0"),
        ("grad_cam", {"side": 9}, "no feature map of 9 x 9 or more"),
        ("lrp_epsilon", {"epsilon": -1.0}, "epsilon: expected 0 or more"),
        ("lrp_alpha_beta", {"alpha": 2.0, "beta": 2.0}, "alpha - beta = 1"),
        ("lrp_alpha_beta", {"alpha": 0.0, "beta": -1.0}, "beta >= 0"),
    ],
)
def test_a_wrong_call_is_refused(
    method: str, change: dict[str, Any], reason: str, decisions: Decisions, images: Tensor, target: Tensor
) -> None:
    with pytest.raises(UsageError, match=reason):
        attribute(method, decisions, **({"images": images, "target": target} | change))


def test_a_classifier_that_fails_is_named() -> None:
    def broken(images: Tensor) -> Tensor:
        raise MemoryError("no room")

    with pytest.raises(JobError, match="MemoryError: no room"):
        attribute("occlusion", Decisions(from_function(broken), ("a", "b")), PIXELS, torch.tensor([1]))
