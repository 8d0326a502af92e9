"""The face mesh: eyes on the eyes, the same face under turns, mirrors and scales, nothing where there is no face."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lineament.faces.landmarks import find
from tests.data_root import data_root

pytestmark = pytest.mark.usefixtures("face_models")


def test_mesh_and_eyes_of_the_astronaut(astronaut: NDArray[np.uint8]) -> None:
    (face,) = find(astronaut)
    assert face.landmarks is not None and face.landmarks.shape == (468, 3)
    assert face.presence is not None and face.presence > 0.99
    np.testing.assert_allclose(face.eyes * 512, [[204, 103], [247, 105]], atol=3)  # read off the photo by eye
    chin, forehead, nose = face.landmarks[[152, 10, 1]]
    assert forehead[1] < face.eyes[0, 1] < nose[1] < chin[1]
    assert nose[2] < min(chin[2], forehead[2])


@pytest.mark.parametrize("degrees", [-30, 15, 30])
def test_a_turned_photo_gives_turned_eyes(astronaut: NDArray[np.uint8], degrees: int) -> None:
    upright, turned = (find(image)[0].eyes * 512 for image in (astronaut, rotated(astronaut, degrees)))
    angle = np.radians(-degrees)  # the axis y points down
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(turned, (upright - 256) @ turn.T + 256, atol=2)


def rotated(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC))


def test_a_mirrored_photo_gives_mirrored_eyes(astronaut: NDArray[np.uint8]) -> None:
    eyes, mirrored = (find(np.ascontiguousarray(image))[0].eyes for image in (astronaut, astronaut[:, ::-1]))
    np.testing.assert_allclose(mirrored[::-1] * (-1, 1) + (1, 0), eyes, atol=2 / 512)


def test_fractions_do_not_depend_on_the_size_or_shape_of_the_photo(astronaut: NDArray[np.uint8]) -> None:
    large = np.asarray(Image.fromarray(astronaut).resize((1200, 1200)))
    np.testing.assert_allclose(find(large)[0].eyes, find(astronaut)[0].eyes, atol=2 / 512)
    np.testing.assert_allclose(find(astronaut[:320])[0].eyes * (1, 320 / 512), find(astronaut)[0].eyes, atol=2 / 512)


def test_nothing_is_found_in_noise() -> None:
    assert find(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)) == []


def test_every_face_of_orl_is_found_with_level_eyes() -> None:
    folder = data_root("orl_faces")
    for path in sorted(folder.glob("s*/1.pgm"))[::4]:
        (face,) = find(np.asarray(Image.open(path).convert("RGB")))
        left, right = face.eyes * (92, 112)
        assert 25 < right[0] - left[0] < 45 and abs(right[1] - left[1]) < 12, path
