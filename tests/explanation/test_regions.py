"""Maps against true regions: each measure beside its definition in loops, and hand-made maps whose score is known."""

from inspect import unwrap

import pytest
import torch

from lineament.errors import UsageError
from lineament.explanation.regions import best_threshold, check_maps, iou, normalised, pointing


def drawn(seed, n=6, height=5, width=7):
    """Maps of steps of 1/8, so that many values sit exactly on a threshold, and regions."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randint(0, 9, (n, height, width), generator=generator) / 8
    return maps, torch.rand(n, height, width, generator=generator) < 0.3


def literal_iou(chart, region, threshold):
    pixels = [(r, c) for r in range(chart.shape[0]) for c in range(chart.shape[1])]
    marked = {p for p in pixels if chart[p] >= threshold}
    true = {p for p in pixels if region[p]}
    return len(marked & true) / len(marked | true)


@pytest.mark.parametrize("threshold", [0.125, 0.5, 1.0])
def test_iou_is_the_ratio_of_two_sets_of_pixels(threshold):
    maps, regions = drawn(0)
    wanted = [literal_iou(chart, region, threshold) for chart, region in zip(maps, regions, strict=True)]
    assert iou(maps, regions, threshold).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_threshold_is_the_best_of_all_tried(seed):
    maps, regions = drawn(seed)
    regions[0] = False  # an image without a region has no say
    scores = [float(iou(maps[1:], regions[1:], k / 256).mean()) for k in range(257)]
    best = best_threshold(maps, regions)
    assert float(iou(maps[1:], regions[1:], best).mean()) == pytest.approx(max(scores))
    assert best == next(k for k in range(257) if scores[k] > max(scores) - 1e-6) / 256


def test_pointing_asks_where_the_greatest_value_is():
    maps = torch.zeros(4, 3, 3)
    maps[0, 1, 1] = maps[1, 0, 2] = 1
    maps[2, 1, :2] = 0.7  # two equal maxima, one in the region
    regions = torch.zeros(4, 3, 3, dtype=torch.bool)
    regions[:, 1, 1] = True
    assert pointing(maps, regions)[:3].tolist() == [1, 0, 0.5]
    assert float(pointing(maps, regions)[3]) == pytest.approx(1 / 9)  # a flat map points anywhere


def test_nothing_to_find_counts_for_nobody():
    maps, regions = drawn(0)
    regions[2] = False
    for score in (iou(maps, regions), pointing(maps, regions)):
        assert score.isnan().tolist() == [i == 2 for i in range(6)]


def test_normalised_maps_span_the_unit_interval_and_a_flat_one_is_empty():
    maps = torch.stack([torch.tensor([[-3.0, 1.0], [0.0, -1.0]]), torch.full((2, 2), 7.0)])
    assert normalised(maps).tolist() == [[[0, 1], [0.75, 0.5]], [[0, 0], [0, 0]]]


def test_what_is_no_map_is_refused_with_what_came():
    maps, regions = drawn(0)
    with pytest.raises(UsageError, match=r"mask\[:, 0\]"):
        check_maps(maps[:, None])
    with pytest.raises(UsageError, match=r"\(0, 5, 7\)"):
        check_maps(maps[:0])
    with pytest.raises(UsageError, match=r"expected \(6, 5, 7\), got \(5, 5, 7\)"):
        unwrap(iou)(maps[:5], regions)
    with pytest.raises(UsageError, match="NaN"):
        normalised(maps / 0)
    with pytest.raises(UsageError, match=r"\[0, 2\].*normalised"):
        best_threshold(maps * 2, regions)
    with pytest.raises(UsageError, match="every true region is empty"):
        best_threshold(maps, regions & False)
