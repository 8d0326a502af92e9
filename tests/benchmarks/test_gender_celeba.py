"""What is said of the table of faces, from its rows."""

import pytest
import torch
from PIL import Image

from benchmarks.gender_celeba import SHOWN, sheet, summary


def test_the_summary_has_a_mean_and_a_gap_for_each_defence():
    rows = [
        {"defence": "no_defense", "accuracy": 0.1, "published": 0.0},
        {"defence": "no_defense", "accuracy": 0.3, "published": 0.1},
        {"defence": "defense_gan_rec", "accuracy": 0.7, "published": 0.9},
    ]
    found = summary(rows)
    assert found["mean_no_defense"] == pytest.approx(0.2) and found["mean_no_defense_gap"] == pytest.approx(0.15)
    assert found["mean_defense_gan_rec_gap"] == pytest.approx(-0.2)


def test_the_sheet_has_a_row_a_kind(tmp_path):
    sheet([torch.rand(SHOWN + 2, 3, 16, 16) for _ in range(4)], tmp_path / "new" / "sheet.png")
    with Image.open(tmp_path / "new" / "sheet.png") as image:
        assert image.size == (16 * SHOWN, 64)
