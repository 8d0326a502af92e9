"""How an attribute looks is learnt from what is under its mask, and from nothing else."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from lineament.editing.networks import StyleReader
from lineament.editing.presets import EditorConfig
from lineament.editing.sampling import pools
from lineament.editing.style_reader import StyleConfig, StyleDrawer, style_error, train_style_reader
from tests.editing.colored import NAMES, patches


class Known(nn.Module):
    """An eraser that knows where the patches of `colored` are."""

    def layers(self, images: Tensor) -> tuple[Tensor, Tensor]:
        masks = torch.zeros(len(images), 2, 1, *images.shape[2:])
        masks[:, 0, :, 12:20, 4:12] = masks[:, 1, :, 12:20, 20:28] = 1
        return images[:, None], masks

    def masks(self, layers: tuple[Tensor, Tensor]) -> Tensor:
        return layers[1]


def test_the_error_is_that_of_a_loop_over_pixels() -> None:
    torch.manual_seed(0)
    images, masks = torch.rand(3, 3, 8, 8), torch.rand(3, 2, 1, 8, 8)
    which = torch.tensor([[True, False], [True, True], [False, False]])
    drawn = torch.rand(3, 3, 4, 4)
    total, pairs = 0.0, [(0, 0), (1, 0), (1, 1)]
    for n, (k, i) in enumerate(pairs):
        error, share = 0.0, float(masks[k, i].mean())
        for y in range(4):
            for x in range(4):
                block = (slice(2 * y, 2 * y + 2), slice(2 * x, 2 * x + 2))
                mask = float(masks[k, i, 0][block].mean())
                for c in range(3):
                    shown = float((images[k, c][block] * masks[k, i, 0][block]).mean())
                    error += abs(float(drawn[n, c, y, x]) * mask - shown)
        total += error / 48 / share / len(pairs)
    torch.testing.assert_close(float(style_error(images, masks, which, drawn)), total, rtol=1e-5, atol=0)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_attributes_asked_for_are_drawn_at_half_the_size_each_by_weights_of_its_own(size: int) -> None:
    torch.manual_seed(0)
    drawer = StyleDrawer(size, 3, 5).eval()
    codes = torch.rand(2, 1, 5).expand(2, 3, 5)
    drawn = drawer(codes, torch.tensor([[True, False, True], [False, True, False]]))
    assert drawn.shape == (3, 3, size // 2, size // 2)
    assert not torch.allclose(drawn[0], drawn[1])
    torch.testing.assert_close(drawer(codes[:1], torch.tensor([[False, False, True]])), drawn[1:2])


def test_what_is_read_of_some_attributes_is_what_is_read_of_all() -> None:
    torch.manual_seed(0)
    S = StyleReader(32, 2, 4, width=8).eval()
    images, masks = torch.rand(3, 3, 32, 32), torch.rand(3, 2, 1, 32, 32)
    which = torch.tensor([[True, False], [True, True], [False, False]])
    torch.testing.assert_close(S(images, masks, which)[which], S(images, masks)[which])


def test_codes_tell_the_color_of_a_patch(tmp_path: Path) -> None:
    known = pools(*patches(400, 0), NAMES)
    config = StyleConfig.of(EditorConfig(code=5, width=16, style_steps=150, batch=12))
    where = {"data": {"images": 400}, "seed": 0, "device": "cpu", "precision": "float32"}
    R = Known()
    S = train_style_reader(known, R, config, tmp_path, **where)  # type: ignore[arg-type]
    assert not S.training and not any(weight.requires_grad for weight in S.parameters())
    images, labels = patches(300, 1)
    x = images.float() / 255
    codes = S(x, R.masks(R.layers(x)))
    for i, column in enumerate((8, 24)):
        there = labels[:, i] == 1
        color, read = x[there][:, :, 16, column], torch.cat([codes[there, i], torch.ones(int(there.sum()), 1)], 1)
        half = len(color) // 2
        weights = torch.linalg.lstsq(read[:half], color[:half]).solution
        left = (read[half:] @ weights - color[half:]).square().mean() / color[half:].var()
        assert left < 0.1
    elsewhere = max_pool2d(R.layers(x)[1].amax(1), 3, 1, 1) == 0
    moved = torch.where(elsewhere, torch.rand_like(x), x)
    torch.testing.assert_close(S(moved, R.masks(R.layers(x))), codes)  # what is under no mask is not read
