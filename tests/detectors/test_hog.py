"""HOG against a loop over pixels and blocks, and against scikit-image, whose definition it shares."""

import numpy as np
import pytest
import torch
from skimage.feature import hog as peer

from lineament.detectors import hog
from lineament.detectors.cells import cell_sums, planes
from lineament.faces.parts import Window

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]]])
WINDOW = Window(0, 20, 40, 34, zoom=0.5)


def literal_vector(pixels, cell: int) -> np.ndarray:
    """One plane with its margin, grey levels in [0, 1]."""
    height, width = (side - 2 for side in pixels.shape)
    rows, columns = height // cell, width // cell
    sums = np.zeros((rows, columns, 9))
    for y, x in np.ndindex(rows * cell, columns * cell):
        down = pixels[y + 2, x + 1] - pixels[y, x + 1]
        right = pixels[y + 1, x + 2] - pixels[y + 1, x]
        angle = np.rad2deg(np.arctan2(down, right)) % 180
        sums[y // cell, x // cell, int(angle // 20) % 9] += np.hypot(down, right) / cell**2
    vector = []
    for row in range(rows - 1):
        for column in range(columns - 1):
            block = sums[row : row + 2, column : column + 2].ravel()
            block = np.minimum(block / np.sqrt((block**2).sum() + 1e-10), 0.2)
            vector.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.concatenate(vector)


def test_histograms_are_those_of_the_definition() -> None:
    image = torch.rand(1, 3, 60, 50, generator=torch.manual_seed(0))
    pixels = planes(image, EYES, WINDOW).numpy()[0].astype(int)  # whole numbers, so that angles are exact
    found = hog.histograms(image, EYES, WINDOW, 6, of=hog.COLOUR)
    expected = np.concatenate([literal_vector(plane / 255, 6) for plane in pixels[1:]])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("cell", [6, 8, 12, 16])
def test_scikit_image_gives_the_same(cell: int) -> None:
    inner = np.random.default_rng(cell).integers(0, 256, (64, 48)).astype(np.uint8)
    inner[1], inner[-2], inner[:, 1], inner[:, -2] = inner[0], inner[-1], inner[:, 0], inner[:, -1]
    pixels = np.pad(inner, 1, "edge")  # it takes gradients across the border for 0, and so they are here
    orientation, magnitude = hog.gradients(torch.from_numpy(pixels)[None])
    found = hog.descriptors(cell_sums(orientation, cell, 9, magnitude), cell)[0]
    theirs = peer(inner / 255, 9, (cell, cell), (2, 2), block_norm="L2-Hys")
    np.testing.assert_allclose(found, theirs, atol=1e-5)


def test_a_flat_face_has_no_direction_and_no_nan() -> None:
    assert not hog.histograms(torch.full((1, 3, 60, 50), 0.4), EYES, WINDOW, 8).any()


def test_opposite_edges_are_one_orientation() -> None:
    edge = torch.zeros(1, 18, 18, dtype=torch.uint8)
    edge[:, :, 9:] = 200
    bins, magnitude = hog.gradients(edge)
    other, _ = hog.gradients(edge.flip(2))
    assert (bins[magnitude > 0] == 0).all() and (other[magnitude > 0] == 0).all()
