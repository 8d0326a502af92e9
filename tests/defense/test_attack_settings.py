"""Attacks as words: every attack takes its own settings, and the guide lists them all."""

import re
from pathlib import Path

import pytest

from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.defense.attack_settings import BLACK_BOX, attack_names, prepared, settings_of
from lineament.defense.shields import DEFENSES
from lineament.errors import UsageError

GUIDE = (Path(__file__).parents[2] / "docs" / "defense.md").read_text()


def test_each_attack_takes_the_settings_that_it_has():
    made = prepared(["fgsm", "pgd"], 0.2, ["steps=7", "random_start=false"])
    assert made == {"fgsm": FGSM(eps=0.2), "pgd": PGD(eps=0.2, steps=7, random_start=False)}


@pytest.mark.parametrize("name", [name for name in attack_names() if name != BLACK_BOX])
def test_every_attack_can_be_had_with_every_setting_spelt_out(name):
    made = prepared([name], 0.1, [])[name]
    words = [f"{key}={getattr(made, key)}" for key in settings_of(name)]
    assert prepared([name], 0.1, words)[name] == made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["steps=x"], "steps=x: expected a whole number"),
        (["random_start=yes"], "expected true or false"),
        (["c=1"], "unknown setting of pgd 'c'"),
        (["=1"], "expected NAME=VALUE"),
        (["steps=-1"], "at least 1"),
    ],
)
def test_a_wrong_setting_is_told(words, message):
    with pytest.raises(UsageError, match=message):
        prepared(["pgd"], 0.1, words)


def test_the_guide_lists_every_attack_with_its_settings_and_every_defence():
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", GUIDE, re.MULTILINE))
    listed = {name: set(re.findall(r"`(\w+)`", told)) for name, told in rows.items() if name in attack_names()}
    assert listed == {name: set(settings_of(name)) for name in attack_names()}
    assert set(DEFENSES) == set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", GUIDE, re.MULTILINE))
