from dataclasses import replace

import numpy as np
import pytest

from lineament.authentication.enrolment import enrol
from lineament.authentication.reasons import (
    ACTIONABLE,
    DECISIVE,
    FIRM,
    MOST,
    NEVER_A_REASON,
    Reason,
    decisiveness,
    differences,
    ranked,
    situations,
)
from tests.authentication.toy_cohort import toy_cohort


def test_reasons_are_differences_in_units_of_a_persons_own_deviation():
    names = ("Eyeglasses", "Smiling", "Male", "Bald")
    enrolled, seen = np.array([-3.0, -5.0, 2.0, -1.0]), np.array([1.0, 5.0, -2.0, -9.0])
    within, cut = np.array([2.0, 0.1, 0.5, 0.1]), np.zeros(4)
    speaks = decisiveness(enrolled, seen, within, cut, names)
    # Smiling changes within a minute; Bald is answered no on both sides, however far apart the two are
    np.testing.assert_array_equal(speaks, [2.0, -np.inf, 8.0, -np.inf])


def test_what_changes_within_a_minute_or_judges_taste_is_never_a_reason():
    names = tuple(sorted(NEVER_A_REASON))
    assert len(names) == 7 and {"Attractive", "Smiling", "Blurry", "Pointy_Nose"} <= NEVER_A_REASON
    speaks = decisiveness(np.full(7, -9.0), np.full(7, 9.0), np.ones(7), np.zeros(7), names)
    assert (speaks == -np.inf).all()


def test_what_a_person_can_act_on_goes_before_traits_if_it_is_decisive():
    names = ("Male", "Eyeglasses", "Wearing_Hat", "No_Beard", "Young")
    speaks = np.array([[9.0, DECISIVE, 4.0, DECISIVE - 0.1, 3.0], [1.0, -np.inf, -np.inf, 0.5, 2.0]])
    assert [names[i] for i in ranked(speaks, names)[0]] == ["Wearing_Hat", "Eyeglasses", "Male", "Young", "No_Beard"]
    assert ranked(speaks, names)[1, :3].tolist() == [4, 0, 3]  # nothing decisive that one can act on: the strongest
    assert not ACTIONABLE & NEVER_A_REASON and not ACTIONABLE & {"Male", "Pale_Skin", "Young", "Big_Nose"}


COHORT = toy_cohort()
EYEGLASSES, MALE, SMILING, HAT, YOUNG = range(5)
STEADY = np.array([[-6.0, -6, -6, -6, -6]] * 4)


def named(seen, enrolled=STEADY, **changes):
    """The names of the reasons for refusing what was seen in place of the steady no to everything."""
    template = replace(enrol("ann", enrolled, COHORT, fmr=0.1), **changes)
    return [reason.name for reason in differences(COHORT, template, np.asarray(seen, dtype=float))]


def test_a_reason_is_told_in_a_sentence_with_its_strength():
    template = enrol("ann", STEADY, COHORT, fmr=0.1)
    (reason,) = differences(COHORT, template, np.array([6.0, -6, -6, -6, -6]))
    assert (reason.kind, reason.name) == ("attribute", "Eyeglasses")
    assert reason.sentence == "Eyeglasses does not match: enrolled no, seen yes."
    assert reason.strength == pytest.approx(12 / template.deviation[EYEGLASSES])
    (reason,) = differences(COHORT, enrol("ann", -STEADY, COHORT, fmr=0.1), np.array([6.0, 6, 6, -6, 6]))
    assert reason.sentence == "Wearing Hat does not match: enrolled yes, seen no."


def test_what_one_can_act_on_comes_first_and_few_are_named():
    *first, last = named([6, 6, -6, 6, 6])
    assert set(first) == {"Eyeglasses", "Wearing_Hat"} and last in ("Male", "Young") and len(first) + 1 == MOST
    assert named([-6, 6, 6, -6, -6]) == ["Male"]  # Smiling never


def test_without_a_difference_that_may_be_named_the_face_as_a_whole_is():
    assert named([-6, -6, 6, -6, -6]) == ["face"] and named([-6, -6, -6, -6, -6]) == ["face"]


def test_what_varied_at_enrolment_is_no_reason():
    varied = np.array([[6.0, -6, -6, -6, -6], [-6, -6, -6, -6, -6], [-6, -6, -6, -6, -6], [-6, -6, -6, -6, -6]])
    assert named([6, 6, -6, -6, -6], enrolled=np.repeat(varied, 1, 0)) == ["Male"]
    template = enrol("ann", STEADY, COHORT, fmr=0.1)
    for deviation, expected in ((6 / FIRM * 0.99, "Eyeglasses"), (6 / FIRM * 1.01, "face")):
        wide = template.deviation.copy()
        wide[EYEGLASSES] = deviation
        assert named([6, -6, -6, -6, -6], deviation=wide) == [expected]


def test_what_is_any_is_no_reason():
    mean = STEADY[0].copy()
    mean[EYEGLASSES] = np.nan
    assert named([6, 6, -6, -6, -6], mean=mean) == ["Male"]


def test_situations_are_told_as_they_are_and_no_face_where_nothing_is():
    assert situations({"dark": "Dark.", "turned": "Turned."}) == (
        Reason("situation", "dark", "Dark."), Reason("situation", "turned", "Turned."),
    )  # fmt: skip
    assert situations({})[0].name == "none"
