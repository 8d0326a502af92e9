"""Part windows: the published sizes, and the crop against a slow twin that follows the definition."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lineament.errors import UsageError
from lineament.faces.parts import CLASSICAL_PARTS, EYE_DISTANCE, NETWORK_PARTS, Window, crop

PUBLISHED = {
    "Eye": (53, 39),
    "BothEyes": (115, 41),
    "Mouth": (65, 38),
    "Nose": (40, 56),
    "EyesNose": (90, 62),
    "NoseMouth": (55, 82),
    "EyesNoseMouth": (115, 107),
    "UpperHead": (128, 52),
    "MouthChin": (128, 45),
    "Ear": (62, 100),
}


def test_the_ten_windows_have_the_published_sizes() -> None:
    assert {name: (w.width, w.height) for name, w in NETWORK_PARTS.items()} == PUBLISHED


def test_the_nine_classical_windows_are_whole_blocks() -> None:
    assert len(CLASSICAL_PARTS) == 9
    assert not [name for name, w in CLASSICAL_PARTS.items() if w.width % 8 or w.height % 8]


def twin(image: NDArray[np.float32], eyes: NDArray[np.float32], window: Window, warp: NDArray[np.float32]) -> object:
    """Pixel by pixel: canonical place, warp, image place, then bilinear between pixel centres, edges repeated."""
    channels, height, width = image.shape
    (lx, ly), (rx, ry) = eyes * (width, height)
    unit, angle = math.hypot(rx - lx, ry - ly) / EYE_DISTANCE, math.atan2(ry - ly, rx - lx)
    out = np.zeros((channels, window.height, window.width))
    for row in range(window.height):
        for column in range(window.width):
            x = window.x + (column + 0.5 - window.width / 2) / window.zoom
            y = window.y + (row + 0.5 - window.height / 2) / window.zoom
            x, y = warp[:, :2] @ (x, y) + warp[:, 2] * EYE_DISTANCE
            px = (lx + rx) / 2 + unit * (math.cos(angle) * x - math.sin(angle) * y) - 0.5
            py = (ly + ry) / 2 + unit * (math.sin(angle) * x + math.cos(angle) * y) - 0.5
            px, py = min(max(px, 0), width - 1), min(max(py, 0), height - 1)
            x0, y0 = min(int(px), width - 2), min(int(py), height - 2)
            a, b = px - x0, py - y0
            top = (1 - a) * image[:, y0, x0] + a * image[:, y0, x0 + 1]
            bottom = (1 - a) * image[:, y0 + 1, x0] + a * image[:, y0 + 1, x0 + 1]
            out[:, row, column] = (1 - b) * top + b * bottom
    return out


@pytest.mark.parametrize("window", [Window(-30, 0, 13, 9), Window(5, 40, 16, 20, zoom=0.25)], ids=["plain", "zoomed"])
@pytest.mark.parametrize("warped", [False, True])
def test_crop_agrees_with_a_literal_twin(window: Window, warped: bool) -> None:
    rng = np.random.default_rng(3)
    images = rng.random((2, 3, 37, 29), dtype=np.float32)
    eyes = np.array([[[0.3, 0.35], [0.7, 0.45]], [[0.55, 0.2], [0.4, 0.6]]], np.float32)
    same = np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1))
    warp = same + (rng.normal(0, 0.1, same.shape).astype(np.float32) if warped else 0)
    ours = crop(
        torch.from_numpy(images), torch.from_numpy(eyes), window, torch.from_numpy(warp) if warped else None
    ).numpy()
    for i in range(2):
        np.testing.assert_allclose(ours[i], twin(images[i], eyes[i], window, warp[i]), atol=2e-4)


def test_eyes_of_another_batch_are_refused() -> None:
    with pytest.raises(UsageError, match=r"eyes: expected shape \(1, 2, 2\)"):
        crop(torch.zeros(1, 3, 8, 8), torch.zeros(2, 2, 2), NETWORK_PARTS["Eye"])
