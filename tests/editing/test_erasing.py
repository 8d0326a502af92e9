"""Training the eraser: what it is held to where the truth is known, and what comes of it."""

from pathlib import Path

import torch

from lineament.editing.eraser import Eraser
from lineament.editing.erasing import EraserConfig, _known, opaque, train_eraser
from lineament.editing.label_reader import train_label_reader
from lineament.editing.presets import EditorConfig
from lineament.editing.sampling import pools
from tests.editing.colored import NAMES, patches


def test_the_error_counts_where_the_attributes_of_the_image_before_were_and_its_own_are_not() -> None:
    torch.manual_seed(0)
    R = Eraser(32, 2, width=8).eval().requires_grad_(False)
    images, masks = torch.rand(3, 3, 32, 32), torch.zeros(3, 2, 1, 32, 32)
    masks[:, 0, 0, 5:10, 5:10] = 1
    masks[:, 1, 0, 8:20, 8:20] = 1
    own = torch.tensor([[True, False], [False, True], [False, False]])
    for seed in range(4):
        torch.manual_seed(seed)
        error = _known(R, images, masks, own)
        torch.manual_seed(seed)
        coins, too = torch.rand(3, 2) < 0.5, torch.rand(3, 1) < 0.7
        total, count = 0.0, 0
        for k in range(3):
            lent = own[k - 1] & ~own[k] & coins[k]
            places, mine = (R.region(masks[j : j + 1], each[None]) for j, each in (((k - 1) % 3, lent), (k, own[k])))
            region = torch.maximum(places, R.region(masks[k : k + 1], (own[k] & too[k])[None]))
            miss = (R.filled(images[k : k + 1], region) - images[k : k + 1]).abs()[0]
            for y in range(32):
                for x in range(32):
                    if places[0, 0, y, x] == 1 and mine[0, 0, y, x] == 0:
                        total, count = total + float(miss[:, y, x].sum()), count + 3
        torch.testing.assert_close(float(error), total / max(count, 1), rtol=1e-4, atol=1e-6)


def test_an_attribute_is_opaque_if_the_painting_replaces_most_of_its_place_in_most_images() -> None:
    class Painted(Eraser):
        def layers(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            masks = torch.zeros(len(images), 2, 1, 32, 32)
            masks[:, 0, :, 4:8, 4:8], masks[:, 1, :, 4:8, 4:8] = 0.9, 0.4
            masks[: len(images) // 3, 0] *= 0.1  # of some images little
            masks[:, :, :, 20, 20] = 0.1  # and where it hardly is, that it is not replaced says nothing
            return images[:, None], masks

    known = pools(*patches(60, 0), NAMES)
    assert opaque(Painted(32, 2, width=8), known, torch.device("cpu")).tolist() == [True, False]


def test_a_patch_is_marked_and_filled_with_the_ground(tmp_path: Path) -> None:
    known = pools(*patches(300, 0), NAMES)
    where = {"data": {"images": 300}, "seed": 0, "device": "cpu", "precision": "float32"}
    C = train_label_reader(known, tmp_path / "classifier", width=16, steps=60, **where)
    config = EraserConfig.of(EditorConfig(width=16, critic_width=16, eraser_steps=800, batch=8, averaging=0.98))
    R = train_eraser(known, C, config, tmp_path / "eraser", **where)
    images, labels = patches(60, 1)
    x, there = images.float() / 255, labels == 1
    with torch.no_grad():
        masks = R.masks(R.layers(x))
        region, bare = R.region(masks, there), R(x, masks, there)
    for i, place in enumerate((slice(4, 12), slice(20, 28))):
        marked = region[there[:, i] & ~there[:, 1 - i], 0]
        inside = marked[:, 12:20, place].mean()
        assert inside > 0.8 and marked.mean() < 0.6
    left, before = ((each - x[:, :, :1, :1]).abs().mean((1, 2, 3))[there.any(1)] for each in (bare, x))
    assert (left / before).median() < 0.5  # a patch as grey as the ground is not found
