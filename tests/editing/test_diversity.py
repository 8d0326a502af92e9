"""Diversity beside its definition over all pairs, and the ends of its scale."""

from inspect import unwrap
from itertools import combinations

import numpy as np
import pytest
import torch

from lineament.datasets.portraits import counterfactual, render, sample_scene
from lineament.editing.diversity import diversity, drawn_region, feature_diversity
from lineament.errors import UsageError
from lineament.images import to_batch

IDENTITY = [0, 0, 1]
REGIONS = torch.zeros(3, 6, 6, dtype=torch.bool)
REGIONS[0, :2], REGIONS[1, 1:4, 2:], REGIONS[2, 5] = True, True, True


def stack(count, seed):
    return torch.rand(3, count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))


def pairwise(draws, regions):
    """Per face, the mean over pairs of the mean absolute difference in the region."""
    return np.array([
        np.mean([float((a - b).abs()[:, region].mean()) for a, b in combinations(face, 2)])
        for face, region in zip(draws, regions, strict=True)
    ])  # fmt: skip


def test_it_is_the_mean_over_all_pairs_over_that_of_the_truth():
    draws, truth = stack(5, 0) * 0.5, stack(4, 1)
    drawn = diversity(draws, truth, REGIONS, IDENTITY)
    inside, real, outside, unavoidable = (pairwise(x, r) for r in (REGIONS, ~REGIONS) for x in (draws, truth))
    assert drawn["inside"][0] == pytest.approx(inside.sum() / real.sum())
    assert drawn["outside"][0] == pytest.approx(outside.mean())
    assert drawn["outside_truth"][0] == pytest.approx(unavoidable.mean())
    assert set(np.round(drawn["inside"], 6)) == {
        round(float(inside[rows].sum() / real[rows].sum()), 6) for rows in ([0, 1, 2], [0, 1], [2])
    }


def test_equal_draws_have_none_and_true_ones_all():
    truth = stack(4, 1)
    same = truth[:, :1].expand_as(truth)
    assert np.allclose(diversity(same, truth, REGIONS, IDENTITY)["inside"], 0)
    assert np.allclose(diversity(truth, truth, REGIONS, IDENTITY)["inside"], 1)


def test_a_face_without_a_region_tells_nothing_of_the_inside():
    draws, truth, regions = stack(5, 0) * 0.5, stack(4, 1), REGIONS.clone()
    regions[0] = False
    drawn = diversity(draws, truth, regions, IDENTITY)
    rest = diversity(draws[1:], truth[1:], regions[1:], IDENTITY[1:])
    assert drawn["inside"][0] == pytest.approx(rest["inside"][0])
    assert drawn["outside"][0] == pytest.approx(pairwise(draws, ~regions).mean())
    assert np.isnan(diversity(draws, truth, REGIONS & False, IDENTITY)["inside"]).all()


def test_the_region_of_a_hat_is_where_any_hat_can_be():
    scene = counterfactual(sample_scene(0, 0, 0, 0), Wearing_Hat=True)
    shapes = ("cap", "beanie", "brim")
    hats = to_batch(np.stack([render(counterfactual(scene, hat_shape=shape)) for shape in shapes]))
    bare = to_batch(render(counterfactual(scene, Wearing_Hat=False))[None])
    whole = drawn_region(hats[None], bare)
    each = torch.stack([drawn_region(hat[None, None], bare)[0] for hat in hats])
    assert torch.equal(whole[0], each.any(0))
    assert (whole[0].sum() > each.sum((1, 2))).all()
    assert whole[0, :20].float().mean() > 0.3
    assert not whole[0, 40:].any()


def test_in_features_it_is_the_root_mean_square_of_distances():
    random = np.random.default_rng(0)
    draws, real = (torch.from_numpy(random.normal(size=shape)) for shape in ((3, 4, 5), (6, 5)))
    squares = lambda points: np.mean([float((a - b).square().sum()) for a, b in combinations(points, 2)])  # noqa: E731
    wanted = np.sqrt(np.mean([squares(face) for face in draws]) / squares(real))
    assert feature_diversity(draws, real, IDENTITY)[0] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: diversity(stack(1, 0), stack(4, 1), REGIONS, IDENTITY), "two or more"),
        (lambda: unwrap(diversity)(stack(2, 0), stack(4, 1), REGIONS[:2], IDENTITY), "2 regions"),
        (lambda: feature_diversity(torch.rand(3, 1, 5), torch.rand(6, 5), IDENTITY), "2 or more"),
    ],
)
def test_wrong_calls_are_refused(call, told):
    with pytest.raises(UsageError, match=told):
        call()
