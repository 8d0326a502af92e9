import json

import numpy as np
import pytest
import safetensors.numpy
import torch

from lineament import artifacts
from lineament.authentication import cohort as cohorts
from lineament.authentication.cohort import LEAST, SHRINKAGE, calibrate, covariances, load
from lineament.authentication.readings import as_log_odds, model_of, read, read_all
from lineament.detectors.detector import shipped
from lineament.errors import JobError, UsageError
from tests.authentication.toy_cohort import toy_cohort
from tests.toy_subject import ATTRIBUTES, Thumbnails, squares


class Named(Thumbnails):
    """The toy detector, as if it had been saved."""

    def __init__(self, dataset):
        super().__init__(dataset)
        self.card = self.card | {"card_sha256": "d" * 64}


@pytest.fixture(scope="module")
def toy():
    dataset = squares()
    return Named(dataset), dataset.part("development")


@pytest.fixture(scope="module")
def made(toy):
    return calibrate(*toy)


def test_covariances_are_those_of_the_literal_definition():
    draw = np.random.default_rng(0)
    identity = np.concatenate([np.arange(30), draw.integers(0, 30, 120)])
    readings = draw.normal(size=(30, 3))[identity] * [3, 1, 0] + draw.normal(size=(150, 3)) * [1, 2, 0]
    within, between, mean = covariances(readings, identity)
    own = [readings[identity == i] for i in range(30)]
    pooled = sum((x - x.mean(0)).T @ (x - x.mean(0)) for x in own) / (150 - 30)
    means = np.array([x.mean(0) for x in own])
    raw = np.cov(means.T) - pooled * np.mean([1 / len(x) for x in own])
    values, vectors = np.linalg.eigh(raw)
    raw = sum(max(value, 0) * np.outer(v, v) for value, v in zip(values, vectors.T, strict=True))
    for found, wanted in ((within, pooled), (between, raw)):
        shrunk = wanted * np.where(np.eye(3), 1, 1 - SHRINKAGE)
        np.testing.assert_allclose(found[:2, :2], shrunk[:2, :2])
    np.testing.assert_allclose(mean, means.mean(0))
    assert within[2, 2] == pytest.approx(LEAST**2) and between[2, 2] == pytest.approx(0, abs=1e-9)


def test_covariances_find_those_that_people_were_drawn_with():
    draw = np.random.default_rng(1)
    identity = np.repeat(np.arange(3000), 4)
    readings = draw.normal(0, 3, (3000, 2))[identity] + draw.normal(0, [1, 2], (12_000, 2))
    within, between, _ = covariances(readings, identity)
    np.testing.assert_allclose(within, np.diag([1, 4]), atol=0.15)
    np.testing.assert_allclose(between, np.diag([9, 9]), atol=0.6)


def test_a_cohort_holds_readings_labels_and_no_name(toy, made):
    detector, people = toy
    assert (made.model, made.attributes, made.people) == ("d" * 64, ATTRIBUTES, len(np.unique(people.identity)))
    np.testing.assert_allclose(made.readings, read_all(detector, people), atol=5e-3)
    for i, name in enumerate(ATTRIBUTES):
        for answer in (0, 1):
            wanted = made.readings[people.column(name) == answer, i].astype(float).mean()
            assert made.answers[answer, i] == pytest.approx(wanted)
    np.testing.assert_allclose(made.deviation, np.sqrt(np.diag(made.within)))


def test_one_image_reads_as_it_does_in_a_set(toy):
    detector, people = toy
    np.testing.assert_allclose(read(detector, people.read(3), None), read_all(detector, people)[3], rtol=1e-5)


def test_it_reads_back_as_it_was_saved(made, tmp_path):
    again = load(made.save(tmp_path / "cohort"))
    assert again.sha256 == made.sha256 and again.attributes == made.attributes
    np.testing.assert_array_equal(again.readings, made.readings)
    assert again.card["data"] == "squares"
    assert toy_cohort().sha256 != toy_cohort(seed=1).sha256 != toy_cohort(seed=1, model="e" * 64).sha256


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"within": np.eye(4, dtype=np.float32)}, "within is float32"),
        ({"within": -np.eye(4)}, "within is no covariance"),
        ({"mean": np.full(4, np.nan)}, "mean holds numbers that are not finite"),
        ({"mean": np.zeros(3)}, r"mean is float64 \(3,\)"),
        ({"identity": np.full(180, 3)}, "identity is not 0 to people - 1"),
        ({"more": np.zeros(1)}, "do not describe a cohort"),
    ],
)
def test_a_sealed_artifact_that_is_no_cohort_is_refused(made, tmp_path, change, told):
    folder = made.save(tmp_path / "cohort")
    arrays = safetensors.numpy.load((folder / "model.safetensors").read_bytes()) | change
    card = json.loads((folder / "card.json").read_text())
    artifacts.save(folder, kind="cohort", tensors={k: torch.from_numpy(v) for k, v in arrays.items()},
                   config=card["config"], attributes=card["attributes"])  # fmt: skip
    with pytest.raises(JobError, match=told):
        load(folder)


def test_what_makes_no_cohort_is_refused(toy):
    detector, people = toy
    with pytest.raises(UsageError, match="two people with two images each"):
        calibrate(detector, people.subset(people.identity == people.identity[0]))
    with pytest.raises(UsageError, match="has no artifact"):
        calibrate(Thumbnails(squares()), people)


class Broken(Named):
    def probabilities(self, images, eyes=None):
        return super().probabilities(images, eyes) + float("nan")


def test_answers_that_are_no_probabilities_are_refused(toy):
    with pytest.raises(JobError, match="or NaN, as probabilities"):
        read(Broken(squares()), toy[1].read(0), None)
    assert as_log_odds(np.array([0.0, 0.5, 1.0])).tolist() == pytest.approx([-9.21024, 0, 9.21024])


def test_the_shipped_cohort_is_of_the_shipped_detector_and_shows_one_percent():
    cohort = cohorts.shipped()
    assert cohort.model == model_of(shipped()) and cohort.attributes == shipped().attributes
    assert cohort.people >= 300 and np.isfinite(cohort.answers).all()
