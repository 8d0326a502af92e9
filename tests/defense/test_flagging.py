"""What is usual of clean images stands on the generator's card, one list a purifier, and sets the threshold."""

from dataclasses import replace

import pytest
import torch

from lineament import artifacts
from lineament.defense.flagging import ENTRY, calibrate, calibrated, clean_errors
from lineament.defense.generator import save
from lineament.defense.networks import Generator
from lineament.defense.shields import Shield
from lineament.errors import JobError, UsageError
from lineament.purifier import Purifier

CPU = torch.device("cpu")
HALVED = Purifier("halved", lambda images, seed: images / 2)


def levels(n):
    """Images whose error behind `HALVED` grows with their number."""
    return torch.arange(n).mul(2).view(n, 1, 1, 1).expand(n, 1, 8, 8).to(torch.uint8)


@pytest.fixture
def place(tmp_path):
    torch.manual_seed(0)
    return save(Generator((1, 28, 28), latent=4, width=4), tmp_path / "generator", data="toy", metrics={"fid": 1.0})


def test_errors_are_noted_once_and_nothing_else_of_the_card_changes(place):
    before = artifacts.load(place, kind="generator")
    calibrate(Shield(HALVED, place), levels(100), CPU)
    after = artifacts.load(place, kind="generator")
    assert after.card[ENTRY]["halved"] == pytest.approx([(i / 255) ** 2 for i in range(100)], abs=1e-6)
    assert {k: v for k, v in after.card.items() if k not in (ENTRY, "card_sha256")} == {
        k: v for k, v in before.card.items() if k != "card_sha256"
    }
    assert all(torch.equal(after.tensors[name], before.tensors[name]) for name in before.tensors)
    changed = (place / "card.json").stat().st_mtime_ns
    calibrate(Shield(HALVED, place), levels(50), CPU)
    assert (place / "card.json").stat().st_mtime_ns == changed


def test_the_threshold_leaves_the_wanted_share_of_clean_images_above(place):
    shield = Shield(HALVED, place)
    assert calibrated(shield, 0.05) is None
    calibrate(shield, levels(100), CPU)
    cut = calibrated(shield, 0.1)
    assert sum((i / 255) ** 2 > cut + 1e-6 for i in range(100)) == 9  # ceil(101 * 0.9) = 91 are at or below
    with pytest.raises(UsageError, match="at least 999"):
        calibrated(shield, 0.001)


@pytest.mark.parametrize("change", [{"weights": ("a" * 64, "c" * 64)}, {"settings": "steps=2"}])
def test_another_encoder_or_other_settings_have_another_list(place, change):
    one = Shield(HALVED, place, ("a" * 64, "b" * 64), "steps=1")
    other = replace(one, **change)
    calibrate(one, levels(30), CPU)
    assert calibrated(one, 0.1) is not None and calibrated(other, 0.1) is None
    calibrate(other, levels(30), CPU)
    assert len(artifacts.read_card(place)[ENTRY]) == 2


def test_errors_do_not_depend_on_how_images_are_cut_into_pieces(monkeypatch):
    whole = clean_errors(HALVED, levels(40), CPU)
    monkeypatch.setattr("lineament.defense.flagging.PIECE", 7)
    assert torch.equal(whole, clean_errors(HALVED, levels(40), CPU)) and torch.equal(whole, whole.sort().values)


def test_a_card_that_holds_something_else_is_refused(tmp_path):
    place = save(Generator((1, 28, 28), latent=4, width=4), tmp_path / "generator", **{ENTRY: {"halved": "many"}})
    with pytest.raises(JobError, match=ENTRY):
        calibrated(Shield(HALVED, place), 0.05)
