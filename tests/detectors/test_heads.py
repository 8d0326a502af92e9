"""Linear heads: what the SVM may use, and that calibration makes probabilities of scores."""

import numpy as np
import pytest

from lineament.detectors.heads import Head, calibrated, svm_head


def toy(n, rng):
    """Five columns; the label of the first attribute is in column 0, of the second in column 3."""
    x = rng.normal(size=(n, 5)).astype(np.float32) * [1, 10, 0.1, 2, 1] + [0, 5, 0, -1, 0]
    y = np.stack([x[:, 0] > 0, x[:, 3] > 0], 1).astype(np.int8)
    return x.astype(np.float32), y


def test_the_svm_learns_from_the_units_it_may_use_alone():
    rng = np.random.default_rng(0)
    carried = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], dtype=bool)  # the second may not see its column
    head = svm_head(toy(600, rng), toy(300, rng), carried)
    x, y = toy(500, rng)
    accuracy = ((head(x) > 0) == (y == 1)).mean(0)
    assert accuracy[0] > 0.97
    assert accuracy[1] < 0.75  # 0.69 is always saying no
    assert not head.weight[~carried].any()


def test_unknown_labels_are_left_out_of_the_svm():
    rng = np.random.default_rng(1)
    x, y = toy(400, rng)
    poisoned = y.copy()
    poisoned[::2] = -1
    head = svm_head((x, poisoned), toy(200, rng), np.ones((2, 5), bool))
    x, y = toy(400, rng)
    assert (((head(x) > 0) == (y == 1)).mean(0) > 0.95).all()


def test_an_attribute_that_nobody_or_everybody_has():
    rng = np.random.default_rng(2)
    x, y = toy(50, rng)
    y[:, 0], y[:, 1] = 0, 1
    head = svm_head((x, y), (x, y), np.ones((2, 5), bool))
    assert (head(x)[:, 0] < 0).all()
    assert (head(x)[:, 1] > 0).all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_calibration_recovers_the_law_that_made_the_labels(scale):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, 1)).astype(np.float32)
    y = (rng.random((20_000, 1)) < 1 / (1 + np.exp(-(2.5 * x - 1)))).astype(np.int8)
    head = calibrated(Head(np.full((1, 1), scale, np.float32), np.zeros(1, np.float32)), x, y)
    assert head.weight[0, 0] == pytest.approx(2.5, rel=0.05)
    assert head.bias[0] == pytest.approx(-1, abs=0.06)


def test_calibration_never_turns_a_score_round():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(500, 1)).astype(np.float32)
    y = (x < 0).astype(np.int8)
    head = calibrated(Head(np.ones((1, 1), np.float32), np.zeros(1, np.float32)), x, y)
    assert head.weight[0, 0] > 0
    untouched = calibrated(Head(np.ones((1, 1), np.float32), np.zeros(1, np.float32)), x, np.ones_like(y))
    assert untouched.weight[0, 0] == 1
