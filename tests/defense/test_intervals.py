"""Intervals against scipy's and against the share of samples that they miss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lineament.defense.intervals import area, share
from lineament.errors import UsageError


@pytest.mark.parametrize(("k", "n"), [(1, 2), (7, 20), (950, 1000)])
def test_a_share_has_the_exact_interval(k, n):
    expected = binomtest(k, n).proportion_ci(method="exact")
    np.testing.assert_allclose(share(np.arange(n) < k), [k / n, *expected], rtol=1e-9)


def test_all_and_none_have_a_bound_on_one_side():
    assert share(np.ones(59)) == pytest.approx([1, 0.05 ** (1 / 59), 1])
    assert share(np.zeros(59)) == pytest.approx([0, 0, 1 - 0.05 ** (1 / 59)])
    assert share(np.ones(59))[1] > 0.95 > share(np.ones(58))[1]  # 59 without a miss make 95 % sure of 95 %


def test_no_images_have_no_share():
    with pytest.raises(UsageError, match="at least 1"):
        share([])


scores = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@given(st.data())
def test_an_area_is_the_mean_over_all_pairs(data):
    negative = np.array(data.draw(scores), float)
    positive = np.array([data.draw(st.integers(0, 5)) for _ in negative], float)
    found, low, high = area(negative, positive)
    won = [(a > b) + (a == b) / 2 for a in positive for b in negative]
    assert found == pytest.approx(np.mean(won))
    assert 0 <= low <= found <= high <= 1


def test_an_area_of_one_is_not_certain():
    assert area(np.zeros(59), np.ones(59)) == pytest.approx([1, 0.05 ** (1 / 59), 1])
    assert area(np.ones(59), np.zeros(59)) == pytest.approx([0, 0, 1 - 0.05 ** (1 / 59)])


def test_the_interval_of_an_area_covers_the_truth_also_where_pairs_go_together():
    draw, missed = np.random.default_rng(0), 0
    truth = 0.76025  # P(a standard normal < one shifted by 1), both independent
    for _ in range(400):
        image = draw.normal(size=60) * 0.6  # what an image's clean and attacked scores have in common
        negative, positive = (image + 0.8 * draw.normal(size=60) + shift for shift in (0.0, 1.0))
        low, high = area(negative, positive)[1:]
        missed += not low <= truth <= high
    assert 0.02 < missed / 400 < 0.09
