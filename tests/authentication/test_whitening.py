"""Whitening within people, against its definition."""

import numpy as np
import pytest

from lineament.authentication.verification import set_eer
from lineament.authentication.whitening import within_person_whitening
from lineament.errors import UsageError


def people(rng, count, images, spread):
    centres = rng.normal(size=(count, len(spread)))
    identity = np.repeat(np.arange(count), images)
    return centres[identity] + rng.normal(size=(count * images, len(spread))) * spread, identity


def test_within_person_covariance_becomes_the_identity():
    rng = np.random.default_rng(0)
    vectors, identity = people(rng, 50, 8, np.array([0.1, 1.0, 5.0]))
    white = vectors @ within_person_whitening(vectors, identity, shrinkage=1e-9)
    covariance = sum(
        np.outer(row - white[identity == person].mean(0), row - white[identity == person].mean(0))
        for row, person in zip(white, identity, strict=True)
    ) / (len(white) - 50)
    assert covariance == pytest.approx(np.eye(3), abs=1e-6)


def test_full_shrinkage_only_scales():
    rng = np.random.default_rng(1)
    vectors, identity = people(rng, 20, 4, np.array([0.1, 3.0]))
    matrix = within_person_whitening(vectors, identity, shrinkage=1.0)
    assert matrix @ matrix.T == pytest.approx(np.eye(2) * (matrix @ matrix.T)[0, 0])


def test_it_helps_where_one_direction_is_mostly_noise():
    rng = np.random.default_rng(2)
    spread = np.array([0.2, 0.2, 8.0])
    development, identity = people(rng, 60, 6, spread)
    test, who = people(rng, 60, 6, spread)
    names = [f"{i:04d}" for i in range(len(test))]
    plain = set_eer(test, who, names, resamples=5).eer[0]
    white = set_eer(test @ within_person_whitening(development, identity, shrinkage=0.01), who, names, resamples=5).eer[
        0
    ]
    assert white < plain / 2


def test_strangers_and_single_images_tell_nothing():
    rng = np.random.default_rng(3)
    vectors, identity = people(rng, 10, 3, np.ones(2))
    more = np.concatenate([vectors, rng.normal(size=(5, 2)) * 100, [[50.0, 50.0]]])
    labels = np.concatenate([identity, [-1] * 5, [99]])
    assert within_person_whitening(more, labels) == pytest.approx(within_person_whitening(vectors, identity))
    with pytest.raises(UsageError, match="at least two images"):
        within_person_whitening(vectors[:3], np.array([0, 1, -1]))
    with pytest.raises(UsageError, match="shrinkage"):
        within_person_whitening(vectors, identity, shrinkage=0.0)
