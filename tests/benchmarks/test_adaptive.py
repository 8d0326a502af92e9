"""Attackers who know the defence: which there are, that each is computed once, and what the worst case is made of."""

from pathlib import Path

import pytest
import torch

from benchmarks import adaptive
from benchmarks.adaptive import NOTHING, OURS, attackers, cell, threats, transferred, trial
from benchmarks.defense_networks import cleaner
from benchmarks.defense_task import Task, given
from lineament.attacks.gradient_sign import FGSM
from lineament.defense.threats import WORST
from lineament.defense.trivial import binarised
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]

TASK = Task("mnist", n=4, quick=True)


def test_every_gradient_of_a_defence_is_an_attacker(runs: Path) -> None:
    found = {name: threats(purifier, 0.2) for name, purifier in (
        ("ours", cleaner(TASK, "fast").purifier), ("binarised", binarised()), ("none", NOTHING.purifier)
    )}  # fmt: skip
    blind = {"oblivious FGSM", "oblivious PGD", "random noise", "without gradient"}
    assert found["ours"].keys() == blind | {"BPDA identity", "unrolled", "on the manifold"}
    assert found["binarised"].keys() == blind | {"BPDA identity", "BPDA sigmoid"}
    assert found["none"].keys() == blind | {"BPDA identity"}
    assert {attack.eps for each in found.values() for attack in each.values()} == {0.2}
    assert found["ours"]["BPDA identity"].average == 2 and found["none"]["BPDA identity"].average == 1


def test_the_dear_control_is_run_on_one_classifier_behind_a_projection(runs: Path) -> None:
    whole = Task("mnist", n=4)
    assert "without gradient" in attackers(whole, "A", OURS, 0.3)
    assert "without gradient" not in attackers(whole, "B", OURS, 0.3)
    assert "without gradient" not in attackers(whole, "A", OURS, 0.1)
    assert "without gradient" in attackers(whole, "B", "binarised", 0.3)


def test_a_trial_is_computed_once_and_read_as_it_was(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [trial(TASK, "D", "binarised", "oblivious FGSM", FGSM(0.3), n) for n in (4, 2)]
    monkeypatch.setattr(adaptive, "trials", lambda *words, **settings: pytest.fail("computed again"))
    read = trial(TASK, "D", "binarised", "oblivious FGSM", FGSM(0.3), 4)
    assert torch.equal(read.correct, made[0].correct) and read.oblivious and read.seconds == made[0].seconds
    assert torch.equal(read.adversarial.images, made[0].adversarial.images)
    assert torch.equal(made[1].adversarial.images, read.adversarial.images[:2])
    assert read.adversarial.attack == "FGSM(eps=0.3)" and read.eps == 0.3


def test_the_worst_case_is_no_better_than_any_attacker_and_says_what_looks_wrong(runs: Path) -> None:
    found = {line["attack"]: line for line in cell(TASK, "D", "none", 0.3, 4)}
    assert set(found) == {"oblivious PGD", "BPDA identity", WORST}
    assert found[WORST]["accuracy"] <= min(line["accuracy"] for line in found.values()) <= found[WORST]["clean"]
    assert found[WORST]["details"]["flags"] == [] and found["oblivious PGD"]["details"]["linf"] <= 0.3 + 1e-6
    assert found["BPDA identity"]["details"]["settings"].startswith("BPDA(eps=0.3, steps=40")
    assert found["oblivious PGD"]["accuracy"] == found["BPDA identity"]["accuracy"]  # nothing stands before it


def test_what_was_found_against_one_mode_is_put_before_the_other(runs: Path) -> None:
    found = list(transferred(TASK, "D", 2))
    assert [line["attack"] for line in found] == ["oblivious PGD", "BPDA identity"]
    assert {line["defence"] for line in found} == {"Defense-GAN-Rec reference"} and found[0]["n"] == 2
    assert given(TASK)[0].shape == (4, 1, 28, 28)
