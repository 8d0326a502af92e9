"""The platform variant: published lengths, SVMs equal to scikit-learn's, a detector that survives its artifact."""

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from lineament.detectors import platform
from lineament.detectors.calibrated import calibration
from lineament.detectors.platform import PlatformDetector, features, linear_svms, load, train
from lineament.errors import JobError, UsageError
from tests.detectors.conftest import ATTRIBUTES

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]]])


@pytest.fixture(scope="module")
def detector(drawn, tmp_path_factory) -> tuple[PlatformDetector, object]:
    folder = tmp_path_factory.mktemp("platform")
    return train(drawn, folder, scale=0.3, attributes=ATTRIBUTES, faces=200), folder


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 76800), (0.7, 33280), (0.5, 16128), (0.3, 3840)])
def test_features_have_the_published_length(scale: float, expected: int) -> None:
    assert features(torch.rand(1, 3, 60, 50), EYES, scale).shape == (1, expected)
    assert platform.length(scale) == expected


def test_linear_svms_are_those_of_scikit_learn_on_the_features_themselves() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 200)).astype(np.float32) + 3
    labels = (x[:, :3] + random.normal(size=(60, 3)) > 3.5).astype(np.int8)
    labels[:5, 0] = -1
    ours, centred = linear_svms(x, labels, c=0.5), x - x.mean(0)
    c = 0.5 / centred.var(0).sum()
    for k in range(3):
        known = labels[:, k] >= 0
        svm = LinearSVC(
            C=c, class_weight="balanced", tol=1e-8, max_iter=100_000, intercept_scaling=1 / np.sqrt(c), random_state=0
        ).fit(centred[known], labels[known, k])
        theirs = svm.decision_function(centred) / np.linalg.norm(svm.coef_)
        np.testing.assert_allclose(ours(x)[:, k], theirs, atol=0.02 * np.abs(theirs).max())
    np.testing.assert_allclose(np.linalg.norm(ours.weight, axis=1), 1, rtol=1e-5)


def test_an_attribute_that_never_varies_has_a_constant_value() -> None:
    x = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    labels = np.stack([np.ones(20), np.zeros(20), np.full(20, -1)], 1).astype(np.int8)
    head = linear_svms(x, labels)
    assert not head.weight.any() and head.bias.tolist() == [1, -1, -1]


def test_it_learns_what_a_hat_is(detector, test_part) -> None:
    images, eyes, part = test_part
    found = (detector[0].probabilities(images, eyes).numpy() >= detector[0].thresholds)[:, 0]
    assert (found == part.column("Wearing_Hat")).mean() > 0.85


def test_values_are_distances_from_the_margin_and_order_the_probabilities(detector, test_part) -> None:
    images, eyes, _ = test_part
    made = detector[0]
    x = features(images, eyes, 0.3)
    np.testing.assert_allclose(made.values(images, eyes), x @ made.head.weight.T + made.head.bias, atol=1e-5)
    order = made.values(images, eyes).argsort(0)
    assert (np.diff(np.take_along_axis(made.probabilities(images, eyes).numpy(), order, 0), axis=0) >= 0).all()


def test_the_artifact_gives_the_same_detector(detector, test_part) -> None:
    images, eyes, _ = test_part
    made, folder = detector
    again = load(folder)
    assert torch.equal(again.probabilities(images, eyes), made.probabilities(images, eyes))
    assert again.attributes == ATTRIBUTES and again.card["kind"] == "platform" and again.scale == 0.3


def test_only_keeps_the_columns(detector, test_part) -> None:
    images, eyes, _ = test_part
    one = detector[0].only("Smiling", "Wearing_Hat")
    expected = detector[0].probabilities(images, eyes)[:, [2, 0]]
    torch.testing.assert_close(one.probabilities(images, eyes), expected)
    with pytest.raises(UsageError, match="did you mean 'Smiling'"):
        detector[0].only("Smilin")


def test_without_eyes_the_nominal_ones_are_taken(detector, test_part) -> None:
    images, _, _ = test_part
    made = detector[0]
    nominal = torch.from_numpy(made.eyes).expand(len(images), 2, 2)
    assert torch.equal(made.probabilities(images), made.probabilities(images, nominal))


def test_calibration_turns_values_into_shares_of_present() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, 1)).astype(np.float32)
    labels = (random.random((4000, 1)) < 1 / (1 + np.exp(-3 * values + 1))).astype(np.int8)
    found = calibration(values, labels)
    assert found.scale[0] == pytest.approx(3, abs=0.3) and found.shift[0] == pytest.approx(-1, abs=0.2)


def test_wrong_calls_and_torn_artifacts_are_refused(drawn, detector, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"scale: expected one of 1.0, 0.7, 0.5, 0.3, got 0.4"):
        train(drawn, tmp_path, scale=0.4)
    with pytest.raises(UsageError, match="faces: expected at least 10"):
        train(drawn, tmp_path, faces=3)
    with pytest.raises(UsageError, match="did you mean 'Smiling'"):
        train(drawn, tmp_path, attributes=["Smile"])
    with pytest.raises(JobError, match="does not describe|do not describe"):
        from dataclasses import replace

        from lineament.detectors.heads import Head

        made = detector[0]
        load(replace(made, head=Head(made.head.weight[:, :5], made.head.bias)).save(tmp_path / "torn"))
