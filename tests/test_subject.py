from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.errors import JobError, UsageError
from lineament.subject import QUICK_IMAGES, Subject
from tests.toy_subject import ATTRIBUTES, Thumbnails, squares


@pytest.fixture(scope="module")
def dataset():
    return squares(people=30)


@pytest.fixture(scope="module")
def detector(dataset):
    return Thumbnails(dataset)


def test_answers_are_computed_once_and_progress_ends_at_one(dataset, detector):
    subject, heard = Subject(dataset, detector), []
    first = subject.readings("test", heard.append)
    batches = detector.batches
    assert subject.readings("test") is first and detector.batches == batches
    assert heard == sorted(heard) and heard[-1] == 1
    assert first.probabilities.shape == first.labels.shape == (len(first.dataset), 4)


def test_attributes_are_matched_by_name_in_the_detectors_order(dataset):
    names = ("Smiling", "Red")
    chosen = Thumbnails(dataset, names)
    chosen.attributes, chosen.thresholds = ("Smiling", "Halo", "Red"), np.array([0.4, 0.9, 0.6])
    chosen.probabilities = lambda images, eyes=None: torch.tensor([[0.1, 0.2, 0.3]]).repeat(len(images), 1)
    subject = Subject(dataset, chosen)
    assert subject.attributes == names and subject.thresholds.tolist() == [0.4, 0.6]
    assert subject.unmatched == (["Bright_Sky", ATTRIBUTES[3]], ["Halo"])
    found = subject.readings("development")
    np.testing.assert_allclose(found.probabilities[0], [0.1, 0.3])
    np.testing.assert_array_equal(found.labels[:, 1], found.dataset.column("Red"))


def test_nothing_in_common_is_refused_with_both_lists(dataset, detector):
    stranger = replace(dataset, attributes=("A", "B", "C", "D"))
    with pytest.raises(UsageError, match=r"Red, .*squares has A, B, C, D"):
        Subject(stranger, detector).attributes  # noqa: B018


def test_images_of_several_sizes_and_grey_ones_are_read(dataset, detector):
    def read(i):
        pixels = dataset.read(i)
        return pixels[..., :1] if i % 3 == 0 else np.pad(pixels, ((0, 8), (0, 8), (0, 0)), "edge")

    plain, mixed = Subject(dataset, detector), Subject(replace(dataset, read=read), detector)
    whole, found = (s.readings("test").probabilities for s in (plain, mixed))
    assert found.shape == whole.shape and not np.isnan(found).any()


def test_the_eyes_of_each_image_reach_the_detector(dataset, detector):
    eyes = np.random.default_rng(0).random((len(dataset), 2, 2)).astype(np.float32)
    seen = []

    class Watching(Thumbnails):
        def probabilities(self, images, eyes=None):
            seen.append(eyes)
            return super().probabilities(images, eyes)

    subject = Subject(replace(dataset, eyes=eyes), Watching(dataset))
    part = subject.readings("test").dataset
    np.testing.assert_array_equal(torch.cat(seen).numpy(), part.eyes)


def test_quick_takes_whole_people(dataset, detector):
    large = squares(people=200)
    subject = Subject(large, detector, quick=True)
    part = subject.readings("test").dataset
    assert QUICK_IMAGES <= len(part) < QUICK_IMAGES + 10 < len(large.part("test"))
    assert (np.unique(part.identity, return_counts=True)[1] == 10).all()


def test_an_empty_part_and_numbers_that_are_no_probabilities_are_refused(dataset, detector):
    alone = replace(dataset, split=np.zeros(len(dataset), np.int8))
    with pytest.raises(JobError, match="test part is empty"):
        Subject(alone, detector).readings("test")
    broken = Thumbnails(dataset)
    broken.probabilities = lambda images, eyes=None: torch.full((len(images), 4), float("nan"))
    with pytest.raises(JobError, match="NaN"):
        Subject(dataset, broken).readings("test")
