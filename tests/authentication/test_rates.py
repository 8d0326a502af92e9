import numpy as np
import pytest

from lineament.authentication.rates import measure, threshold
from lineament.authentication.verification import compare, equal_error_rate
from lineament.errors import UsageError


def ten_thousand():
    """Two people; strangers score 0, 1, ... 9999, owners 9989.5 and 9998.5 half the time each."""
    scores = np.zeros((2, 10_002))
    scores[0, :5000], scores[1, 5000:10_000] = np.arange(0, 10_000, 2), np.arange(1, 10_000, 2)
    scores[0, 5000:10_000] = scores[1, :5000] = np.nan
    scores[:, 10_000:] = np.array([[9989.5, np.nan], [np.nan, 9998.5]])
    return scores, np.array([1, 2]), np.array([2] * 5000 + [1] * 5000 + [1, 2])


def test_rates_that_can_be_worked_out_by_hand():
    scores, references, probes = ten_thousand()
    found = measure(scores, references, probes, equal=scores >= 9995, wanted=scores >= 9995, resamples=3)
    assert (found.genuine, found.impostor) == (2, 10_000)
    assert found.fnmr_at_fmr_1[0] == 0  # the lowest threshold with FMR <= 1 % is 9899.5 and above: both are let in
    assert found.fnmr_at_fmr_01[0] == 0  # 9989.5 lets in ten strangers of 10,000, which is 0.1 % and no more
    np.testing.assert_allclose([found.fmr[0], found.fnmr[0], found.hter[0]], [5e-4, 0.5, (5e-4 + 0.5) / 2])


def test_without_decisions_there_is_no_hter_and_json_says_so():
    scores, references, probes = ten_thousand()
    found = measure(scores, references, probes, resamples=3).to_dict()
    assert found["hter"] == [None] * 3 and found["genuine"] == 2 and len(found["eer"]) == 3


def crowd(seed=0, people=20):
    draw = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), 4)
    centres = draw.normal(size=(people, 3))
    return (
        centres + 0.3 * draw.normal(size=(people, 3)),
        np.arange(people),
        centres[who] + 0.5 * draw.normal(size=(len(who), 3)),
        who,
    )


def test_the_eer_is_that_of_compare():
    gallery, references, vectors, probes = crowd()
    compared = compare(gallery, references, vectors, probes, resamples=50, seed=3)
    found = measure(compared.scores, references, probes, resamples=50, seed=3)
    np.testing.assert_array_equal(found.eer, compared.eer)
    assert found.eer[0] == pytest.approx(equal_error_rate(compared.genuine, compared.impostor))
    assert found.eer[0] <= found.fnmr_at_fmr_1[0] <= found.fnmr_at_fmr_01[0]


@pytest.mark.parametrize("wanted", [0.2, 0.01])
def test_a_threshold_keeps_the_wanted_rate_on_its_own_people_and_no_lower_one_does(wanted):
    gallery, references, vectors, probes = crowd()
    compared = compare(gallery, references, vectors, probes, resamples=0)
    cut, low, high = threshold(compared.scores, references, probes, wanted, resamples=100)
    assert (compared.impostor >= cut).mean() <= wanted
    below = compared.scores[compared.scores < cut].max()
    assert (compared.impostor >= below).mean() > wanted
    assert low <= cut <= high and low < high


def test_the_threshold_of_equal_errors_makes_them_nearly_equal():
    gallery, references, vectors, probes = crowd()
    compared = compare(gallery, references, vectors, probes, resamples=0)
    cut = threshold(compared.scores, references, probes, resamples=0)
    decided = measure(compared.scores, references, probes, equal=compared.scores >= cut[0], resamples=10)
    assert decided.hter[0] == pytest.approx(decided.eer[0], abs=0.02) and np.isnan(cut[1])


@pytest.mark.parametrize("wrong", [0, 1, -0.1, 5, float("nan")])
def test_impossible_rates_are_refused(wrong):
    scores, references, probes = ten_thousand()
    with pytest.raises(UsageError, match="between 0 and 1"):
        threshold(scores, references, probes, wrong)


@pytest.mark.parametrize("impostors", [100, 200, 300])
def test_one_stranger_in_a_hundred_is_a_false_match_rate_of_one_per_cent(impostors):
    scores = np.full((2, impostors + 2), np.nan)
    scores[0, :impostors] = np.arange(impostors)
    scores[[0, 1], [-2, -1]] = impostors - 0.5
    references, probes = np.array([1, 2]), np.array([2] * impostors + [1, 2])
    cut = threshold(scores, references, probes, 0.01, resamples=0)[0]
    assert (scores[0, :impostors] >= cut).sum() == impostors // 100
    assert measure(scores, references, probes, resamples=0).fnmr_at_fmr_1[0] == 0
