"""Reconstructions for -Rec: of images and of noisy images, made once, and taken up by the call after a killed one."""

import pytest
import torch

from lineament.defense import reconstructions
from lineament.defense.reconstructions import reconstructed
from lineament.errors import JobError
from lineament.purifier import Purifier

IMAGES = torch.randint(0, 256, (7, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(reconstructions, "PIECE", 3)


class Killed(Exception):
    pass


def inverting(calls, limit=100):
    def purify(images, seed):
        calls.append(len(images))
        if len(calls) > limit:
            raise Killed
        return 1 - images

    return Purifier("inverting", purify)


def test_images_come_first_and_then_those_under_noise(tmp_path):
    made = reconstructed(inverting([]), IMAGES, tmp_path, facts="x", noise=0.2)
    assert made.shape == (14, 1, 4, 4) and torch.equal(made[:7], 255 - IMAGES)
    apart = (made[7:].float() - (255 - IMAGES).float()).abs() / 255
    assert 0.1 < apart.max() <= 0.2 + 1 / 255


def test_a_killed_call_goes_on_and_ends_as_one_that_was_not(tmp_path):
    whole = reconstructed(inverting([]), IMAGES, tmp_path / "whole", facts="x", noise=0.2, seed=1)
    calls: list[int] = []
    with pytest.raises(Killed):
        reconstructed(inverting(calls, limit=2), IMAGES, tmp_path / "again", facts="x", noise=0.2, seed=1)
    calls.clear()
    assert torch.equal(reconstructed(inverting(calls), IMAGES, tmp_path / "again", facts="x", noise=0.2, seed=1), whole)
    assert calls == [1, 3, 3, 1]


@pytest.mark.parametrize("change", [{"facts": "y"}, {"seed": 2}, {"noise": 0.1}])
def test_what_follows_from_something_else_is_not_taken_up(change, tmp_path):
    given = {"facts": "x", "noise": 0.2, "seed": 1}
    reconstructed(inverting([]), IMAGES, tmp_path, **given)
    calls: list[int] = []
    reconstructed(inverting(calls), IMAGES, tmp_path, **given | change)
    assert sum(calls) == (14 if "noise" not in change else 7)  # those without noise do not depend on it


def test_a_torn_piece_is_named(tmp_path):
    reconstructed(inverting([]), IMAGES, tmp_path, facts="x")
    piece = next(tmp_path.iterdir())
    piece.write_bytes(piece.read_bytes()[:-5])
    with pytest.raises(JobError, match=f"{piece.name}: torn.*delete it"):
        reconstructed(inverting([]), IMAGES, tmp_path, facts="x")
