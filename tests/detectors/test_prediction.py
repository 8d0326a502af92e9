"""Prediction over data sets and files."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.detectors.prediction import decoded, log_odds, predict_file, sigmoid
from lineament.errors import JobError


def test_a_set_is_predicted_in_batches_as_in_one(trained, test_part):
    detector, _ = trained
    images, eyes, part = test_part
    with torch.inference_mode():
        whole = detector(images, eyes).numpy()
    memory = decoded(part, (32, 32))
    assert np.allclose(log_odds(detector, part, memory, batch=7), whole, atol=1e-4)
    some = np.array([5, 2, 9])
    assert np.allclose(log_odds(detector, part, memory, some, batch=1000), whole[some], atol=1e-4)


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


def test_a_grey_file_is_refused_unless_it_is_wanted(trained, test_part, tmp_path):
    Image.fromarray(test_part[2].read(0)).convert("L").save(tmp_path / "grey.png")
    with pytest.raises(JobError, match=r"grey\.png: is grey.*--grey"):
        predict_file(trained[0], tmp_path / "grey.png")
    (prediction,) = predict_file(trained[0], tmp_path / "grey.png", grey=True)
    grey = np.asarray(Image.open(tmp_path / "grey.png"), np.float32) / 255
    expected = trained[0].probabilities(torch.from_numpy(grey).expand(1, 3, 32, 32))[0]
    assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-3)


def test_a_larger_file_is_brought_to_the_size_of_the_training_images(trained, test_part, tmp_path):
    small = test_part[2].read(0)
    Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    Image.fromarray(small).save(tmp_path / "small.png")
    large, same = (predict_file(trained[0], tmp_path / name)[0].probabilities for name in ("large.png", "small.png"))
    assert list(large.values()) == pytest.approx(list(same.values()), abs=0.1)


def test_a_file_cut_off_is_named(trained, test_part, tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(test_part[2].read(0)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(JobError, match=r"cut\.png"):
        predict_file(trained[0], path)
