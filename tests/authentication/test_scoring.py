from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from lineament.authentication.scoring import (
    SURE,
    doubt,
    finest_fmr,
    impostor_rate,
    scorer,
    threshold_at,
)
from lineament.errors import UsageError
from tests.authentication.toy_cohort import people, toy_cohort

COHORT = toy_cohort()


def literal(cohort, mean, occasions, reading):
    """Slower, closer to the definition: the joint density of both vectors under either hypothesis."""
    known = np.flatnonzero(~np.isnan(mean))
    b, w = (matrix[np.ix_(known, known)] for matrix in (cohort.between, cohort.within))
    centre, pair = cohort.mean[known], np.concatenate([mean[known], reading[known]])
    none = np.zeros_like(b)
    same = np.block([[b + w / occasions, b], [b, b + w]])
    apart = np.block([[b + w / occasions, none], [none, b + w]])
    both = np.tile(centre, 2)
    return multivariate_normal.logpdf(pair, both, same) - multivariate_normal.logpdf(pair, both, apart)


@pytest.mark.parametrize("unlooked", [[], [2], [0, 3, 4]])
def test_the_score_is_the_ratio_of_the_joint_densities(unlooked):
    one, other = people(2, 4, seed=1)
    mean = one.mean(0)
    mean[unlooked] = np.nan
    score = scorer(COHORT, mean, occasions=4)
    for reading in (*one, *other):
        assert score(reading) == pytest.approx(literal(COHORT, mean, 4, reading), rel=1e-9)
    assert score(one).mean() > score(other).mean()


def test_what_is_any_is_integrated_out():
    mean, draw = people(1, 1, seed=2)[0, 0], np.random.default_rng(0)
    reading = draw.normal(0, 6, 5)
    mean[1] = np.nan
    score = scorer(COHORT, mean, 1)
    changed = reading.copy()
    changed[1] += 100
    assert score(reading) == score(changed)


def test_one_reading_scores_bit_equal_alone_and_among_others():
    readings = people(1, 50, seed=3)[0]
    score = scorer(COHORT, readings[0], 1)
    assert score(readings).tolist() == [float(score(reading)) for reading in readings]


def test_the_threshold_lets_the_wanted_share_of_strangers_pass():
    score = scorer(COHORT, people(1, 5, seed=4)[0].mean(0), 5)
    strangers = score(people(4000, 1, seed=5)[:, 0])
    for fmr in (0.01, 0.05, 0.3):
        threshold = threshold_at(COHORT, score, fmr)
        rate, low, high = impostor_rate(COHORT, score, threshold)
        assert 0.8 * fmr < rate < fmr + 1e-9
        assert low <= rate <= high and low <= (strangers >= threshold).mean() <= high + 0.01


def test_every_person_of_the_cohort_counts_the_same():
    often = np.concatenate([np.arange(len(COHORT.identity)), np.repeat(np.flatnonzero(COHORT.identity == 7), 500)])
    crowded = replace(COHORT, readings=COHORT.readings[often], identity=COHORT.identity[often])
    score = scorer(COHORT, COHORT.readings[COHORT.identity == 7].astype(float).mean(0), 1)
    assert threshold_at(crowded, score, 0.05) == threshold_at(COHORT, score, 0.05)


def test_the_interval_is_that_of_people_not_of_images():
    score = scorer(COHORT, people(1, 5, seed=6)[0].mean(0), 5)
    _, low, high = impostor_rate(COHORT, score, threshold_at(COHORT, score, 0.1))
    images = 1.96 * np.sqrt(0.1 * 0.9 / len(COHORT.identity))
    assert high - low > 1.5 * 2 * images


def test_a_rate_that_the_cohort_cannot_show_is_refused():
    score = scorer(COHORT, people(1, 1, seed=7)[0, 0], 1)
    assert finest_fmr(COHORT) == 3 / 400
    threshold_at(COHORT, score, 3 / 400)
    with pytest.raises(UsageError, match="0.001 is finer than 0.0075.*400 people.*calibrate on 3,000 people"):
        threshold_at(COHORT, score, 0.001)
    for wrong in (0, 1, -0.1, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            threshold_at(COHORT, score, wrong)


def test_outside_its_doubt_a_stage_makes_few_of_the_wanted_errors():
    own = people(1, 200, seed=8)[0]
    score = scorer(COHORT, own[:5].mean(0), 5)
    lower, upper = doubt(COHORT, score, 0.1)
    assert threshold_at(COHORT, score, 0.1) < upper >= lower
    assert (score(people(4000, 1, seed=9)[:, 0]) >= upper).mean() < 2 * SURE * 0.1
    assert (score(own) < lower).mean() < 0.05


def test_before_the_same_camera_the_score_is_the_ratio_of_the_densities_of_the_difference():
    one, other = people(2, 3, seed=8)
    mean = one[0].copy()
    mean[1] = np.nan
    known = [0, 2, 3, 4]
    difference = COHORT.within[np.ix_(known, known)] * 1.5
    apart = difference + 2 * COHORT.between[np.ix_(known, known)]
    score = scorer(COHORT, mean, 2, same_camera=True)
    for reading in (*one, *other):
        x = (reading - mean)[known]
        wanted = multivariate_normal.logpdf(x, cov=difference) - multivariate_normal.logpdf(x, cov=apart)
        assert score(reading) == pytest.approx(wanted, rel=1e-9)


def test_what_a_camera_does_to_everybody_makes_no_difference_before_it():
    reading, shift = people(1, 1, seed=9)[0, 0], np.full(5, 7.0)
    mean = people(1, 1, seed=10)[0, 0]
    here, there = (scorer(COHORT, mean + added, 1, same_camera=True) for added in (0, shift))
    assert here(reading) == pytest.approx(there(reading + shift))
    assert threshold_at(COHORT, here, 0.05) == pytest.approx(threshold_at(COHORT, there, 0.05))


def test_before_the_same_camera_impostors_are_the_differences_of_two_people():
    score = scorer(COHORT, people(1, 1, seed=11)[0, 0], 1, same_camera=True)
    threshold = threshold_at(COHORT, score, 0.05)
    rate, low, high = impostor_rate(COHORT, score, threshold)
    effects = COHORT.effects
    literal_rate = np.mean(
        [score(score.mean + effects[i] - effects[j]) >= threshold
         for i in range(60) for j in range(COHORT.people) if i != j]
    )  # fmt: skip
    assert rate == pytest.approx(0.05, abs=1e-3) and low < rate < high
    assert literal_rate == pytest.approx(rate, abs=0.03)


def test_people_differ_by_as_much_as_was_estimated_of_them():
    effects = COHORT.effects
    assert np.cov(effects.T) == pytest.approx(COHORT.between, abs=0.15 * np.abs(COHORT.between).max())


def test_doubt_before_the_same_camera_holds_the_threshold():
    score = scorer(COHORT, people(1, 1, seed=12)[0, 0], 1, same_camera=True)
    lower, upper = doubt(COHORT, score, 0.1)
    assert threshold_at(COHORT, score, 0.1) < upper >= lower
