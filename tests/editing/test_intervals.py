"""Figures and their draws beside a bootstrap that copies the images of each person as often as it was drawn."""

import numpy as np
import pytest
import torch

from lineament.detectors.evaluation import person_weights
from lineament.editing.intervals import interval, means, sums
from lineament.errors import UsageError

IDENTITY = np.array([4, 4, 9, -1, 9, 9, -1])


def test_a_draw_repeats_all_images_of_a_person():
    values = np.random.default_rng(0).normal(size=(7, 2))
    values[1, 0] = np.nan
    counts = person_weights(4, 30)
    found = means(values, IDENTITY, resamples=30)
    assert found.shape == (31, 2)
    numbers = np.unique(np.where(IDENTITY < 0, -1 - np.arange(7), IDENTITY), return_inverse=True)[1]
    for drawn, row in zip(counts, found, strict=True):
        copies = np.repeat(values, drawn[numbers].astype(int), axis=0)
        assert row == pytest.approx(np.nanmean(copies, axis=0))


def test_the_difference_of_two_methods_has_the_same_people_in_each_draw():
    first, second = np.random.default_rng(1).normal(size=(2, 7))
    assert means(first, IDENTITY) - means(second, IDENTITY) == pytest.approx(means(first - second, IDENTITY))


def test_people_not_images_make_the_interval():
    values = np.repeat(np.random.default_rng(2).normal(size=40), 25)
    alone, together = (interval(means(values, who)) for who in (np.full(1000, -1), np.repeat(np.arange(40), 25)))
    assert alone[0] == pytest.approx(together[0])
    assert np.ptp(together[1:]) > 4 * np.ptp(alone[1:])


def test_tensors_and_nothing_known_are_taken_and_no_image_or_no_identity_refused():
    assert np.isnan(means(torch.full((7,), torch.nan), torch.as_tensor(IDENTITY), resamples=3)).all()
    assert (sums([True] * 7, IDENTITY, resamples=0) == [7]).all()
    for values, identity in (([1.0, 2.0], [1]), ([], [])):
        with pytest.raises(UsageError, match="identity"):
            means(values, identity)
