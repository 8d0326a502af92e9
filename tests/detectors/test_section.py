import numpy as np
import pytest
import torch

from lineament.detectors.section import SECTION
from lineament.subject import Subject
from tests.toy_subject import Thumbnails, squares


@pytest.fixture(scope="module")
def dataset():
    return squares(people=30)


def kinds(dataset, detector):
    found = SECTION.run(Subject(dataset, detector, quick=True), lambda share: None).findings
    return {finding.kind for finding in found if "mean accuracy" in finding.text}


def test_only_what_beats_the_commonest_answer_beyond_chance_is_a_strength(dataset):
    assert kinds(dataset, Thumbnails(dataset)) == {"strength"}
    guessing = Thumbnails(dataset)
    guessing.probabilities = lambda images, eyes=None: torch.rand(len(images), 4, generator=torch.manual_seed(0))
    assert kinds(dataset, guessing) == {"weak flank"}


def test_progress_covers_both_parts_and_rises(dataset):
    heard = []
    fragment = SECTION.run(Subject(dataset, Thumbnails(dataset), quick=True), heard.append)
    assert heard == sorted(heard) and 0.85 < heard[-1] <= 1
    assert len(fragment.data["rows"]) == 4 and np.isfinite(fragment.data["means"]["auc"]).all()
