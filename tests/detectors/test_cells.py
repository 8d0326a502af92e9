"""Planes and sums over cells against loops that follow their definitions."""

import numpy as np
import pytest
import torch

from lineament.detectors.cells import block_grid, cell_sums, check_cell, planes, pooled
from lineament.errors import UsageError
from lineament.faces.parts import Window, crop

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]]])
WINDOW = Window(0, 20, 40, 34, zoom=0.5)


def test_planes_are_the_crop_with_a_margin_in_whole_grey_levels() -> None:
    image = torch.rand(1, 3, 60, 50)
    found = planes(image, EYES, WINDOW)
    assert found.shape == (1, 4, 36, 42) and found.dtype == torch.uint8
    inner = crop(image, EYES, WINDOW) * 255
    assert (found[:, 1:, 1:-1, 1:-1] - inner).abs().max() <= 0.501
    grey = 0.299 * inner[:, 0] + 0.587 * inner[:, 1] + 0.114 * inner[:, 2]
    assert (found[:, 0, 1:-1, 1:-1] - grey).abs().max() <= 0.501


def test_a_grey_image_has_four_equal_planes() -> None:
    found = planes(torch.rand(1, 1, 60, 50), EYES, WINDOW)
    assert (found == found[:, :1]).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_cell_sums_are_those_of_a_loop_over_pixels(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineament.detectors.cells.CHUNK", 500)  # two planes at a time, and one left over
    random = np.random.default_rng(0)
    bins, weights = random.integers(0, 5, (3, 3, 13, 17)).astype(np.uint8), random.random((3, 3, 13, 17))
    expected = np.zeros((3, 3, 3, 4, 5))
    for i, j, y, x in np.ndindex(3, 3, 12, 16):
        expected[i, j, y // 4, x // 4, bins[i, j, y, x]] += weights[i, j, y, x] if weighted else 1
    heavy = torch.from_numpy(weights.astype(np.float32)) if weighted else None
    found = cell_sums(torch.from_numpy(bins), 4, 5, heavy)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_no_faces_have_no_sums() -> None:
    assert cell_sums(torch.zeros(0, 4, 16, 16, dtype=torch.uint8), 8, 64).shape == (0, 4, 2, 2, 64)


@pytest.mark.parametrize(("base", "cell"), [(6, 12), (6, 24), (8, 16), (8, 32)])
def test_large_cells_are_sums_of_small_ones(base: int, cell: int) -> None:
    bins = torch.from_numpy(np.random.default_rng(1).integers(0, 64, (2, 1, 101, 75)).astype(np.uint8))
    assert torch.equal(pooled(cell_sums(bins, base, 64), cell // base), cell_sums(bins, cell, 64))


def test_blocks_overlap_by_a_cell() -> None:
    sums = torch.arange(6.0).view(1, 2, 3, 1)  # one row of two blocks
    assert [corner.flatten().tolist() for corner in block_grid(sums)] == [[0, 1], [1, 2], [3, 4], [4, 5]]


def test_a_window_below_two_cells_is_refused() -> None:
    check_cell(40, 64, 20)
    with pytest.raises(UsageError, match="take cells of 1 to 20 px"):
        check_cell(40, 64, 21)
