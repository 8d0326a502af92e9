"""The L2 attack against what geometry says, and against a literal twin of one image at a time."""

import math

import pytest
import torch
from torch import Tensor

from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM
from lineament.classifier import Classifier
from tests.attacks.toys import linear, network, pictures, row


def literal_search(
    classifier: Classifier, image: Tensor, label: int, c: float, steps: int, rate: float, confidence: float
) -> tuple[Tensor, float]:
    """Adam by its definition (Kingma and Ba 2015, algorithm 1); the nearest image that reached the confidence."""
    w = torch.atanh((2 * image - 1) * 0.999999)
    first, second, best, nearest = torch.zeros_like(w), torch.zeros_like(w), image, math.inf
    for t in range(1, steps + 1):
        w = w.detach().requires_grad_()
        tried = (torch.tanh(w) + 1) / 2
        logits = classifier(tried)[0]
        above = logits[label] - max(logits[i] for i in range(len(logits)) if i != label)
        distance = ((tried - image) ** 2).sum()
        if above < 0 and above <= -confidence and distance < nearest:
            best, nearest = tried.detach(), distance.item()
        (distance + c * torch.relu(above + confidence)).backward()  # type: ignore[no-untyped-call]
        assert w.grad is not None
        first, second = 0.9 * first + 0.1 * w.grad, 0.999 * second + 0.001 * w.grad**2
        w = w - rate * (first / (1 - 0.9**t)) / ((second / (1 - 0.999**t)).sqrt() + 1e-8)
    return best, nearest


@pytest.mark.parametrize("rate, confidence", [(0.05, 0.0), (0.05, 0.3), (10.0, 0.0)])
def test_it_equals_its_literal_twin(rate: float, confidence: float) -> None:
    classifier, batch = network(5), pictures(8)
    labels = classifier(batch).argmax(1)
    attack = CarliniWagner(c=2, steps=30, rate=rate, confidence=confidence)
    made = attack(classifier, batch, labels)
    reached = 0
    for image, label, ours in zip(batch.split(1), labels.tolist(), made.images.split(1), strict=True):
        twin, nearest = literal_search(classifier, image, label, 2, 30, rate, confidence)
        if nearest < math.inf:
            reached += 1
            torch.testing.assert_close(ours, twin, atol=2e-3, rtol=0)
    assert reached > 3


def test_on_a_linear_model_it_finds_the_foot_of_the_perpendicular() -> None:
    """Class 1 needs 3a + 4b > 2: from (0.5, 0.4) the border is (3.1 - 2) / 5 away, along (3, 4)."""
    attack = CarliniWagner(c=1, steps=300, rate=0.02, searches=4)
    made = attack(linear([3.0, 4.0], bias=-2), row(0.5, 0.4), torch.tensor([1]))
    assert made.success.item() and made.l2.item() == pytest.approx(0.22, rel=5e-3)
    assert made.images.flatten().tolist() == pytest.approx([0.5 - 0.22 * 0.6, 0.4 - 0.22 * 0.8], abs=2e-3)


def test_confidence_is_reached_in_logits() -> None:
    classifier = linear([3.0, 4.0], bias=-2)
    attack = CarliniWagner(c=100, steps=300, rate=0.02, confidence=0.5)
    made = attack(classifier, row(0.5, 0.4), torch.tensor([1]))
    assert -0.6 < classifier(made.images)[0, 1].item() <= -0.5


def test_a_confidence_out_of_reach_still_gives_the_image_that_is_wrong() -> None:
    classifier = linear([3.0, 4.0], bias=-2)
    made = CarliniWagner(steps=50, rate=0.5, confidence=50)(classifier, row(0.5, 0.4), torch.tensor([1]))
    assert made.success.item() and classifier(made.images)[0, 1].item() < -1.9


def test_black_and_white_pixels_move_too() -> None:
    made = CarliniWagner(rate=1)(linear([1.0, 1.0], bias=-0.5), row(1.0, 0.0), torch.tensor([1]))
    assert made.success.item() and made.images[0, 0, 0, 0] < 0.51


def test_more_searches_come_nearer_and_find_a_constant_that_was_too_small() -> None:
    classifier, batch = network(6), pictures(20)
    labels = classifier(batch).argmax(1)
    for c in (1e-3, 100.0):
        one, more = (CarliniWagner(c, 60, 0.05, searches=n)(classifier, batch, labels) for n in (1, 7))
        assert more.success.sum() >= one.success.sum() and more.success.sum() > 15
        both = one.success & more.success
        assert bool((more.l2[both] <= one.l2[both] + 1e-6).all())
    assert more.l2[both].mean() < 0.97 * one.l2[both].mean()


def test_it_comes_nearer_than_a_step_along_the_sign() -> None:
    classifier, batch = network(7), pictures(30)
    labels = classifier(batch).argmax(1)
    near = CarliniWagner(c=10, steps=200, rate=0.02)(classifier, batch, labels)
    step = FGSM(0.15)(classifier, batch, labels)
    both = near.success & step.success
    assert both.sum() > 5 and bool((near.l2[both] < step.l2[both]).all())
