from dataclasses import replace

import numpy as np
import pytest

from lineament.datasets.section import SECTION, co_occurrence
from lineament.subject import Subject
from tests.toy_subject import Thumbnails, squares


@pytest.fixture(scope="module")
def dataset():
    return squares(people=30)


def run(dataset):
    return SECTION.run(Subject(dataset, Thumbnails(squares(people=30))), lambda share: None)


def test_phi_is_the_correlation_of_the_images_where_both_labels_are_known():
    draw = np.random.default_rng(0)
    labels = draw.choice([-1, 0, 1], p=[0.2, 0.5, 0.3], size=(200, 3)).astype(np.int8)
    labels[:, 2] = np.where(draw.random(200) < 0.8, labels[:, 0], labels[:, 2])
    phi = co_occurrence(labels)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        known = (labels[:, a] >= 0) & (labels[:, b] >= 0)
        assert phi[a, b] == pytest.approx(np.corrcoef(labels[known, a], labels[known, b])[0, 1])
    assert phi[0, 2] > 0.5
    assert np.isnan(co_occurrence(np.ones((5, 2), np.int8))).all()


def test_people_in_two_parts_are_counted_and_told(dataset):
    split = dataset.split.copy()
    split[dataset.identity == 3] = np.arange(10) % 2
    fragment = run(replace(dataset, split=split))
    assert fragment.data["people_in_two_parts"] == 1
    assert "1 of them are in more than one part" in "".join(fragment.blocks)
    assert any(finding.number == "1" and finding.kind == "weak flank" for finding in fragment.findings)


def test_a_rare_attribute_is_a_weak_flank(dataset):
    labels = dataset.labels.copy()
    labels[:, 1] = 0
    labels[np.flatnonzero(dataset.split == 2)[:4], 1] = 1
    found = [finding for finding in run(replace(dataset, labels=labels)).findings if "Bright Sky" in finding.text]
    assert found[0].number == "4" and "show Bright Sky" in found[0].text


def test_data_without_people_sessions_or_labels_still_have_a_section(dataset):
    nobody = replace(
        dataset,
        identity=np.full(len(dataset), -1),
        session=np.full(len(dataset), ""),
        labels=np.full_like(dataset.labels, -1),
    )
    fragment = run(nobody)
    text = "".join(fragment.blocks)
    assert "Who is in the images is not known" in text and "–" in text and "phi" not in text
    assert fragment.data == {"images": 300, "people": 0, "people_in_two_parts": 0}
