"""Prediction over data sets and files."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.datasets.pixels import pixels
from lineament.detectors.prediction import log_odds, predict_file, sigmoid
from lineament.errors import JobError


def test_a_set_is_predicted_in_batches_as_in_one(trained, test_part):
    detector, _ = trained
    images, eyes, part = test_part
    with torch.inference_mode():
        whole = detector(images, eyes).numpy()
    assert np.allclose(log_odds(detector, part, batch=7), whole, atol=1e-4)
    assert np.allclose(log_odds(detector, part, pixels(part), batch=1000), whole, atol=1e-4)


def test_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
    values = np.linspace(-8, 8, 33)
    assert np.allclose(sigmoid(values), 1 / (1 + np.exp(-values)))


def test_a_file_gives_what_its_pixels_give(trained, test_part, tmp_path):
    detector, _ = trained
    part = test_part[2]
    Image.fromarray(part.read(0)).save(tmp_path / "face.png")
    (prediction,) = predict_file(detector, tmp_path / "face.png")
    expected = detector.probabilities(part.images([0]))[0]
    assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-4)
    reached = expected.numpy() >= detector.thresholds
    assert prediction.present == tuple(np.array(detector.attributes)[reached])


def test_a_grey_file_is_read_as_colour(trained, test_part, tmp_path):
    Image.fromarray(test_part[2].read(0)).convert("L").save(tmp_path / "grey.png")
    assert len(predict_file(trained[0], tmp_path / "grey.png")) == 1


def test_a_file_cut_off_is_named(trained, test_part, tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(test_part[2].read(0)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(JobError, match=r"cut\.png"):
        predict_file(trained[0], path)
