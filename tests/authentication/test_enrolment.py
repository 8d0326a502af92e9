from datetime import UTC, datetime

import numpy as np
import pytest

from lineament.authentication.enrolment import PRIOR, enrol, enrol_typed
from lineament.authentication.scoring import scorer
from lineament.authentication.template import Template
from lineament.errors import UsageError
from tests.authentication.toy_cohort import people, toy_cohort

COHORT = toy_cohort()
OWN = people(1, 8, seed=11)[0]
NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_a_template_holds_mean_deviation_and_a_measured_threshold():
    template = enrol("ann", OWN, COHORT, created=NOW)
    np.testing.assert_allclose(template.mean, OWN.mean(0))
    assert (template.user, template.images, template.occasions, template.typed) == ("ann", 8, 1, False)
    assert template.created == "2026-11-22T16:00:00+00:00" and template.cohort == COHORT.sha256
    score = scorer(COHORT, template.mean, 1)
    assert (score(COHORT.readings.astype(float)) >= template.threshold).mean() <= 0.01
    assert template.fmr_interval[0] <= 0.01 <= template.fmr_interval[1]
    assert Template.from_bytes(template.to_bytes()) == template


def test_occasions_count_the_same_however_many_images_each_has():
    days = ["monday"] * 7 + ["tuesday"]
    template = enrol("ann", OWN, COHORT, occasions=days)
    mean = (OWN[:7].mean(0) + OWN[7]) / 2
    np.testing.assert_allclose(template.mean, mean)
    variance = (((OWN[:7] - mean) ** 2).mean(0) + (OWN[7] - mean) ** 2) / 2
    wanted = (PRIOR * np.diag(COHORT.within) + 2 * variance) / (PRIOR + 2)
    np.testing.assert_allclose(template.deviation, np.sqrt(wanted))


def test_an_attribute_that_varies_is_learnt_to_vary():
    varied = OWN.copy()
    varied[::2, 0] += 12  # eyeglasses on and off
    assert enrol("ann", varied, COHORT).deviation[0] > 2 * enrol("ann", OWN, COHORT).deviation[0]


@pytest.mark.parametrize(
    ("readings", "options", "told"),
    [
        (OWN[:0], {}, "at least one image"),
        (OWN[:, :4], {}, r"expected \(images, 5\)"),
        (OWN[0], {}, r"expected \(images, 5\)"),
        (np.full((2, 5), np.nan), {}, "NaN"),
        (np.full((2, 5), np.inf), {}, "NaN or infinite"),
        (OWN, {"occasions": ["a"]}, "occasions: expected one an image"),
        (OWN, {"fmr": 1e-4}, "finer"),
    ],
)
def test_what_makes_no_template_is_refused(readings, options, told):
    with pytest.raises(UsageError, match=told):
        enrol("ann", readings, COHORT, **options)


def test_typed_answers_look_as_the_labelled_images_of_the_cohort_do():
    template = enrol_typed("bob", {"Eyeglasses": "no", "Male": "yes", "Wearing_Hat": "any"}, COHORT, fmr=0.3)
    np.testing.assert_array_equal(template.mean, [-6, 6, np.nan, np.nan, np.nan])
    assert (template.typed, template.images) == (True, 0)
    score = scorer(COHORT, template.mean, 1)
    assert score(np.array([-6.0, 6, 0, 0, 0])) >= template.threshold > score(np.array([6.0, 6, 0, 0, 0]))


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"Eyeglases": "no"}, "did you mean 'Eyeglasses'"),
        ({"Eyeglasses": "maybe"}, "Eyeglasses: unknown answer 'maybe'"),
        ({"Eyeglasses": "any"}, "all are 'any'"),
        ({}, "all are 'any'"),
        ({"Young": "yes"}, "no image labelled 'yes'"),
        ({"Eyeglasses": "no"}, "too many people look like that"),
    ],
)
def test_answers_that_make_no_template_are_refused(answers, told):
    with pytest.raises(UsageError, match=told):
        enrol_typed("bob", answers, COHORT)
