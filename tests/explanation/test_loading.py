"""An explainer is only ever used with the classifier it was made for."""

import numpy as np
import pytest

from lineament import artifacts
from lineament.detectors.detector import shipped as shipped_detector
from lineament.errors import JobError, UsageError
from lineament.explanation import loading
from lineament.explanation.classifiers import SHIPPED_DETECTOR
from lineament.explanation.explainer import Explainer
from lineament.explanation.loading import evenly, for_detector, opened, shipped
from lineament.explanation.networks import Transformer

WEIGHTS = artifacts.read_card(SHIPPED_DETECTOR)["weights_sha256"]


def untrained(folder, attribute="Eyeglasses", weights=WEIGHTS):
    explainer = Explainer(Transformer((3, 64, 64), 2, width=4), (f"no {attribute}", attribute))
    explainer.save(folder, classifier_sha256=weights, data="portraits", licence="none")
    return folder


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """The package as if these came with it: one of the shipped detector, one of another."""
    (tmp_path / "package" / "shipped").mkdir(parents=True)
    monkeypatch.setattr(loading, "files", lambda name: tmp_path / "package")
    untrained(tmp_path / "package" / "shipped" / "Bangs", "Bangs")
    untrained(tmp_path / "package" / "shipped" / "Mustache", "Mustache", "0" * 64)


def test_explainers_of_the_package_count_for_their_detector_alone(tmp_path):
    assert list(shipped()) == ["Bangs", "Mustache"]
    own = untrained(tmp_path / "run" / "explainer")
    found = for_detector(shipped_detector(), [tmp_path / "run"])
    assert [one.explainer.classes[1] for one in found] == ["Eyeglasses", "Bangs"] and found[0].folder == own
    assert [one.decisions.classes for one in found] == [("no Eyeglasses", "Eyeglasses"), ("no Bangs", "Bangs")]


def test_an_explainer_of_another_detector_is_refused(tmp_path):
    other = untrained(tmp_path / "other", weights="f" * 64)
    for call in (lambda: for_detector(shipped_detector(), [other]), lambda: opened(other)):
        with pytest.raises(UsageError, match="other: explains another classifier .*lineament train explainer"):
            call()


def test_an_artifact_alone_is_taken_for_the_shipped_detectors(tmp_path):
    found = opened(untrained(tmp_path / "alone"))
    threshold = shipped_detector().only("Eyeglasses").thresholds[0]
    assert found.decisions.column == 0 and found.decisions.threshold == pytest.approx(float(threshold))


def test_a_folder_without_an_explainer_is_told(tmp_path):
    with pytest.raises(JobError, match="no such folder"):
        opened(tmp_path / "none")


def test_evenly_shows_rare_classes_too():
    classes = np.array([0] * 90 + [1] * 2 + [2] * 8)
    chosen = evenly(classes, 12)
    assert np.bincount(classes[chosen]).tolist() == [5, 2, 5] and (np.diff(classes[chosen]) >= 0).all()
    assert len(evenly(classes, 1000)) == 100 and len(set(evenly(classes, 1000))) == 100
