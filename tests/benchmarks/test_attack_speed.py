"""The comparison shows a peer that is slower, and one whose results are others; the peers themselves are not needed."""

import time

import pytest
import torch
from torch import Tensor, nn

from benchmarks.attack_speed import Setting, compared, judged, ours
from lineament.classifier import from_module


def setting() -> Setting:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    images = torch.rand(12, 1, 4, 4)
    return Setting("toy", network, from_module(network), images, network(images).argmax(1))


def slow(on: Setting) -> Tensor:
    busy = time.process_time() + 0.02
    while time.process_time() < busy:
        pass
    return judged(ours()["fgsm"])(on)  # type: ignore[no-any-return]


def test_a_slower_and_a_weaker_peer_are_told_apart() -> None:
    on = setting()
    weak = {"fgsm": judged(lambda on: on.images)}
    rows = compared("fgsm", on, {"lineament": ours(), "slow": {"fgsm": slow}, "weak": weak}, rounds=3)
    mine, slower, weaker = rows
    assert slower["ms_per_image"] * 12 >= 20 > mine["ms_per_image"] * 12
    assert mine["success"] == slower["success"] > weaker["success"] == 0
    assert slower["success_apart"] == slower["l2_apart"] == 0 < weaker["success_apart"]
    assert weaker["l2_apart"] == 1
    assert mine["over_best_peer"] == pytest.approx(mine["ms_per_image"] / weaker["ms_per_image"])
