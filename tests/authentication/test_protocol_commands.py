"""The verbs, as a person runs them, on a small portraits set."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from lineament.authentication import protocols
from lineament.authentication.protocol_commands import short
from lineament.authentication.protocols import Rule, Trial
from lineament.cli import main
from tests.datasets.trees import yale_tree


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sixty portraits people, and a trial with published figures beside it."""
    first = replace(protocols.PROTOCOLS["portraits"].trials[1], published=(("2.14", 3), ("2.7", 0)))
    halves = Trial("half → half", Rule("person", half=1), Rule("person", half=2))
    nobody = Trial("nobody", Rule("person", ("9",)), Rule("image"))
    made = replace(protocols.PROTOCOLS["portraits"], trials=(first, halves, nobody), options={"people": 60})
    monkeypatch.setitem(protocols.PROTOCOLS, "portraits", made)


def test_the_list_shows_every_protocol(capsys):
    assert main(["protocol", "list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in protocols.PROTOCOLS) and "table 2.15" in printed and "embedded" in printed
    assert (
        "a person's images, session 12 phone, site but" in printed
        and "a clip, session 1, the enrolment task" in printed
    )
    assert not any(sign in printed for sign in ("(?", "[^", "$", "^"))  # words, no regular expressions


def test_protocols_whose_data_are_there_come_first(capsys, tmp_path):
    yale_tree(tmp_path / "yale_faces")
    assert main(["protocol", "list", "--root", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    order = [line.split()[0] for line in printed.splitlines() if "; data: " in line]
    assert order[:2] == ["yale", "portraits"] and set(order) == set(protocols.PROTOCOLS)


def test_a_run_prints_ours_beside_the_published_and_draws_the_curves(capsys, tmp_path):
    words = "protocol run portraits --methods lbp,detector,lbp+detector --resamples 20 --plot"
    assert main([*words.split(), str(tmp_path / "plots")]) == 0
    printed = capsys.readouterr().out
    assert "day → image of another" in printed and "published, table 2.14" in printed and "table 2.7" in printed
    rows = [line.split() for line in printed.splitlines() if "day → image of another" in line]
    assert rows[1][-5:] == ["38", "38", "18", "25", "23"] and rows[2][-3:] == ["36", "33", "32"]
    assert "left out: nobody: no image fits the rule" in printed and "sessions are 0, 1" in printed
    assert "9 development people, none of whom is compared" in printed and "(test z)" in printed
    picture, _ = sorted((tmp_path / "plots").glob("*.png"))
    with Image.open(picture) as image:
        assert image.width > 1000


def test_json_holds_every_figure_and_networks_are_far_ahead_of_lbp(capsys):
    words = "protocol run portraits --methods lbp,detector@standardised --resamples 20 --json"
    assert main(words.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["published"]["day → image of another"]["2.14: MultiDeep"] == 0.18
    found = {(row["trial"], row["method"]): row for row in told["results"]}
    lbp, network = (found["day → image of another", method]["eer"] for method in ("lbp", "detector@standardised"))
    assert network[2] < lbp[1] and found["half → half", "lbp"]["genuine"] == 9
    assert set(found["half → half", "lbp"]) >= {"hter", "fnmr_at_fmr_1", "fnmr_at_fmr_01", "fmr", "fnmr"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("portraits --methods lbpp", 2, "did you mean 'lbp'"),
        ("portrait", 2, "did you mean 'portraits'"),
        ("portraits --resamples 0", 2, "at least 1"),
        ("orl --root nowhere", 1, "nowhere"),
    ],
)
def test_wrong_calls_are_refused_in_words(capsys, words, code, message):
    assert main(["protocol", "run", *words.split()]) == code
    assert message in capsys.readouterr().err


def test_names_of_folders_are_told_by_their_last_word():
    assert short("lbp+detector:runs/celeba/full/paper@published") == "lbp + paper@published"
    assert short("detector:paper/ (test z)") == "paper (test z)" and short("detector") == "detector"
