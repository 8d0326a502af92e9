from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.datasets.section import FEW
from lineament.detectors.section import SECTION
from lineament.detectors.training import names_sha256
from lineament.subject import Subject
from tests.toy_subject import Thumbnails, squares


@pytest.fixture(scope="module")
def dataset():
    return squares(people=60)


def run(dataset, detector):
    return SECTION.run(Subject(dataset, detector, quick=True), lambda share: None)


def guessing(dataset):
    detector = Thumbnails(dataset)
    detector.probabilities = lambda images, eyes=None: torch.rand(len(images), 4, generator=torch.manual_seed(0))
    return detector


def kinds(dataset, detector):
    return {finding.kind for finding in run(dataset, detector).findings if "mean accuracy" in finding.text}


def test_only_what_beats_the_commonest_answer_beyond_chance_is_a_strength(dataset):
    assert kinds(dataset, Thumbnails(dataset)) == {"strength"}
    assert kinds(dataset, guessing(dataset)) == {"weak flank"}


def test_progress_covers_both_parts_and_rises(dataset):
    heard = []
    fragment = SECTION.run(Subject(dataset, Thumbnails(dataset), quick=True), heard.append)
    assert heard == sorted(heard) and 0.85 < heard[-1] <= 1
    assert len(fragment.data["rows"]) == 4 and np.isfinite(fragment.data["means"]["auc"]).all()


def claims(dataset, **card):
    detector = Thumbnails(dataset)
    detector.card = {"data": "squares", "training_names_sha256": names_sha256(dataset.part("train").names)} | card
    fragment = run(dataset, detector)
    words = "".join(fragment.blocks) + "".join(finding.text for finding in fragment.findings)
    doubt = any("not known whether the detector was trained on these" in finding.text for finding in fragment.findings)
    assert ("never used in training" in words) == ("unseen people" in words) == fragment.data["people_unseen"]
    assert doubt == ("of the test part" in words) == (not fragment.data["people_unseen"])
    return fragment.data["people_unseen"]


def test_people_are_called_unseen_only_where_the_card_proves_it(dataset):
    assert claims(dataset)
    assert not claims(dataset, data="other squares")
    assert not claims(dataset, training_names_sha256=names_sha256(dataset.part("test").names))
    assert not claims(dataset, training_names_sha256=None)
    split = dataset.split.copy()
    split[np.flatnonzero(split == 1)[0]] = 2  # one person in two parts
    assert not claims(replace(dataset, split=split))
    identity = dataset.identity.copy()
    identity[np.flatnonzero(dataset.split == 2)[0]] = -1  # somebody unknown
    assert not claims(replace(dataset, identity=identity))


def extremes(dataset, detector):
    found = run(dataset, detector).findings
    return {word: f for f in found for word in ("best", "worst", "calibration") if word in f.text}


def test_extremes_are_picked_on_development_and_measured_on_test(dataset):
    detector = Thumbnails(dataset)
    plain = extremes(dataset, detector)
    assert set(plain) == {"best", "worst", "calibration"} and "Hat" in plain["worst"].text
    assert all("95% interval" in finding.text for finding in plain.values())
    labels = dataset.labels.copy()
    test = np.flatnonzero(dataset.split == 2)
    labels[test, 1] = np.random.default_rng(0).integers(0, 2, len(test))  # on test Bright_Sky is now the worst
    moved = extremes(replace(dataset, labels=labels), detector)
    assert "Hat" in moved["worst"].text


def test_an_attribute_with_few_test_images_is_no_extreme(dataset):
    labels = dataset.labels.copy()
    there = np.flatnonzero((dataset.split == 2) & (labels[:, 3] == 1))
    labels[there[FEW - 1 :], 3] = -1  # 49 with a hat: the attribute that is detected worst
    assert "Hat" not in extremes(replace(dataset, labels=labels), Thumbnails(dataset))["worst"].text


def test_the_best_of_guesses_is_no_strength(dataset):
    assert set(extremes(dataset, guessing(dataset))) == {"worst", "calibration"}


def test_every_figure_of_the_tables_has_its_interval(dataset):
    row = str(run(dataset, Thumbnails(dataset)).blocks[-1]).split("<tr>")[2]
    assert row.count("<small>") == 2, "macro F1 and the calibration error"


def test_the_text_says_where_the_thresholds_come_from(dataset):
    text = "".join(run(dataset, Thumbnails(dataset)).blocks)
    assert "to maximise accuracy plus a twentieth of balanced accuracy" in text
