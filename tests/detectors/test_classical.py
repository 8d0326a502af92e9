"""PCA, RBF-SVM and the vote against loops that follow their definitions; the artifact; one loader for all kinds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from lineament import artifacts
from lineament.detectors.calibrated import Calibration
from lineament.detectors.classical import ClassicalDetector, Fitted, load, principal
from lineament.detectors.classical_features import Model, pixels, vectors
from lineament.detectors.loading import load_any
from lineament.errors import JobError, UsageError

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]]]).repeat(3, 1, 1)
IMAGES = torch.rand(3, 3, 90, 80, generator=torch.manual_seed(0))
MOUTH, NOSE = Model("Mouth", "HOG", 16), Model("Nose", "ColorLBP", 24)


def made(model: Model, columns: list[int], seed: int) -> Fitted:
    random = np.random.default_rng(seed)
    normal = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    d, k, s, m = vectors(pixels(IMAGES[:1], EYES[:1]), [model])[model].shape[1], 4, 6, len(columns)
    return Fitted(model, normal(d, k).astype(np.float16), normal(k), normal(s, k), 0.05, normal(s, m), 0.2 * normal(m),
                  np.array(columns), random.uniform(0.6, 0.9, m).astype(np.float32))  # fmt: skip


@pytest.fixture
def detector() -> ClassicalDetector:
    ones = np.ones(4, np.float32)
    return ClassicalDetector(
        ("Hat", "Smile", "Beard", "Never"), Calibration(3 * ones, -ones, 0.4 * ones),
        np.array([[0.35, 0.4], [0.65, 0.42]], np.float32), (90, 80),
        fitted=(made(MOUTH, [2, 0], 0), made(NOSE, [0, 1, 2], 1)), constant=np.array([np.nan] * 3 + [0], np.float32),
    )  # fmt: skip


def test_values_are_equation_2_1(detector: ClassicalDetector) -> None:
    shown, found = pixels(IMAGES, EYES), detector.values(IMAGES, EYES)
    for face in range(3):
        above, below = np.zeros(4), np.zeros(4)
        for entry in detector.fitted:
            x = vectors(shown, [entry.model])[entry.model][face]
            z = np.array([x @ entry.components[:, i].astype(np.float32) for i in range(4)]) - entry.offset
            for place, column in enumerate(entry.columns):
                decision = entry.bias[place] + sum(
                    entry.coefficients[i, place] * np.exp(-entry.gamma * ((z - entry.support[i]) ** 2).sum())
                    for i in range(6)
                )
                above[column] += entry.weights[place] * (decision > 0)
                below[column] += entry.weights[place]
        np.testing.assert_allclose(found[face, :3], above[:3] / below[:3], rtol=1e-5)
    assert (found[:, 3] == 0).all(), "an attribute that training never showed"


def test_probabilities_are_calibrated_votes(detector: ClassicalDetector) -> None:
    expected = 1 / (1 + np.exp(-(3 * detector.values(IMAGES, EYES) - 1)))
    np.testing.assert_allclose(detector.probabilities(IMAGES, EYES), expected, rtol=1e-5)


def test_the_artifact_gives_the_same_detector(detector: ClassicalDetector, tmp_path) -> None:
    again = load_any(detector.save(tmp_path / "run" / "detector", data="toy"))
    assert isinstance(again, ClassicalDetector) and again.attributes == detector.attributes
    assert torch.equal(again.probabilities(IMAGES, EYES), detector.probabilities(IMAGES, EYES))
    assert load(tmp_path / "run").card["data"] == "toy"


def test_only_keeps_what_votes_on_the_chosen(detector: ClassicalDetector) -> None:
    two = detector.only("Smile", "Never")
    torch.testing.assert_close(two.probabilities(IMAGES), detector.probabilities(IMAGES)[:, [1, 3]])
    assert [entry.model for entry in two.fitted] == [NOSE]
    with pytest.raises(UsageError, match="did you mean 'Smile'"):
        detector.only("smiles")


@pytest.mark.parametrize("shape", [(40, 15), (15, 40)], ids=["more faces", "more features"])
def test_principal_components_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32) * np.arange(1, shape[1] + 1, dtype=np.float32)
    ours, theirs = principal(x, 0.9), PCA(0.9, svd_solver="full").fit(x)
    assert ours.components().shape == (shape[1], theirs.n_components_)
    np.testing.assert_allclose(np.abs(ours.scores(x)), np.abs(theirs.transform(x)), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(ours.scores(x), (x - x.mean(0)) @ ours.components(), rtol=1e-3, atol=1e-2)


def test_equal_faces_have_a_component_and_no_nan() -> None:
    assert np.isfinite(principal(np.ones((5, 30), np.float32)).scores(np.ones((2, 30), np.float32))).all()


def test_torn_and_foreign_artifacts_are_refused(detector: ClassicalDetector, tmp_path) -> None:
    bad = replace(detector, fitted=(replace(detector.fitted[0], columns=np.array([2, 9])),))
    with pytest.raises(JobError, match="do not describe a classical detector"):
        load(bad.save(tmp_path / "bad"))
    bad = replace(detector, fitted=(replace(detector.fitted[0], offset=np.zeros(9, np.float32)),))
    with pytest.raises(JobError, match="offset of the wrong shape"):
        load(bad.save(tmp_path / "bad"))
    artifacts.save(tmp_path / "cohort", kind="cohort", tensors={"a": torch.zeros(1)}, config={})
    with pytest.raises(JobError, match="holds a 'cohort', expected one of 'detector', 'classical', 'platform'"):
        load_any(tmp_path / "cohort")
    with pytest.raises(JobError, match="no such folder"):
        load_any(tmp_path / "nowhere")
