"""AOSPC beside its definition in loops (eq. 4.17), its control, and maps whose score is known beforehand."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from torch import nn

from lineament.classifier import from_function, from_module
from lineament.errors import UsageError
from lineament.explanation import perturbation
from lineament.explanation.decisions import Decisions
from lineament.explanation.perturbation import aospc, bootstrap, segments


def maps_of(seed, n=5, height=8, width=9):
    return torch.randn(n, height, width, generator=torch.Generator().manual_seed(seed))


def literal_segments(chart, threshold):
    """Flood fill over the eight neighbours; lists of pixels, the greatest mean of the stretched map first."""
    chart = (chart - chart.min()) / (chart.max() - chart.min())
    left = {(r, c) for r in range(chart.shape[0]) for c in range(chart.shape[1]) if chart[r, c] >= threshold}
    found = []
    while left:
        front, segment = [left.pop()], []
        while front:
            r, c = front.pop()
            segment.append((r, c))
            near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            front.extend(near)
        found.append(segment)
    return sorted(found, key=lambda segment: -np.mean([float(chart[p]) for p in segment]))


def perceptron(channels=1, height=8, width=9, classes=3):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 8), nn.Tanh(), nn.Linear(8, classes))
    return Decisions(from_module(network), tuple("abcdef"[:classes]))


def spotter():
    """Class b where the mean of the upper left 3 x 3 pixels is above one half."""

    def odds(images):
        return 20 * (images[:, 0, :3, :3].mean((1, 2), keepdim=False)[:, None] - 0.5)

    return Decisions(from_function(odds), ("a", "b"), column=0)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_segments_are_those_of_a_flood_fill_in_falling_order_of_mean(threshold):
    maps = maps_of(1)
    order, _ = segments(maps, threshold)
    for chart, turns in zip(maps, order, strict=True):
        wanted = literal_segments(chart, threshold)
        found = [{tuple(p) for p in (turns == k).nonzero().tolist()} for k in range(1, int(turns.max()) + 1)]
        assert found == [set(segment) for segment in wanted]


def test_a_segment_never_reaches_into_the_next_image():
    maps = torch.zeros(2, 2, 2)
    maps[0, 1, 1] = maps[1, 0, 0] = maps[1, 1, 1] = 1
    assert segments(maps, 0.5).order.tolist() == [[[0, 0], [0, 1]], [[1, 0], [0, 1]]]  # corners touch


def test_a_pixel_just_at_the_threshold_is_marked():
    assert segments(torch.tensor([[[0.0, 1.0, 2.0, 4.0]]]), 0.5).order.tolist() == [[[0, 0, 1, 1]]]
    assert segments(torch.tensor([[[0.0, 1.0, 2.0, 4.0]]]), 1.0).order.tolist() == [[[0, 0, 0, 1]]]


def test_more_than_half_of_an_image_in_one_segment_is_flagged_and_half_is_not():
    maps = torch.zeros(4, 2, 4)
    maps[0, 0] = 1
    maps[1, 0], maps[1, 1, 0] = 1, 1
    maps[2, :, 0] = maps[2, :, 2:] = 1  # six of eight pixels, but in two segments
    assert segments(maps, 0.5).valid.tolist() == [True, False, True, True]


@pytest.mark.parametrize("channels", [1, 3])
def test_aospc_is_equation_4_17(channels, monkeypatch):
    monkeypatch.setattr(perturbation, "BATCH", 2)
    decisions, maps = perceptron(channels), maps_of(2)
    images = torch.rand(5, channels, 8, 9, generator=torch.Generator().manual_seed(3))
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(7))
    found = aospc(decisions, images, maps, threshold=0.6, steps=4, seed=7)
    for i, chart in enumerate(maps):
        image = images[i : i + 1].clone()
        source = int(decisions(image).argmax())
        start, drops = float(decisions(image).exp()[0, source]), [0.0]
        pieces = literal_segments(chart, 0.6)
        for k in range(4):
            for r, c in pieces[k] if k < len(pieces) else []:
                image[0, :, r, c] = noise[i, :, r, c]
            drops.append(start - float(decisions(image).exp()[0, source]))
        assert found.map.probability[i].tolist() == pytest.approx(drops, abs=1e-5)
        chance = start - found.map.probability[i, -1]
        odds = torch.logit(torch.tensor(start)) - torch.logit(chance)
        assert float(found.map.log_odds[i, -1]) == pytest.approx(float(odds), abs=1e-4)


def test_a_map_of_what_decides_beats_the_same_segments_elsewhere():
    images, maps = torch.rand(200, 1, 12, 12), torch.zeros(200, 12, 12)
    images[:, :, :3, :3], maps[:, :3, :3] = 1, 1
    found = aospc(spotter(), images, maps, threshold=0.5)
    assert found.valid.all() and found.map.probability.shape == (200, 11)
    ours, chance = found.map.log_odds.mean(1), found.control.log_odds.mean(1)
    assert bootstrap(ours - chance)[1] > 5  # whites to noise is 10 in log-odds, in ten of eleven terms
    assert 0 < float(chance.mean()) < 3


def test_the_control_moves_each_map_as_a_whole():
    order = segments(maps_of(4, n=3), 0.6).order
    moved = perturbation._rolled(order, torch.Generator().manual_seed(0))
    rolls = [(r, c) for r in range(8) for c in range(9)]
    places = [[k for k in rolls if torch.equal(torch.roll(order[i], k, (0, 1)), moved[i])] for i in range(3)]
    assert all(len(found) == 1 for found in places) and len({found[0] for found in places}) == 3


def test_a_map_without_contrast_drops_nothing():
    found = aospc(perceptron(), torch.rand(2, 1, 8, 9), torch.full((2, 8, 9), 0.3), threshold=0.5)
    assert found.valid.all() and not any(drops.any() for drops in (*found.map, *found.control))


def test_methods_meet_the_same_noise_and_nothing_is_written_to():
    images, maps = torch.rand(3, 1, 8, 9), maps_of(5, n=3)
    before = images.clone(), maps.clone()
    first, again, scaled = (aospc(perceptron(), images, m, threshold=0.5) for m in (maps, maps, 5 * maps - 2))
    assert torch.equal(images, before[0]) and torch.equal(maps, before[1])
    for other in (again, scaled):
        assert torch.equal(first.map.probability, other.map.probability)
        assert torch.equal(first.control.log_odds, other.control.log_odds)


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0))
    mean, low, high = bootstrap(values)
    assert mean == pytest.approx(float(values.mean()), abs=1e-6) and low < mean < high
    assert high - low == pytest.approx(2 * 1.96 * float(values.std()) / 20, rel=0.1)
    assert bootstrap(torch.ones(3)) == (1, 1, 1)
    assert all(np.isnan(bootstrap(torch.zeros(0))))


def test_what_cannot_be_perturbed_is_refused():
    images, maps = torch.rand(2, 1, 8, 9), maps_of(0, n=2)
    with pytest.raises(UsageError, match=r"expected \(2, 8, 9\), got \(2, 9, 8\)"):
        unwrap(aospc)(perceptron(), images, maps.transpose(1, 2), threshold=0.5)
    with pytest.raises(UsageError, match=r"threshold.*\(0, 1\].*1.5"):
        aospc(perceptron(), images, maps, threshold=1.5)
    with pytest.raises(UsageError, match="steps"):
        aospc(perceptron(), images, maps, threshold=0.5, steps=0)
