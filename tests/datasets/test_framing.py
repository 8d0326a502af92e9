"""Framing keeps the middle and the proportion, and what is known of an image stays where it was seen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.datasets.base import AttributeDataset
from lineament.datasets.framing import framed, middle


def striped(height, width):
    """An image whose red tells the column and whose green tells the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1] = np.arange(width), np.arange(height)[:, None]
    return pixels


def dataset(image, n=3, **known):
    return AttributeDataset(
        "toy", lambda i: image + np.uint8(i), [f"{i}" for i in range(n)], (), np.empty((n, 0), np.int8), np.arange(n),
        np.full(n, ""), np.zeros(n, np.int8), **known,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size", "kept"),
    [((10, 16), (10, 10), np.s_[:, 3:13]), ((16, 10), (10, 10), np.s_[3:13]), ((16, 10), (16, 10), np.s_[:]),
     ((9, 8), (9, 3), np.s_[:, 2:5])],
)  # fmt: skip
def test_what_is_only_cut_is_kept_to_the_bit(shape, size, kept):
    assert np.array_equal(middle(striped(*shape), size), striped(*shape)[kept])


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(8, 8), (16, 4), (3, 9)]), st.sampled_from([1, 3]))
def test_framing_keeps_the_middle_and_does_not_stretch(height, width, size, channels):
    ramp = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8)[None, :, None], (height, width, channels))
    made = middle(ramp, size)
    assert made.shape == (*size, channels)
    assert abs(float(made.mean()) - (127.5 if width > 1 else 0)) <= 255 / width + 1  # to a pixel


def test_a_photo_is_cut_before_it_is_scaled():
    photo = np.zeros((40, 20, 3), np.uint8)
    photo[10:30] = 255  # what is left of a tall photo when it is cut to a square
    whole = framed(dataset(photo), (8, 8))
    assert whole.name == "toy-8x8"  # a cache of the photos as they are must not be taken for this
    assert whole.read(0).shape == (8, 8, 3) and (whole.read(0) == 255).all()


def test_grey_images_become_coloured_where_that_is_wanted():
    toy = dataset(np.zeros((20, 16, 1), np.uint8))
    grey, colour = framed(toy, (8, 6)), framed(toy, (8, 6), colour=True)
    assert grey.name != colour.name
    assert np.array_equal(grey.read(2), np.full((8, 6, 1), 2)) and np.array_equal(colour.read(2), np.full((8, 6, 3), 2))


@pytest.mark.parametrize(("shape", "size"), [((16, 32), (8, 8)), ((33, 16), (16, 16)), ((24, 40), (12, 6))])
def test_eyes_and_landmarks_stay_where_they_were_seen(shape, size):
    image = np.zeros((*shape, 3), np.uint8)
    rows, columns = np.array([shape[0] // 2 + 2, shape[0] // 2 - 3]), np.array([shape[1] // 2 - 3, shape[1] // 2 + 2])
    image[rows, columns] = 255
    points = np.stack([(columns + 0.5) / shape[1], (rows + 0.5) / shape[0]], 1).astype(np.float32)
    many = np.tile(points, (3, 1, 1))
    framing = framed(dataset(image // 255 * 200, eyes=many, landmarks=many, masks=lambda i: {}), size)
    assert framing.masks is None and framing.eyes.dtype == np.float32
    seen = framing.read(0)[..., 0].astype(float)
    for x, y in framing.eyes[0] * np.float32(size[::-1]):
        assert seen[int(y), int(x)] == seen[max(0, int(y) - 2) : int(y) + 3, max(0, int(x) - 2) : int(x) + 3].max() > 0
    np.testing.assert_array_equal(framing.landmarks, framing.eyes)


def test_a_set_of_no_images_has_no_image_to_measure():
    empty = replace(dataset(striped(8, 8)), eyes=np.zeros((3, 2, 2), np.float32)).subset([])
    assert len(framed(empty, (4, 4)).eyes) == 0
