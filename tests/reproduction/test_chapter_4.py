"""The verb that measures a table of chapter 4, on a made-up MNIST of bars; the printed values stay what was printed."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from lineament.artifacts import read_card
from lineament.cli import main
from lineament.reproduction.chapter_4 import CELLS, published_pairs
from lineament.reproduction.entries import published
from tests.explanation.toy import bars

SIDE = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """MNIST/raw as if all digits were fours (a bar on the left) and nines (on the right)."""
    raw = tmp_path_factory.mktemp("data") / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 1200), ("t10k", 80)):
        images = bars(n, SIDE, seed=n).numpy()
        labels = np.where(np.arange(n) % 2, 9, 4).astype(np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4B3I", 0, 0, 8, 3, n, SIDE, SIDE) + images.tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, n) + labels.tobytes())
    return raw.parent.parent


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def measured(number, root, out, capsys):
    words = f"reproduce table {number} --root {root} --out {out} --data mnist --quick --precision float32 --json"
    assert main(words.split()) == 0
    return json.loads(capsys.readouterr().out)


def test_table_4_2_has_the_printed_cells_as_shares_of_the_ceiling(root, out, capsys):
    rows = measured("4.2", root, out, capsys)
    assert read_card(out / "quick" / "mnist" / "4-9" / "seed0" / "explainer")["training"]["schedule"]["kappa"] == 0.02
    assert [row["column"] for row in rows] == list(CELLS) and {row["row"] for row in rows} == {"mnist 4/9"}
    assert rows[0]["printed"] == pytest.approx(98.6 / 99.0) and rows[3]["printed"] == pytest.approx(98.5 / 99.0)
    assert all(row["low"] <= row["value"] <= row["high"] and 0 < row["value"] < 2 for row in rows)
    assert not (out / "mnist").exists()  # a full schedule is not handed a quick one's classifiers


def test_table_4_1_takes_up_the_finished_run_and_ranks_every_method(root, out, capsys):
    weights = out / "quick" / "mnist" / "4-9" / "seed0" / "explainer" / "model.safetensors"
    before = weights.stat().st_mtime_ns if weights.exists() else None
    rows = measured("4.1", root, out, capsys)
    assert len(rows) == 6 * 3 and all(row["value"] <= 1 for row in rows)
    (ours,) = [row for row in rows if row["row"] == "ExplainGAN" and row["column"] == "threshold 0.5"]
    assert ours["printed"] == 2622
    (empty,) = [row for row in rows if row["row"] == "Grad-CAM" and row["column"] == "threshold 0.9"]
    assert empty["printed"] is None
    assert before is None or weights.stat().st_mtime_ns == before


def test_table_4_3_compares_the_rivals(root, out, capsys):
    words = f"reproduce table 4.3 --root {root} --out {out} --data mnist --quick --precision float32"
    assert main(words.split()) == 0
    told = capsys.readouterr().out
    assert "ultrasound" in told and "Quick schedule" in told
    for method in ("ExplainGAN-full", "ExplainGAN-norec", "ExplainGAN-nomask", "CycleGAN", "PixelDA"):
        assert method in told


def test_a_dry_run_lists_the_pairs_and_needs_no_data(capsys, tmp_path):
    assert main(f"reproduce table 4.2 --out {tmp_path / 'runs'} --dry-run".split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert ["mnist", "3", "5"] in told["pairs"] and ["fashion_mnist", "Coat", "Shirt"] in told["pairs"]
    assert not (tmp_path / "runs").exists()


def test_missing_data_is_told(capsys, tmp_path):
    assert main(f"reproduce table 4.1 --root {tmp_path} --out {tmp_path / 'runs'}".split()) == 1
    assert "lineament data fetch mnist" in capsys.readouterr().err


def test_the_printed_tables_are_those_that_the_benchmarks_use():
    for number in ("4_1", "4_2", "4_3"):
        ours = Path("src/lineament/reproduction/published") / f"table_{number}.csv"
        root = Path(__file__).resolve().parents[2]
        assert (root / ours).read_bytes() == (root / "benchmarks" / "published" / ours.name).read_bytes()
    assert len(published("4.1")) == 36 and len(published_pairs()) == 5
