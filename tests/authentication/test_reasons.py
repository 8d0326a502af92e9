import numpy as np

from lineament.authentication.reasons import ACTIONABLE, DECISIVE, NEVER_A_REASON, decisiveness, ranked


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
