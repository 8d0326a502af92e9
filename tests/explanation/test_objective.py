"""Each term of equations 4.6 to 4.16 against a twin that is written as the equation reads."""

from math import exp, log

import pytest
import torch

from lineament.explanation import objective

X = torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(0))
T = torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(1))
M = torch.rand(3, 1, 4, 5, generator=torch.Generator().manual_seed(2))
LOGITS = torch.tensor([-1.5, 0.2, 3.0])
CELLS = [(i, y, x) for i in range(3) for y in range(4) for x in range(5)]


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def test_the_composite_takes_the_transformed_image_inside_the_mask_only() -> None:
    composite = objective.composed(X, T, M)
    for i, y, x in CELLS:
        expected = X[i, 0, y, x] * (1 - M[i, 0, y, x]) + T[i, 0, y, x] * M[i, 0, y, x]
        assert composite[i, 0, y, x] == pytest.approx(float(expected))
    assert torch.equal(objective.composed(X, T, torch.zeros_like(M)), X)
    assert torch.equal(objective.composed(X, T, torch.ones_like(M)), T)


def test_discriminators_want_reals_real_and_each_kind_of_fake_fake() -> None:
    fake = LOGITS + 1
    expected = sum(-log(sigmoid(float(v))) for v in LOGITS) / 3
    for kind in (fake, fake - 2):
        expected += sum(-log(1 - sigmoid(float(v))) for v in kind) / 3
    assert float(objective.discrimination(LOGITS, fake, fake - 2)) == pytest.approx(expected, rel=1e-5)


def test_the_generator_wants_each_kind_of_fake_real() -> None:
    expected = sum(-log(sigmoid(float(v))) for kind in (LOGITS, LOGITS - 2) for v in kind) / 3
    assert float(objective.realism(LOGITS, LOGITS - 2)) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_is_the_squared_gradient_at_each_image() -> None:
    images = X.clone().requires_grad_(True)
    weight = torch.arange(20.0).view(1, 1, 4, 5)
    real = (weight * images).sum((1, 2, 3)) * torch.tensor([1.0, 2.0, 3.0])
    norm = float(weight.square().sum())
    expected = norm * (1 + 4 + 9) / 3
    assert float(objective.gradient_penalty(real, images)) == pytest.approx(expected)


def test_the_classifier_term_is_the_negative_log_probability_of_the_target() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    expected = -(log(0.1) + log(0.3)) / 2
    found = objective.classification(probabilities.log(), torch.tensor([1, 0]))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_priors_read_as_their_equations() -> None:
    square = sum(float(X[i, 0, y, x] - T[i, 0, y, x]) ** 2 for i, y, x in CELLS) / 60
    assert float(objective.reconstruction(X, T)) == pytest.approx(square, rel=1e-5)
    outside = sum(((1 - float(M[i, 0, y, x])) * float(X[i, 0, y, x] - T[i, 0, y, x])) ** 2 for i, y, x in CELLS) / 60
    assert float(objective.consistency(X, T, M)) == pytest.approx(outside, rel=1e-5)
    binary = sum(min(float(M[i, 0, y, x]), 1 - float(M[i, 0, y, x])) for i, y, x in CELLS) / 60
    assert float(objective.entropy(M)) == pytest.approx(binary, rel=1e-5)
    variation = 0.0
    for i, y, x in CELLS:
        variation += abs(float(M[i, 0, y + 1, x] - M[i, 0, y, x])) if y < 3 else 0
        variation += abs(float(M[i, 0, y, x + 1] - M[i, 0, y, x])) if x < 4 else 0
    assert float(objective.smoothness(M)) == pytest.approx(variation / 60, rel=1e-5)


def test_the_count_is_that_of_each_mask_and_rewards_none_below_kappa() -> None:
    masks = torch.stack([torch.full((1, 2, 2), 0.05), torch.full((1, 2, 2), 0.5)]).requires_grad_(True)
    count = objective.count(masks, 0.2)
    assert float(count.detach()) == pytest.approx((0.2 + 0.5) / 2)
    (gradient,) = torch.autograd.grad(count, masks)
    assert not gradient[0].any() and (gradient[1] > 0).all()
