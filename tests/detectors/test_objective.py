"""The loss against equations 2.4 and 2.5, written out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.detectors.objective import attribute_loss


def literal(logits, labels):
    """Softmax over two logits, cross entropy, mean over the batch, sum over attributes."""
    total = 0.0
    for k in range(len(labels[0])):
        losses = []
        for logit, label in zip(logits, labels, strict=True):
            if label[k] < 0:
                continue
            absent, present = logit[k]
            share = math.exp(present if label[k] else absent) / (math.exp(absent) + math.exp(present))
            losses.append(-math.log(share))
        total += sum(losses) / len(losses) if losses else 0.0
    return total


@settings(deadline=None)
@given(st.data())
def test_loss_is_the_published_one(data):
    n, k = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    pair = st.tuples(st.floats(-4, 4), st.floats(-4, 4))
    logits = data.draw(st.lists(st.lists(pair, min_size=k, max_size=k), min_size=n, max_size=n))
    labels = data.draw(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=k, max_size=k), min_size=n, max_size=n))
    odds = torch.tensor(logits)[..., 1] - torch.tensor(logits)[..., 0]
    loss = attribute_loss(odds, torch.tensor(labels))
    assert float(loss) == pytest.approx(literal(logits, labels), rel=1e-4, abs=1e-5)


def test_unknown_labels_give_no_gradient_and_smoothing_moves_the_optimum():
    odds = torch.zeros(2, 1, requires_grad=True)
    attribute_loss(odds, torch.tensor([[1], [-1]])).backward()
    assert odds.grad[0].item() < 0
    assert odds.grad[1].item() == 0
    best = torch.logit(torch.tensor(0.95)).reshape(1, 1).requires_grad_()
    attribute_loss(best, torch.tensor([[1]]), smoothing=0.1).backward()
    assert best.grad.abs().item() < 1e-6
