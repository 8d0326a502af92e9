import numpy as np
import pytest

from lineament.authentication.refusals import NEVER_A_REASON, decisiveness
from lineament.authentication.section import spread


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


def test_spread_agrees_with_the_literal_definition():
    draw = np.random.default_rng(0)
    identity = draw.integers(-1, 12, 60)
    identity[0] = 99  # one image only
    vectors = draw.normal(size=(60, 4)) + identity[:, None]
    groups = [vectors[identity == i] for i in np.unique(identity) if i >= 0 and (identity == i).sum() > 1]
    squares = sum(((own - own.mean(0)) ** 2).sum(0) for own in groups)
    within, between = spread(vectors, identity)
    np.testing.assert_allclose(within, np.sqrt(squares / sum(len(own) - 1 for own in groups)))
    np.testing.assert_allclose(between, np.std([own.mean(0) for own in groups], axis=0))


@pytest.mark.parametrize("identity", [[-1, -1, -1], [1, 2, 3]])
def test_spread_is_nan_where_nobody_has_two_images(identity):
    assert np.isnan(spread(np.zeros((3, 2)), np.array(identity))).all()
