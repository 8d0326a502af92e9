"""The two untrained counterfactuals: the nearest image by a search in loops, PGD where its answer is known."""

from inspect import unwrap

import pytest
import torch
from torch import nn

from lineament.classifier import from_function, from_module
from lineament.errors import UsageError
from lineament.explanation import baselines
from lineament.explanation.baselines import nearest, pgd
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import log_odds


def linear(classes=3, pixels=12):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(pixels, classes))
    return network, Decisions(from_module(network), tuple("abcdef"[:classes]))


@pytest.mark.parametrize("block", [baselines.BLOCK, 15])
def test_the_nearest_is_that_of_a_search_one_by_one(block, monkeypatch):
    monkeypatch.setattr(baselines, "BLOCK", block)
    images, candidates = torch.rand(9, 3, 4, 4), torch.rand(40, 3, 4, 4)
    target, classes = torch.arange(9) % 3, torch.arange(40) % 4
    found = nearest(images, target, candidates, classes)
    for image, wanted, got in zip(images, target, found, strict=True):
        pool = [c for c, k in zip(candidates, classes, strict=True) if k == wanted]
        assert torch.equal(got, min(pool, key=lambda c: float((c - image).double().square().sum())))


def test_nearest_refuses_what_it_cannot_choose_from():
    images, target = torch.rand(2, 1, 4, 4), torch.tensor([0, 1])
    with pytest.raises(UsageError, match="none is of class 1"):
        nearest(images, target, images, torch.tensor([0, 0]))
    with pytest.raises(UsageError, match=r"\(1, 4, 4\).*3 classes for \(2, 1, 4, 4\)"):
        unwrap(nearest)(images, target, images, torch.tensor([0, 0, 1]))


def test_pgd_ends_in_the_corner_of_the_ball_where_a_linear_classifier_is_surest():
    network, decisions = linear(classes=2)
    images, target = torch.rand(5, 1, 3, 4), torch.tensor([0, 1, 0, 1, 1])
    found = pgd(decisions, images, target, epsilon=0.1)
    slope = network[1].weight[target] - network[1].weight[1 - target]
    wanted = (images + 0.1 * slope.sign().view(5, 1, 3, 4)).clamp(0, 1)
    assert torch.allclose(found, wanted, atol=1e-6)


def test_pgd_goes_towards_one_class_of_several_within_its_ball(monkeypatch):
    monkeypatch.setattr(baselines, "BATCH", 8)
    network, decisions = linear()
    images, before = torch.rand(30, 1, 3, 4), {k: v.clone() for k, v in network.state_dict().items()}
    target = (decisions.predict(images) + 1) % 3
    found = pgd(decisions, images, target, epsilon=0.6)
    assert float((found - images).abs().max()) <= 0.6 + 1e-6 and found.min() >= 0 and found.max() <= 1
    assert (log_odds(decisions, found, target) > log_odds(decisions, images, target)).all()
    assert float((decisions.predict(found) == target).float().mean()) > 0.7  # no ball reaches some corner of some class
    assert torch.equal(found, pgd(decisions, images, target, epsilon=0.6))
    assert all(weight.grad is None and weight.requires_grad for weight in network.parameters())
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items()) and not images.requires_grad


def test_pgd_asks_for_a_student_of_a_black_box_and_for_a_ball_of_some_size():
    box = Decisions(from_function(lambda images: images[:, 0, :2, 0]), ("a", "b"))
    images, target = torch.rand(2, 1, 3, 4), torch.tensor([0, 1])
    with pytest.raises(UsageError, match="student"):
        pgd(box, images, target, epsilon=0.1)
    for epsilon, steps in ((0.0, 5), (1.5, 5), (0.1, 0)):
        with pytest.raises(UsageError, match="epsilon"):
            pgd(linear()[1], images, target, epsilon=epsilon, steps=steps)
