"""The dossier's section: behind a blur for want of a generator, and behind a generator that is given."""

import json
from dataclasses import replace

import pytest
import torch

from lineament.datasets.portraits import portraits
from lineament.defense import section, standing
from lineament.defense.generator import save
from lineament.defense.networks import Generator
from lineament.defense.section import SECTION
from lineament.defense.standing import TELLING
from lineament.detectors.detector import shipped
from lineament.subject import Subject
from tests.toy_subject import Thumbnails, squares
from tests.toy_subject import subject as toy_subject


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """A package without generators, and attacks of few steps."""
    monkeypatch.setattr(section, "shipped", lambda data, what: tmp_path / "nothing")
    for name in ("QUICK", "PROJECTED"):
        little = replace(getattr(standing, name), steps=3, unrolled=min(3, getattr(standing, name).unrolled), queries=3)
        monkeypatch.setattr(standing, name, little)


def test_networks_are_attacked_bare_and_behind_a_blur():
    subject = Subject(portraits(people=60, images_per_person=3, size=64, seed=3), shipped(), quick=True)
    heard = []
    fragment = SECTION.run(subject, heard.append)
    text = "".join(map(str, fragment.blocks))
    told = json.loads(json.dumps(fragment.data))
    assert told["purifier"] == "blurred by 1 px" and "lineament train generator" in text
    assert {row["threat"] for row in told["rows"]} == {
        "no attack", "oblivious", "exact gradient", "random noise", "queries alone", "worst case",
    }  # fmt: skip
    accuracy = {(row["threat"], row["eps"]): row["accuracy"][0] for row in told["rows"]}
    assert all(accuracy["worst case", eps] <= share for (_, eps), share in accuracy.items() if eps)
    assert "not tried" in text and "; queries alone: tried at the greatest budget only" in text
    assert "which is a wish: it was set on" in text
    assert text.count("<svg") == 2 and text.count("<img") in (12, 18, 24)
    assert [finding.kind for finding in fragment.findings] == ["weak flank", "weak flank"]
    assert set(told["detection"]) == {
        "error, oblivious", "disagreement, oblivious", "error, strongest", "disagreement, strongest",
    }  # fmt: skip
    assert heard == sorted(heard) and heard[-1] < 1


def test_a_detector_without_gradient_is_asked_instead():
    fragment = SECTION.run(toy_subject(), lambda share: None)
    told = fragment.data
    assert {row["threat"] for row in told["rows"]} == {
        "no attack", "oblivious", "random noise", "queries alone", "worst case",
    }  # fmt: skip
    (one,) = told["detection"]["error, oblivious"]["operating"]
    assert one["wanted"] == pytest.approx(1 / 19)  # of 18 development people, no rarer rate can be had


def test_a_generator_that_is_given_stands_before_the_detector(tmp_path):
    torch.manual_seed(0)
    save(Generator((3, 32, 32), latent=4, width=2), tmp_path / "run" / "generator", data="squares", licence="none")
    dataset = squares(size=32)
    subject = Subject(dataset, Thumbnails(dataset), quick=True)
    subject.generator = tmp_path / "run"
    fragment = SECTION.run(subject, lambda share: None)
    assert fragment.data["purifier"] == "defense_gan(fast)"
    assert "Defense-GAN" in "".join(map(str, fragment.blocks))


@pytest.mark.parametrize(
    ("worst", "doubts", "kind"),
    [
        ([0.9, 0.82, 1], [], "strength"),
        ([0.9, 0.79, 1], [], "weak flank"),
        ([0.9, 0.82, 1], ["no attack searched"], "weak flank"),
    ],
)
def test_a_defence_that_surely_stands_is_a_strength(worst, doubts, kind):
    at = {"eps": TELLING, "accuracy": worst, "undefended": [0.2, 0.1, 0.3]}
    told = [{"threat": "no attack", "eps": 0.0, "accuracy": [1, 1, 1], "undefended": [1, 1, 1]},
            at | {"threat": "oblivious"}, at | {"threat": "worst case"}]  # fmt: skip
    found = section._findings({"rows": told, "purifier": "a wall", "doubts": doubts})
    assert [finding.kind for finding in found] == ["weak flank", kind]
    assert [finding.number for finding in found] == ["20%", "90%"]
    assert f"({worst[1]:.0%} to 100%)" in found[1].text and ("doubtful" in found[1].text) == bool(doubts)
