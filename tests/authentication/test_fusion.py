import numpy as np
import pytest

from lineament.authentication.fusion import fuse, weights_of, z_score
from lineament.errors import UsageError


def test_z_scores_by_the_formula_leave_out_what_is_not_compared():
    scores = np.array([[1.0, 2.0], [np.nan, 6.0]])
    deviation = np.sqrt(((np.array([1, 2, 6]) - 3) ** 2).mean())
    np.testing.assert_allclose(z_score(scores), (scores - 3) / deviation)
    np.testing.assert_allclose(z_score(scores, np.array([0.0, 4.0])), (scores - 2) / 2)


def test_fusion_is_the_sum_and_knows_no_scale():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 4, 5))
    np.testing.assert_allclose(fuse([a, b]), z_score(a) + z_score(b))
    np.testing.assert_allclose(fuse([a, b]), fuse([1000 * a + 7, b]))
    np.testing.assert_allclose(fuse([a, b], [a, b]), fuse([a, b]))
    development = draw.normal(size=(2, 6, 3))
    np.testing.assert_allclose(fuse([a, b], list(development)), z_score(a, development[0]) + z_score(b, development[1]))


def test_a_method_that_says_the_same_of_everybody_adds_nothing():
    a = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_allclose(fuse([a, np.full((3, 3), 4.0)]), z_score(a))


def test_what_cannot_be_fused_is_refused():
    with pytest.raises(UsageError, match="one shape"):
        fuse([np.zeros((2, 2)), np.zeros((2, 3))])
    with pytest.raises(UsageError, match="one shape"):
        fuse([np.zeros((2, 2))], [])
    with pytest.raises(UsageError, match="finite"):
        z_score(np.full((2, 2), np.nan))


def test_weights_go_with_how_far_the_development_people_are_apart():
    strangers = np.array([-1.0, 1.0])  # mean 0, deviation 1
    assert weights_of([np.array([3.0, 3.0, 90.0]), np.array([1.0])], [strangers, strangers]) == [0.75, 0.25]
    assert weights_of([np.array([30.0]), np.array([-5.0])], [10 * strangers, strangers]) == [1, 0]  # scale is no matter
    assert weights_of([np.array([-1.0]), np.array([-5.0])], [strangers, strangers]) == [0.5, 0.5]
    a, b = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_allclose(fuse([a, b], weights=[0.75, 0.25]), 0.75 * z_score(a) + 0.25 * z_score(b))
