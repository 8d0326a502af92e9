"""Attackers who know the defence: which there are, that each is computed once, and what the worst case is made of."""

from pathlib import Path

import pytest
import torch

from benchmarks import adaptive
from benchmarks.adaptive import CONTROL, NOTHING, OURS, attackers, cell, judged, threats, transferred, trial
from benchmarks.defense_task import Task
from lineament.attacks.gradient_sign import FGSM
from lineament.attacks.square import Square
from lineament.defense.threats import WORST
from lineament.defense.trivial import binarised
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]

TASK = Task("mnist", n=4, quick=True)


def test_every_gradient_of_a_defence_is_an_attacker(runs: Path) -> None:
    found = {name: threats(purifier, 0.2) for name, purifier in (
        ("ours", TASK.material.purifier("fast").purifier), ("binarised", binarised()), ("none", NOTHING.purifier)
    )}  # fmt: skip
    blind = {"oblivious FGSM", "oblivious PGD", "random noise"}
    assert found["ours"].keys() == blind | {
        *("BPDA identity", "BPDA identity, averaged", "unrolled", "on the manifold"),
    }
    assert found["binarised"].keys() == blind | {"BPDA identity", "BPDA sigmoid"}
    assert found["none"].keys() == blind | {"BPDA identity"}
    assert {attack.eps for each in found.values() for attack in each.values()} == {0.2}
    knowing = [each for name in found for key, each in found[name].items() if key.startswith(("BPDA", "unrolled"))]
    assert sorted((each.average, each.restarts) for each in knowing) == [(1, 5)] * 5 + [(4, 1)]
    cheap = found["none"]["BPDA identity"]
    assert (cheap.steps, cheap.restarts, cheap.average) == (40, 5, 1)
    assert attackers(Task("mnist", n=4), OURS, 0.2) == found["ours"]


def test_a_trial_is_computed_once_and_read_as_it_was(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [trial(TASK, "D", "binarised", "oblivious FGSM", FGSM(0.3), n) for n in (4, 2)]
    monkeypatch.setattr(adaptive, "trials", lambda *words, **settings: pytest.fail("computed again"))
    read = trial(TASK, "D", "binarised", "oblivious FGSM", FGSM(0.3), 4)
    assert torch.equal(read.correct, made[0].correct) and read.oblivious and read.seconds == made[0].seconds
    assert torch.equal(read.adversarial.images, made[0].adversarial.images)
    assert torch.equal(made[1].adversarial.images, read.adversarial.images[:2])
    assert read.adversarial.attack == "FGSM(eps=0.3)" and read.eps == 0.3


def test_the_worst_case_is_no_better_than_any_attacker_and_says_what_looks_wrong(runs: Path) -> None:
    found = {line["attack"]: line for line in cell(TASK, "D", "none", {0.3: 4})}
    assert set(found) == {"oblivious PGD", "BPDA identity", WORST}
    assert found[WORST]["accuracy"] <= min(line["accuracy"] for line in found.values()) <= found[WORST]["clean"]
    assert found[WORST]["details"]["flags"] == [] and found["oblivious PGD"]["details"]["linf"] <= 0.3 + 1e-6
    assert found[WORST]["details"]["learnt"] == {"images": 60, "epochs": 20}
    assert found["BPDA identity"]["details"]["settings"].startswith("BPDA(eps=0.3, steps=40")
    assert found["oblivious PGD"]["accuracy"] >= found["BPDA identity"]["accuracy"]  # the same, begun five times


def test_random_search_stands_beside_the_worst_case_and_flags_are_told_once(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive, "QUERIES", 4)
    monkeypatch.setattr(adaptive, "threats", lambda purifier, eps: {"oblivious FGSM": FGSM(eps)})
    looked: list[list[str]] = []
    monkeypatch.setattr(adaptive, "judged", lambda found: looked.append([one.threat for one in found]) or ["odd"])
    monkeypatch.setattr(adaptive, "learnt", lambda *words: {})
    trained = TASK.material.classifier(adaptive.DEFENCES["none"].trained("D"))
    monkeypatch.setattr("lineament.reproduction.material.Material.classifier", lambda *words: trained)
    found = list(cell(Task("mnist", n=8), "D", "none", {0.3: 8, 0.1: 4}))
    assert [(line["attack"], line["eps"], line["n"]) for line in found] == [
        ("oblivious FGSM", 0.3, 8), (CONTROL, 0.3, 2), (WORST, 0.3, 8), ("oblivious FGSM", 0.1, 4), (WORST, 0.1, 4),
    ]  # fmt: skip
    assert found[2]["accuracy"] == found[0]["accuracy"]  # whatever the control found
    assert found[2]["details"]["flags"] == ["odd"] and "flags" not in found[4]["details"]
    assert looked == [["oblivious FGSM", "oblivious FGSM"], ["oblivious FGSM", CONTROL]]


def test_trials_of_unequal_length_are_judged_by_the_images_of_both(runs: Path) -> None:
    whole = trial(TASK, "D", "none", "oblivious FGSM", FGSM(0.3), 4)
    few = trial(TASK, "D", "none", CONTROL, Square(0.3, queries=2), 2)
    assert judged([whole, few]) == [] and len(adaptive.first(whole, 2).adversarial.images) == 2


def test_what_was_found_against_one_mode_is_put_before_the_other(runs: Path) -> None:
    found = list(transferred(TASK, "D", 2))
    assert [line["attack"] for line in found] == ["oblivious PGD", "BPDA identity"]
    assert {line["defence"] for line in found} == {"Defense-GAN-Rec reference"} and found[0]["n"] == 2
