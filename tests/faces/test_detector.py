"""BlazeFace: its anchors and decoding against literal twins, suppression on toy boxes, faces large, small and many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from lineament.errors import UsageError
from lineament.faces.detector import KEYPOINTS, LOOKS, _squares, anchors, decode, detect, suppress


def test_anchors_are_those_of_the_published_graph() -> None:
    twin = []  # ssd_anchors: strides 8, 16, 16, 16, two anchors a layer, layers of one stride merged
    for stride, layers in ((8, 1), (16, 3)):
        for row in range(128 // stride):
            for column in range(128 // stride):
                twin += [((column + 0.5) * stride / 128, (row + 0.5) * stride / 128)] * (2 * layers)
    assert anchors().shape == (896, 2)
    np.testing.assert_allclose(anchors(), twin)


def test_decode_agrees_with_a_literal_twin() -> None:
    rng = np.random.default_rng(0)
    regressors, logits = rng.normal(0, 20, (896, 16)).astype(np.float32), rng.normal(0, 100, 896).astype(np.float32)
    rows, scores = decode(regressors, logits)
    for i in (0, 1, 300, 511, 512, 895):
        ax, ay = anchors()[i]
        x, y, w, h = regressors[i, :4] / 128
        expected = [ax + x - w / 2, ay + y - h / 2, ax + x + w / 2, ay + y + h / 2]
        for k in range(6):
            expected += [ax + regressors[i, 4 + 2 * k] / 128, ay + regressors[i, 5 + 2 * k] / 128]
        np.testing.assert_allclose(rows[i], expected, atol=1e-5)
        assert scores[i] == pytest.approx(1 / (1 + np.exp(-np.clip(float(logits[i]), -80, 80))), rel=1e-5)


def test_suppression_averages_what_overlaps_and_keeps_what_does_not() -> None:
    rows = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60], [5, 5, 5, 5]], np.float32)
    merged, best = suppress(rows, np.array([0.6, 0.9, 0.5, 0.7], np.float32))
    np.testing.assert_allclose(merged, [[1.2, 0, 11.2, 10], [5, 5, 5, 5], [50, 50, 60, 60]], atol=1e-6)
    np.testing.assert_allclose(best, [0.9, 0.7, 0.5])


def test_suppression_of_nothing_is_nothing() -> None:
    merged, best = suppress(np.zeros((0, 16), np.float32), np.zeros(0, np.float32))
    assert merged.shape == (0, 16) and best.shape == (0,)


@given(
    corners=arrays(np.float32, (6, 2), elements=st.integers(0, 30).map(float)),
    sizes=arrays(np.float32, (6, 2), elements=st.integers(1, 30).map(float)),
)
@settings(max_examples=60, deadline=None)
def test_every_box_belongs_to_one_kept_box(corners: NDArray[np.float32], sizes: NDArray[np.float32]) -> None:
    rows = np.concatenate([corners, corners + sizes], 1)
    merged, best = suppress(rows, np.linspace(0.9, 0.5, 6, dtype=np.float32))
    assert 1 <= len(merged) <= 6 and best[0] == np.float32(0.9)
    assert (np.diff(best) <= 0).all()
    assert merged[:, :2].min() >= rows[:, :2].min() - 1e-4 and merged[:, 2:].max() <= rows[:, 2:].max() + 1e-4


@pytest.mark.parametrize("size", [(640, 480), (100, 400), (7, 7), (1, 3)])
@pytest.mark.parametrize("look", LOOKS)
def test_squares_cover_the_picture_and_overlap_by_half(size: tuple[int, int], look: float) -> None:
    squares = np.array(list(_squares(*size, look)))
    side = look * max(size)
    assert np.allclose(squares[:, 2], side)
    for axis, length in enumerate(size):
        starts = np.unique(squares[:, axis])
        assert starts[0] <= 1e-9 and starts[-1] + side >= length - 1e-9
        assert (np.diff(starts) <= side / 2 + 1e-6).all()


@pytest.mark.parametrize(
    "image",
    [None, np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32), np.zeros((0, 5, 3), np.uint8)],
    ids=["none", "grey", "float", "empty"],
)
def test_what_is_no_photo_is_refused(image: object) -> None:
    with pytest.raises(UsageError, match="image: expected"):
        detect(image)  # type: ignore[arg-type]


@pytest.mark.usefixtures("face_models")
class TestOnPhotos:
    def test_key_points_lie_where_their_names_say(self, astronaut: NDArray[np.uint8]) -> None:
        (face,) = detect(astronaut)
        points = dict(zip(KEYPOINTS, face.keypoints, strict=True))
        assert points["right ear"][0] < points["right eye"][0] < points["nose tip"][0] < points["left eye"][0]
        assert points["left eye"][0] < points["left ear"][0]
        assert points["right eye"][1] < points["nose tip"][1] < points["mouth"][1] < face.box[3]

    def test_several_faces_come_largest_first(self, astronaut: NDArray[np.uint8]) -> None:
        head = astronaut[:300, 80:380]
        image = np.full((300, 520, 3), 120, np.uint8)
        image[50:250, :200] = np.asarray(Image.fromarray(head).resize((200, 200)))
        image[:, 220:] = head
        large, small = detect(image)
        assert large.box[0] > 0.4 > small.box[2]
        np.testing.assert_allclose((large.box[2:] - large.box[:2]) / (small.box[2:] - small.box[:2]), 1.5, rtol=0.15)

    @pytest.mark.parametrize("times", [6, 12])
    def test_a_small_face_is_found_on_another_look(self, astronaut: NDArray[np.uint8], times: int) -> None:
        head = astronaut[60:240, 130:310]
        image = np.full((180 * times // 2, 180 * times // 2, 3), 120, np.uint8)
        image[300:390, 200:290] = head[::2, ::2]
        (face,) = detect(image)
        expected = (detect(head)[0].keypoints[:2] * 90 + (200, 300)) / len(image)
        np.testing.assert_allclose(face.keypoints[:2], expected, atol=4 / len(image))

    @pytest.mark.parametrize("left", [100, 130, 170])
    def test_a_face_that_is_seen_but_small_is_placed_exactly(self, astronaut: NDArray[np.uint8], left: int) -> None:
        head = astronaut[60:240, 130:310]
        image = np.full((420, 420, 3), 120, np.uint8)
        image[120:210, left : left + 90] = head[::2, ::2]
        (face,) = detect(image)
        expected = detect(head)[0].keypoints * 90 + (left, 120)
        assert np.abs(face.keypoints * 420 - expected).mean() < 1.5  # 6 and more without the look from close by

    def test_a_face_that_overfills_the_picture_is_found(self, astronaut: NDArray[np.uint8]) -> None:
        assert len(detect(astronaut[95:160, 195:260])) == 1

    def test_a_blank_picture_has_no_face(self) -> None:
        assert detect(np.full((120, 90, 3), 200, np.uint8)) == []
        assert detect(np.zeros((1, 1, 3), np.uint8)) == []
