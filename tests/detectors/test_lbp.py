"""LBP against a loop over pixels, bits and blocks, and against scikit-image where the two definitions meet."""

import numpy as np
import pytest
import torch
from skimage.feature import local_binary_pattern

from lineament.detectors import lbp
from lineament.detectors.cells import planes
from lineament.errors import UsageError
from lineament.faces.parts import CLASSICAL_PARTS, Window

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]], [[0.3, 0.41], [0.7, 0.4]]])
WINDOW = Window(0, 20, 40, 34, zoom=0.5)
CIRCLE = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]


def literal_code(pixels, y: int, x: int) -> int:
    return sum(2**p for p, (down, right) in enumerate(CIRCLE) if pixels[y + down, x + right] >= pixels[y, x])


def literal_vector(pixels, cell: int) -> np.ndarray:
    """One plane with its margin: for every block the roots of the shares of the bins."""
    height, width = (side - 2 for side in pixels.shape)
    vector = []
    for top in range(0, (height // cell - 1) * cell, cell):
        for left in range(0, (width // cell - 1) * cell, cell):
            block = np.zeros(64)
            for y, x in np.ndindex(2 * cell, 2 * cell):
                block[lbp.bin_of(literal_code(pixels, 1 + top + y, 1 + left + x))] += 1 / (2 * cell) ** 2
            vector.append(np.sqrt(block))
    return np.concatenate(vector)


def test_histograms_are_those_of_the_definition() -> None:
    images = torch.rand(2, 3, 60, 50, generator=torch.manual_seed(0))
    pixels = planes(images, EYES, WINDOW).numpy()
    found = lbp.histograms(images, EYES, WINDOW, 8, of=lbp.GREY + lbp.COLOUR)
    assert found.dtype == np.float32
    for i in range(2):
        expected = np.concatenate([literal_vector(plane.astype(int), 8) for plane in pixels[i]])
        np.testing.assert_allclose(found[i], expected, atol=1e-6)


def test_bits_are_those_of_scikit_image_where_it_does_not_interpolate() -> None:
    """scikit-image puts all neighbours on a circle; only the four upright ones lie on pixels."""
    pixels = np.random.default_rng(0).integers(0, 9, (40, 30)).astype(np.uint8)  # many equal pixels
    theirs = local_binary_pattern(pixels, P=4, R=1)[1:-1, 1:-1].astype(int)
    ours = np.array([[literal_code(pixels.astype(int), y, x) for x in range(1, 29)] for y in range(1, 39)])
    for p in range(4):
        np.testing.assert_array_equal((ours >> 2 * p) & 1, (theirs >> p) & 1)


def test_codes_are_those_of_the_definition() -> None:
    pixels = np.random.default_rng(1).integers(0, 9, (12, 15)).astype(np.uint8)
    expected = [[lbp.bin_of(literal_code(pixels.astype(int), y, x)) for x in range(1, 14)] for y in range(1, 11)]
    np.testing.assert_array_equal(lbp.codes(torch.from_numpy(pixels)), expected)


def test_uniform_codes_have_a_bin_each_and_the_others_share_six() -> None:
    changes = [sum((code >> p & 1) != (code >> (p + 1) % 8 & 1) for p in range(8)) for code in range(256)]
    uniform = [lbp.bin_of(code) for code in range(256) if changes[code] <= 2]
    assert sorted(uniform) == list(range(58))
    assert {lbp.bin_of(code) for code in range(256) if changes[code] == 4} == set(range(58, 63))
    assert {lbp.bin_of(code) for code in range(256) if changes[code] > 4} == {63}


def test_brighter_and_stronger_light_change_nothing() -> None:
    dark = torch.randint(0, 100, (1, 1, 60, 50), generator=torch.manual_seed(1)) / 255
    window = Window(0, 0, 40, 32, zoom=25 / 60)  # eyes 25 px apart: crop pixels are image pixels
    eyes = torch.tensor([[[0.25, 0.5], [0.75, 0.5]]])
    np.testing.assert_array_equal(
        lbp.histograms(dark, eyes, window, 8), lbp.histograms((dark * 2 + 20 / 255), eyes, window, 8)
    )


def test_blocks_have_unit_length_and_the_baseline_its_published_length() -> None:
    vectors = lbp.face_vectors(torch.rand(2, 3, 60, 50), EYES)
    assert vectors.shape == (2, 19200)
    np.testing.assert_allclose(np.linalg.norm(vectors.reshape(2, -1, 64), axis=2), 1, atol=1e-5)


def test_a_window_below_two_cells_is_refused() -> None:
    with pytest.raises(UsageError, match="do not fit twice"):
        lbp.histograms(torch.rand(2, 3, 60, 50), EYES, CLASSICAL_PARTS["Eyes"], 24)
