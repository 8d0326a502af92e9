from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.authentication.verification import (
    NEAREST,
    compare,
    equal_error_rate,
    error_rates,
    halves,
    set_eer,
    similarity,
    single_eer,
    standardise,
)
from lineament.detectors.evaluation import person_weights
from lineament.errors import UsageError

SCORES = st.lists(st.integers(0, 6), min_size=1, max_size=12)


def crossing(genuine, impostor):
    """The EER by the definition: walk the line through all operating points until FNMR reaches FMR."""
    points = []
    for cut in [*sorted({*genuine, *impostor}), np.inf]:
        fmr = sum(score >= cut for score in impostor) / len(impostor)
        points.append((fmr, sum(score < cut for score in genuine) / len(genuine)))
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 >= x1:
            share = (x0 - y0) / ((x0 - y0) - (x1 - y1))
            return x0 + share * (x1 - x0)
    raise AssertionError("the last point has FNMR 1 and FMR 0")


@pytest.mark.parametrize(
    ("genuine", "impostor", "eer"),
    [
        ([3, 4], [1, 2], 0),  # apart
        ([1, 2], [3, 4], 1),  # apart, but the wrong way round
        ([1], [1], 0.5),  # the same
        ([1, 3], [0, 2], 0.5),
        ([1, 2, 3, 4], [0, 0, 0, 2], 0.25),
        ([2, 2, 2, 0], [1, 1, 3], 1 / 3),  # FMR stays 1/3 while FNMR goes from 1/4 to 1
    ],
)
def test_equal_error_rates_that_can_be_worked_out_by_hand(genuine, impostor, eer):
    assert equal_error_rate(np.array(genuine), np.array(impostor)) == pytest.approx(eer)


@given(genuine=SCORES, impostor=SCORES)
def test_equal_error_rate_agrees_with_its_definition(genuine, impostor):
    assert equal_error_rate(np.array(genuine), np.array(impostor)) == pytest.approx(crossing(genuine, impostor))


@given(genuine=SCORES, impostor=SCORES)
def test_turning_all_scores_round_turns_the_rate_round(genuine, impostor):
    turned = equal_error_rate(-np.array(genuine), -np.array(impostor))
    assert turned == pytest.approx(1 - equal_error_rate(np.array(genuine), np.array(impostor)))


def test_error_rates_run_from_accepting_everything_to_accepting_nothing():
    cuts, fmr, fnmr = error_rates(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(cuts, [1, 2, 3, np.inf])
    np.testing.assert_array_equal(fmr, [1, 0.5, 0, 0])
    np.testing.assert_array_equal(fnmr, [0, 0, 0.5, 1])
    with pytest.raises(UsageError, match="got 0 and 2"):
        error_rates(np.array([]), np.array([1.0, 2.0]))


def test_similarities_agree_with_their_formulas():
    draw = np.random.default_rng(0)
    e, t = draw.normal(size=(3, 5)), draw.normal(size=(4, 5))
    formulas = {
        "inverse_distance": lambda a, b: 1 / np.sqrt(((a - b) ** 2).sum()),
        "inner_product": lambda a, b: (a * b).sum(),
        "cosine": lambda a, b: (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()),
    }
    for kind, formula in formulas.items():
        np.testing.assert_allclose(similarity(e, t, kind), [[formula(a, b) for b in t] for a in e])
    with pytest.raises(UsageError, match="'euclid'"):
        similarity(e, t, "euclid")


def test_equal_vectors_and_zero_vectors_have_a_finite_similarity():
    ones, zeros = np.ones((1, 3)), np.zeros((1, 3))
    assert similarity(ones, ones)[0, 0] == pytest.approx(1 / NEAREST)
    assert similarity(zeros, ones, "cosine")[0, 0] == 0


def test_standardising_uses_the_development_set_and_silences_constant_columns():
    development = np.array([[0.0, 5.0], [2.0, 5.0]])
    np.testing.assert_array_equal(standardise(np.array([[3.0, 9.0]]), development), [[2.0, 0.0]])


def test_halves_follow_file_names_and_leave_out_who_has_too_few():
    identity = np.array([4] * 7 + [9] * 5 + [-1] * 8)
    names = [f"{i:02}.png" for i in (6, 5, 4, 3, 2, 1, 0)] + [f"b{i}" for i in range(5)] + [f"c{i}" for i in range(8)]
    ((number, first, second),) = halves(identity, names)
    assert number == 4 and first.tolist() == [6, 5, 4] and second.tolist() == [3, 2, 1, 0]


def crowd(noise, people=12, images=8, seed=0):
    draw = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    vectors = draw.normal(size=(people, 6))[identity] + noise * draw.normal(size=(people * images, 6))
    return vectors, identity, [f"{i:04}" for i in range(len(identity))]


def test_steady_people_are_told_apart_and_noise_is_not():
    np.testing.assert_array_equal(set_eer(*crowd(0.0), resamples=20).eer, [0, 0, 0])
    chance = single_eer(*crowd(1e3, people=30), resamples=50)
    assert chance.eer[0] == pytest.approx(0.5, abs=0.06) and chance.eer[1] < 0.5 < chance.eer[2]


def test_sets_are_means_and_singles_are_images():
    vectors, identity, names = crowd(1.0)
    sets, singles = set_eer(vectors, identity, names, resamples=0), single_eer(vectors, identity, names, resamples=0)
    assert sets.scores.shape == (12, 12) and singles.scores.shape == (12, 48)
    own = vectors[identity == 3]
    expected = 1 / np.linalg.norm(own[:4].mean(0) - vectors[identity == 5][4:].mean(0))
    assert sets.scores[3, 5] == pytest.approx(expected)
    assert singles.scores[3, 12] == pytest.approx(1 / np.linalg.norm(own[:4].mean(0) - own[4]))
    assert len(sets.genuine) == 12 and len(singles.impostor) == 12 * 44


@pytest.mark.parametrize("seed", range(12))
def test_a_resample_agrees_with_repeating_people_literally(seed):
    vectors, identity, names = crowd(1.5, people=5, images=6, seed=seed)
    # so coarse that scores tie, and with one draw both ends of the interval are that draw
    result = single_eer(np.round(vectors / 2), identity, names, kind="inner_product", resamples=1, seed=seed)
    weight = person_weights(5, 1, seed)[1].astype(int)
    same = result.references[:, None] == result.probes
    times = np.where(same, 1, weight[result.references][:, None]) * weight[result.probes]
    genuine, impostor = (np.repeat(result.scores[kind], times[kind]).tolist() for kind in (same, ~same))
    np.testing.assert_allclose(result.eer[1:], crossing(genuine, impostor))
    assert result.eer[0] == pytest.approx(crossing(result.genuine.tolist(), result.impostor.tolist()))


def test_references_and_probes_need_not_be_the_same_people():
    result = compare(
        np.array([[0.0], [9.0]]), np.array([1, 2]), np.array([[0.1], [5.0]]), np.array([1, 3]), resamples=5
    )
    assert result.eer[0] == 0 and len(result.genuine) == 1


def test_too_few_people_are_refused_in_words():
    with pytest.raises(UsageError, match="at least two people"):
        set_eer(*crowd(1.0, people=1))
