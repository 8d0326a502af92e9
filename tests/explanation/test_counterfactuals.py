"""Counterfactual figures: COUT beside its definition in loops, and images small enough to count by hand."""

from inspect import unwrap

import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from lineament.classifier import from_function, from_module
from lineament.errors import UsageError
from lineament.explanation import counterfactuals
from lineament.explanation.counterfactuals import cout, measure, wilson
from lineament.explanation.decisions import Decisions


def corner(sharpness=40.0):
    """Class b where the upper left pixel is above one half."""
    return Decisions(from_function(lambda images: sharpness * (images[:, 0, :1, 0] - 0.5)), ("a", "b"), column=0)


def literal_cout(decisions, image, other, source, target, steps):
    """Pixels put in one by one, the two curves, and the trapezoids under them."""
    _, height, width = image.shape
    drawn = torch.randperm(height * width, generator=torch.Generator().manual_seed(0)).tolist()
    pixels = [(place // width, place % width) for place in drawn]
    pixels.sort(key=lambda p: -round(float((other[:, *p] - image[:, *p]).abs().sum()) * 10_000))
    at, ours, theirs = [], [], []
    for k in range(steps + 1):
        mixed = image.clone()
        count = round(k * len(pixels) / steps)
        for p in pixels[:count]:
            mixed[:, *p] = other[:, *p]
        chances = decisions(mixed[None])[0].exp()
        at.append(count / len(pixels))
        ours.append(float(chances[target]))
        theirs.append(float(chances[source]))
    area = lambda curve: sum((at[k + 1] - at[k]) * (curve[k] + curve[k + 1]) / 2 for k in range(steps))  # noqa: E731
    return area(ours) - area(theirs)


@pytest.mark.parametrize(("channels", "steps"), [(1, 3), (3, 5), (3, 50)])
def test_cout_is_the_difference_of_two_areas(channels, steps, monkeypatch):
    monkeypatch.setattr(counterfactuals, "BATCH", 2)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(channels * 12, 8), nn.Tanh(), nn.Linear(8, 3), nn.Tanh())
    decisions = Decisions(from_module(network), ("a", "b", "c"))
    images, others = torch.rand(2, 3, channels, 3, 4)
    others[1] = images[1] + 0.3 * torch.where(torch.rand(channels, 3, 4) > 0.5, 1, -1)  # all differ by as much
    images[1], others[1] = (each.clamp(0, 1) for each in ((images[1] + 1) / 3, (others[1] + 1) / 3))
    source, target = torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1])
    wanted = [literal_cout(decisions, *each, steps) for each in zip(images, others, source, target, strict=True)]
    assert cout(decisions, images, others, source, target, steps=steps).tolist() == pytest.approx(wanted, abs=1e-6)


def test_cout_rewards_the_pixel_that_decides_and_punishes_what_changes_nothing():
    images = torch.zeros(1, 1, 10, 10)
    source, target = torch.tensor([0]), torch.tensor([1])
    sparse, none, late = images.clone(), images.clone(), images + 1
    sparse[0, 0, 0, 0] = 1
    late[0, 0, 0, 0] = 0.9  # the least of the differences, so it comes last
    scores = [float(cout(corner(), images, each, source, target)) for each in (sparse, none, late)]
    assert scores == pytest.approx([0.98, -1, -0.98], abs=1e-3)  # one of fifty portions lies on the slope


def test_equal_differences_go_in_by_chance_and_not_in_reading_order():
    upper = Decisions(
        from_function(lambda images: 100 * (images[:, 0, :10].mean((1, 2))[:, None] - 0.5)), ("a", "b"), 0
    )
    lower = Decisions(
        from_function(lambda images: 100 * (images[:, 0, 10:].mean((1, 2))[:, None] - 0.5)), ("a", "b"), 0
    )
    images = torch.full((1, 1, 20, 20), 0.3) + torch.rand(1, 1, 20, 20) / 10
    source, target = torch.tensor([0]), torch.tensor([1])
    first, last = (float(cout(each, images, images + 0.3, source, target)) for each in (upper, lower))
    assert abs(first - last) < 0.2  # in reading order one half would come a half of all portions sooner


def test_measures_of_two_images_counted_by_hand():
    images = torch.zeros(2, 3, 2, 2)
    others = images.clone()
    others[0, :, 0, 0] = 1  # flips
    others[1, 1, 1, 1] = 0.5  # one channel of another pixel: does not
    others[1, :, 0, 1] = 0.02  # not visible
    mask = torch.zeros(2, 1, 2, 2)
    mask[0, 0, 0, 0], mask[1, 0, 0, 0] = 1, 0.5
    source, target = torch.tensor([0, 0]), torch.tensor([1, 1])
    blind = Decisions(from_function(lambda images: torch.ones(len(images), 1)), ("a", "b"), column=0)
    found = measure(corner(), {"same": corner(), "blind": blind}, images, others, source, target, mask)
    each = cout(corner(), images, others, source, target).tolist()
    assert found.pop("cout") == pytest.approx(sum(each) / 2)
    assert (found.pop("cout_low"), found.pop("cout_high")) == pytest.approx((min(each), max(each)))
    assert (found.pop("l1_low"), found.pop("l1_high")) == pytest.approx((0.56 / 12, 3 / 12))
    for name in ("validity", "oracle_validity"):
        assert (found.pop(f"{name}_low"), found.pop(f"{name}_high")) == wilson(0.5, 2)
    assert found == pytest.approx(
        {
            "validity": 0.5,
            "validity_to_b": 0.5,
            "oracle_validity": 0.5,
            "oracle_validity_same": 0.5,
            "oracle_agreement_same": 1,
            "oracle_validity_blind": 1,
            "oracle_agreement_blind": 0,
            "l1": (3 + 0.5 + 0.06) / 24,
            "l1_inside": 3 / 24,
            "l1_outside": 0.56 / 24,
            "mask_area": 1.5 / 8,
            "changed": 2 / 8,
        }
    )


def test_the_wilson_interval_is_that_of_scipy():
    for events, draws in ((0, 7), (1, 2), (10, 10), (15, 20)):
        wanted = binomtest(events, draws).proportion_ci(method="wilson")
        assert wilson(events / draws, draws) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_without_a_mask_what_visibly_changed_is_the_mask():
    images, others = torch.rand(2, 4, 1, 5, 5)
    classes = torch.tensor([0, 1, 0, 1])
    found = measure(corner(), {}, images, others, classes, 1 - classes)
    assert found["mask_area"] == found["changed"] > 0.5
    assert found["l1"] == pytest.approx(found["l1_inside"] + found["l1_outside"])
    assert found["l1_outside"] < counterfactuals.VISIBLE
    assert {"validity_to_a", "validity_to_b"} <= set(found) and "oracle_validity" not in found


def test_what_does_not_fit_together_is_refused():
    images, classes = torch.rand(2, 1, 4, 4), torch.tensor([0, 1])
    ask = unwrap(measure)
    with pytest.raises(UsageError, match=r"counterfactuals.*\(1, 1, 4, 4\) for \(2, 1, 4, 4\)"):
        ask(corner(), {}, images, images[:1], classes, classes)
    with pytest.raises(UsageError, match="counterfactuals: expected values"):
        ask(corner(), {}, images, images + 1, classes, classes)
    with pytest.raises(UsageError, match="target: expected 2 indices into the classes a, b"):
        ask(corner(), {}, images, images, classes, classes + 1)
    with pytest.raises(UsageError, match="mask"):
        ask(corner(), {}, images, images, classes, classes, images[:, 0])
    with pytest.raises(UsageError, match="one or more"):
        ask(corner(), {}, images[:0], images[:0], classes[:0], classes[:0])
    with pytest.raises(UsageError, match="steps"):
        cout(corner(), images, images, classes, classes, steps=0)
