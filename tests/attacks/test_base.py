from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lineament.attacks.base import Attack, margin, slope, within
from lineament.classifier import Classifier
from tests.attacks.toys import linear, network, pictures, row


@dataclass(frozen=True)
class Reckless(Attack):
    """Goes far beyond its budget and out of [0, 1]."""

    name: ClassVar[str] = "reckless"
    eps: float

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return images + 7


def test_the_base_holds_an_attack_to_its_budget_before_it_judges() -> None:
    """Weight 1, bias -0.75: only what leaves the budget would be taken for class 1."""
    classifier = linear([1.0], bias=-0.75)
    made = Reckless(0.25)(classifier, row(0.4), torch.tensor([0]))
    assert made.images.item() == pytest.approx(0.65) and not made.success.item()
    assert Reckless(0.5)(classifier, row(0.4), torch.tensor([0])).success.item()


def test_slope_is_the_gradient_of_each_images_cross_entropy() -> None:
    """By hand: d/dx -log p(y) = (p(1) - y) w for logits 0 and w x."""
    classifier, batch = linear([2.0, -1.0]), torch.cat([row(0.5, 0.5), row(0.1, 0.9)])
    labels = torch.tensor([1, 1])
    found = slope(classifier, batch, labels)
    value = batch.flatten(1) @ torch.tensor([2.0, -1.0])
    chance = value.sigmoid()
    torch.testing.assert_close(found.loss, -chance.log())
    torch.testing.assert_close(found.gradient.flatten(1), (chance - 1)[:, None] * torch.tensor([2.0, -1.0]))
    assert found.wrong.tolist() == [False, True]


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=6), st.data())
def test_margin_is_below_zero_just_where_another_class_wins(logits: list[float], data: st.DataObject) -> None:
    label = data.draw(st.integers(0, len(logits) - 1))
    found = margin(torch.tensor([logits]), torch.tensor([label])).item()
    others = [value for i, value in enumerate(logits) if i != label]
    assert found == pytest.approx(logits[label] - max(others), abs=1e-4)
    assert (found < 0) == (logits[label] < max(others))


@given(st.floats(0, 1), st.floats(-3, 3), st.floats(0, 1))
def test_within_keeps_both_bounds(value: float, wanted: float, eps: float) -> None:
    found = within(row(wanted), row(value), eps).item()
    assert 0 <= found <= 1 and abs(found - value) <= eps + 1e-6
    if 0 <= wanted <= 1 and abs(wanted - value) < eps - 1e-6:
        assert found == pytest.approx(wanted, abs=1e-6)


def test_what_one_batch_draws_does_not_move_the_next() -> None:
    """More restarts draw more; every batch after the first must still begin where it did."""

    @dataclass(frozen=True)
    class Restless(Attack):
        name: ClassVar[str] = "restless"
        needs_gradient: ClassVar[bool] = False
        draws: int

        def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
            return torch.stack([torch.rand(images.shape, generator=generator) for _ in range(self.draws)])[0]

    labels = torch.zeros(6, dtype=torch.int64)
    one, many = (Restless(draws)(network(0), pictures(6), labels, batch_size=2).images for draws in (1, 5))
    assert torch.equal(one, many)


def test_the_slope_does_not_vanish_where_the_classifier_is_certain() -> None:
    """Cross-entropy as libraries have it takes the true class's probability, here 1 - 4e-18, for 1."""
    weights = torch.tensor([[40.0, 0.0], [0.0, 1.0]])
    found = slope(lambda images: images.flatten(1) @ weights.T, torch.ones(1, 1, 1, 2), torch.tensor([0]))
    expected = (weights[1] - weights[0]) * torch.tensor(-39.0).exp()
    assert torch.allclose(found.gradient.flatten(), expected, rtol=1e-4, atol=0)
