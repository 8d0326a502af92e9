"""Alignment puts the eyes exactly where the frame has them, whatever the turn, scale, shape or size of the photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineament.errors import UsageError
from lineament.faces.align import Frame, align

FRAME = Frame(((0.3, 0.35), (0.7, 0.4)), 80, 96)


def dots(width: int, height: int, places: NDArray[np.float64], radius: float) -> NDArray[np.uint8]:
    """A black picture with one soft dot in red and one in green, at ``places`` in pixels."""
    y, x = np.mgrid[:height, :width] + 0.5
    image = np.zeros((height, width, 3))
    for channel, (px, py) in enumerate(places):
        image[..., channel] = 255 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2))
    return image.round().astype(np.uint8)


def centres(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weights = image[..., :2].astype(np.float64)
    return np.stack([(weights * axis[..., None]).sum((0, 1)) / weights.sum((0, 1)) for axis in (x, y)], 1)


@given(turn=st.floats(-3.1, 3.1), distance=st.floats(25, 160), width=st.integers(300, 420))
@settings(max_examples=25, deadline=None)
def test_eyes_come_to_lie_where_the_frame_has_them(turn: float, distance: float, width: int) -> None:
    middle = np.array([width / 2, 150.0])
    axis = distance / 2 * np.array([np.cos(turn), np.sin(turn)])
    places = np.stack([middle - axis, middle + axis])
    aligned = align(dots(width, 310, places, distance / 12), places / (width, 310), FRAME)
    assert aligned.shape == (96, 80, 3) and aligned.dtype == np.uint8
    np.testing.assert_allclose(centres(aligned), np.array(FRAME.eyes) * (80, 96), atol=0.2)


def test_the_frame_of_the_photo_itself_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    frame = Frame(((0.25, 0.5), (0.75, 0.5)), 60, 40)
    np.testing.assert_array_equal(align(image, frame.eyes, frame), image)


def test_a_fine_pattern_is_averaged_when_it_shrinks() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 254
    shrunk = align(stripes, [[0.3, 0.5], [0.7, 0.5]], Frame(((0.3, 0.5), (0.7, 0.5)), 50, 50))
    assert np.abs(shrunk[:, 2:-2].astype(int) - 127).max() <= 2


def test_outside_the_photo_its_edge_is_repeated() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    image[:, :25] = 200
    wide = align(image, [[0.4, 0.5], [0.6, 0.5]], Frame(((0.48, 0.5), (0.52, 0.5)), 250, 50))
    assert (wide[:, :100] == 200).all() and (wide[:, 150:] == 0).all()


@pytest.mark.parametrize(
    "eyes", [[[0.5, 0.5]] * 2, [[0.5, np.nan], [0.6, 0.5]], [0.5, 0.5], [[0.1, np.inf], [0.4, 0.5]]]
)
def test_eyes_that_give_no_direction_are_refused(eyes: list[object]) -> None:
    with pytest.raises(UsageError, match="eyes: expected two distinct points"):
        align(np.zeros((9, 9, 3), np.uint8), eyes, FRAME)


def test_a_frame_without_direction_is_refused() -> None:
    with pytest.raises(UsageError, match=r"frame\.eyes: expected two distinct points"):
        align(np.zeros((9, 9, 3), np.uint8), FRAME.eyes, Frame(((0.5, 0.5), (0.5, 0.5)), 9, 9))
