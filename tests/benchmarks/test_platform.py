"""What the benchmark of the platform variant says of small pictures."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.platform import enlarged, eye_distance


def faces(width, height, apart):
    eyes = np.array([[(0.5 - apart / width / 2, 0.4), (0.5 + apart / width / 2, 0.4)]] * 3, np.float32)
    return SimpleNamespace(read=lambda i: np.zeros((height, width, 1), np.uint8), eyes=eyes)


def test_larger_faces_are_told_as_they_are_read_and_smaller_ones_as_they_are():
    assert eye_distance(faces(168, 192, 70), (128, 128)) == pytest.approx(28.7, abs=0.1)
    assert eye_distance(faces(92, 112, 20), (128, 128)) == pytest.approx(20, abs=0.01)
    assert eye_distance(faces(128, 128, 40), (128, 128)) == pytest.approx(40, abs=0.01)


def test_scales_that_enlarge_are_marked():
    assert [enlarged(scale, 28.7) for scale in (1.0, 0.7, 0.5, 0.3)] == ["2.1 times", "1.5 times", "", ""]
