"""Augmentation: what must not change, does not; what is asked for, happens."""

import pytest
import torch

from lineament.detectors.augmentation import Augmentation, erase, random_warps, recolour
from lineament.faces.parts import Window, crop

NONE = Augmentation(flip=0, contrast=0, gamma=0)
EYES = torch.tensor([[[0.38, 0.44], [0.62, 0.44]]])


def test_no_augmentation_is_the_identity():
    assert torch.equal(random_warps(3, NONE), torch.eye(3)[:2].expand(3, 2, 3))
    images = torch.rand(2, 3, 8, 8)
    assert torch.allclose(recolour(images, NONE), images.clamp(1e-4, 1), atol=1e-6)
    assert torch.equal(erase(images, 0.0), images)


def test_a_flip_mirrors_the_crop_of_a_central_window():
    torch.manual_seed(0)
    images, window = torch.rand(4, 3, 64, 64), Window(0, 10, 32, 32, zoom=0.3)
    warps = random_warps(4, Augmentation(flip=1, contrast=0, gamma=0))
    eyes = EYES.expand(4, 2, 2)
    assert torch.allclose(crop(images, eyes, window, warps), crop(images, eyes, window).flip(3), atol=1e-4)


def test_a_flip_of_the_left_eye_is_the_mirrored_right_eye():
    images, eyes = torch.rand(2, 3, 64, 64), EYES.expand(2, 2, 2)
    left, right = Window(-30, 0, 20, 16, zoom=0.4), Window(30, 0, 20, 16, zoom=0.4)
    warps = random_warps(2, Augmentation(flip=1, contrast=0, gamma=0))
    assert torch.allclose(crop(images, eyes, left, warps), crop(images, eyes, right).flip(3), atol=1e-4)


def test_warps_have_the_stated_spread():
    torch.manual_seed(0)
    warps = random_warps(20_000, Augmentation(flip=0.5, turn=0.1, zoom=0.2, shift=0.05))
    determinant = torch.linalg.det(warps[:, :, :2])
    assert (determinant < 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert determinant.abs().sqrt().log().std() == pytest.approx(0.2, rel=0.03)
    assert torch.atan2(-warps[:, 0, 1], warps[:, 1, 1]).std() == pytest.approx(0.1, rel=0.03)
    assert warps[:, :, 2].std() == pytest.approx(0.05, rel=0.03)


def test_recolouring_stays_in_range_and_differs_between_images():
    torch.manual_seed(0)
    images = torch.rand(1, 3, 16, 16).expand(6, 3, 16, 16)
    out = recolour(images, Augmentation(contrast=0.5, gamma=0.5, saturation=0.5, brightness=0.3))
    assert out.min() >= 0
    assert out.max() <= 1
    assert len({round(float(image.mean()), 5) for image in out}) == 6


def test_recolouring_by_hand():
    images = torch.tensor([0.2, 0.6]).reshape(1, 1, 1, 2)
    torch.manual_seed(3)
    torch.randn(1, 1, 1, 1), torch.randn(1, 1, 1, 1)  # the tint comes first, and is not wanted here
    contrast = float(torch.exp(torch.randn(1, 1, 1, 1) * 0.3))
    gamma = float(torch.exp(torch.randn(1, 1, 1, 1) * 0.3))
    torch.manual_seed(3)
    out = recolour(images, Augmentation(contrast=0.3, gamma=0.3)).flatten().tolist()
    expected = [(0.4 + (value - 0.4) * contrast) ** gamma for value in (0.2, 0.6)]
    assert out == pytest.approx(expected, rel=1e-5)


def test_erasing_paints_one_rectangle_of_bounded_size():
    torch.manual_seed(0)
    images = torch.full((200, 3, 40, 40), 0.5)
    changed = (erase(images, 1.0) != 0.5).any(1)
    assert changed.any((1, 2)).all()
    for mask in changed[:50]:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert rows * columns == mask.sum()  # a full rectangle
        assert 3 <= rows <= 17
        assert 3 <= columns <= 17
    share = (erase(images, 0.3) != 0.5).flatten(1).any(1).float().mean()
    assert share == pytest.approx(0.3, abs=0.1)
