"""Scores worked out by hand, thresholds that keep what they promise, curves against a slow twin."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from lineament.classifier import from_function
from lineament.defense.detection import detection, disagreement, error, threshold
from lineament.errors import UsageError


def test_the_error_is_the_mean_over_pixels_and_channels_of_each_image():
    images = torch.zeros(2, 3, 4, 5)
    purified = images.clone()
    purified[1, 0] = 0.5
    assert error(images, purified).tolist() == pytest.approx([0, 0.25 / 3])


def test_disagreement_is_the_divergence_of_the_answers():
    logits = torch.tensor([[4.0, 0, 0], [4, 0, 0], [-900, 900, 0], [2, 1, 0]])
    after = torch.tensor([[4.0, 0, 0], [0, 4, 0], [900, -900, 0], [1, 1, 1]])
    answers = from_function(lambda images: logits if images.sum() == 0 else after)
    found = disagreement(answers, torch.zeros(4, 1, 2, 2), torch.ones(4, 1, 2, 2))
    pairs = zip(*(part.double().softmax(1).numpy() for part in (logits, after)), strict=True)
    assert found.tolist() == pytest.approx([jensenshannon(p, q, 2) ** 2 for p, q in pairs], abs=1e-9)
    assert found[0] == 0 and found[2] == 1


def test_scores_want_the_purified_images_of_the_same_images():
    images = torch.zeros(2, 1, 4, 4)
    with pytest.raises(UsageError, match=r"purified: expected the images' shape \(2, 1, 4, 4\), got \(1, 1, 4, 4\)"):
        error(images, images[:1])
    with pytest.raises(UsageError, match="purified: expected values in"):
        error(images, images + 2)


@pytest.mark.parametrize(("rate", "index"), [(0.1, 8), (0.5, 4), (0.25, 7)])
def test_a_threshold_is_a_score_of_the_development_images(rate, index):
    scores = np.random.default_rng(0).permutation(9) / 10
    assert threshold(scores, rate) == index / 10


def test_of_further_clean_images_no_more_than_wanted_are_flagged():
    draw = np.random.default_rng(1)
    flagged = [np.mean(draw.exponential(size=200) > threshold(draw.exponential(size=25), 0.1)) for _ in range(2000)]
    assert 0.07 < np.mean(flagged) <= 0.1 + 0.005


@pytest.mark.parametrize(
    ("scores", "rate", "said"),
    [
        (np.zeros(98), 0.01, "takes at least 99 clean images, got 98; add images, or ask for a rate of 0.01 or more"),
        (np.zeros(9), 0.0, "between 0 and 1, such as 0.05, got 0"),
        (np.zeros(9), 1.5, "got 1.5"),
        (np.array([0, np.nan]), 0.5, "development: expected finite scores"),
        (np.zeros((2, 2)), 0.5, r"shape \(2, 2\)"),
    ],
)
def test_a_threshold_that_cannot_be_chosen_says_what_it_takes(scores, rate, said):
    with pytest.raises(UsageError, match=said):
        threshold(scores, rate)


def test_ninety_nine_images_are_just_enough_for_one_percent():
    assert threshold(np.arange(99.0), 0.01) == 98


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=15))
def test_the_curve_is_what_counting_gives(pairs):
    clean, attacked = np.array(pairs, float).T
    found = detection(clean, attacked, np.arange(30), rates=(0.2,))
    cuts = [np.inf, *np.unique(np.concatenate([clean, attacked]))[::-1]]
    assert found.fpr.tolist() == pytest.approx([np.mean(clean >= cut) for cut in cuts])
    assert found.tpr.tolist() == pytest.approx([np.mean(attacked >= cut) for cut in cuts])
    assert np.trapezoid(found.tpr, found.fpr) == pytest.approx(found.auc[0])


def test_the_threshold_comes_from_development_and_the_shares_from_test():
    clean, attacked = np.array([0.1, 0.2, 0.3, 0.9]), np.array([0.8, 0.9, 0.25, 1.0])
    (one,) = detection(clean, attacked, np.linspace(0, 0.5, 19), rates=(0.05,)).operating
    assert one["wanted"] == 0.05 and one["threshold"] == 0.5
    assert one["false_positive"][0] == 0.25 and one["detected"][0] == 0.75
    assert set(detection(clean, attacked, np.zeros(99)).to_dict()) == {"n", "auc", "operating"}


def test_a_score_at_the_threshold_is_not_flagged():
    (one,) = detection(np.zeros(5), np.zeros(5), np.zeros(99), rates=(0.05,)).operating
    assert one["detected"][0] == one["false_positive"][0] == 0


def test_scores_of_different_images_are_refused():
    with pytest.raises(UsageError, match="expected the same images, got 3 and 2 scores"):
        detection(np.zeros(3), np.zeros(2), np.zeros(99))
