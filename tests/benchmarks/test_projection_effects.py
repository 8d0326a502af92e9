"""What the curves are drawn from, and what is said of them."""

import pytest
from PIL import Image

from benchmarks.projection_effects import LOOKS, SETS, draw, measured, summary
from lineament.defense.generator import save
from lineament.defense.networks import Generator
from lineament.reproduction.chapter_5 import Setting
from lineament.reproduction.entries import published
from tests.reproduction.made_up import SIDE, write


def row(number, over, at, series, value, printed, data="mnist"):
    return {"data": data, "table": number, "over": over, "at": at, "series": series, "measured": value,
            "low": value - 0.01, "high": value + 0.01, "published": printed}  # fmt: skip


ROWS = [
    row("5.8", "L", 25.0, "Defense-GAN-Rec FGSM black-box", 0.7, 0.8),
    row("5.8", "L", 200.0, "Defense-GAN-Rec FGSM black-box", 0.9, 0.92),
    row("5.8", "L", 1600.0, "Defense-GAN-Rec FGSM black-box", 0.6, 0.9),
    row("5.10", "R", 1.0, "Defense-GAN-Orig no attack", 0.7, 0.64),
    row("5.3", "eps", 0.1, "Defense-GAN-Rec", 0.9, 0.98),
    row("5.13", "R", 10.0, "L 10", 0.1, 0.05),
    row("5.13", "R", 10.0, "L 200", 0.5, 0.675),
]


def test_the_summary_holds_measured_against_printed():
    found = summary(ROWS)
    assert found["mnist_gap_over_L"] == pytest.approx((-0.1 - 0.02 - 0.3) / 3)
    assert found["mnist_gap_over_R"] == pytest.approx(0.06)
    assert found["mnist_best_L"] == 200 and found["seconds_L200_R10"] == 0.5


def test_the_curves_are_drawn(tmp_path):
    draw("mnist", ROWS, tmp_path / "effects.png")
    with Image.open(tmp_path / "effects.png") as image:
        assert image.width > 1000


def test_every_printed_series_has_a_look():
    for _, tables in SETS.items():
        for number in tables:
            for line in published(number):
                assert f"{line['defense']} {line.get('condition', '')}".strip() in LOOKS


def test_a_table_becomes_rows_with_numbers(tmp_path):
    root = write(tmp_path / "data", "MNIST", 120, 200)
    save(Generator((1, SIDE, SIDE), latent=4, width=2), tmp_path / "runs" / "defense" / "mnist" / "generator")
    setting = Setting(root, tmp_path / "runs", quick=True, device="cpu", precision="float32", n=2)
    found = list(measured("mnist", "5.13", setting))
    assert [line["at"] for line in found] == [1, 1, 1] and found[0]["over"] == "R" and found[0]["series"] == "L 10"
    assert all(line["low"] <= line["measured"] <= line["high"] for line in found)
