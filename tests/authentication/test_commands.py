"""The verbs enrol, verify and watch, run as a person runs them, on drawn people and the detector that is shipped."""

import itertools
import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.authentication import commands
from lineament.authentication.commands import answers
from lineament.cli import main
from lineament.datasets.portraits import portraits
from lineament.errors import UsageError
from tests.datasets.trees import write_clip
from tests.faces.conftest import astronaut, face_models

__all__ = ["astronaut", "face_models"]

pytest.importorskip("cryptography")
pytest.importorskip("sqlalchemy")


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """Folders ann0, ann1, ben1 of framed crops: two days of one person, and another one."""
    root = tmp_path_factory.mktemp("faces")
    drawn = portraits(12, 24, sessions=2, size=64, seed=99)
    for name, person, day in (("ann0", 3, "0"), ("ann1", 3, "1"), ("ben1", 7, "1")):
        for i in np.flatnonzero((drawn.identity == person) & (drawn.session == day)):
            (root / name).mkdir(exist_ok=True)
            Image.fromarray(drawn.read(int(i))).save(root / name / f"{i:03}.png")
    return root


@pytest.fixture
def home(tmp_path, monkeypatch, cheap_vault) -> Path:
    """An empty place for stores and files."""
    monkeypatch.setenv("LINEAMENT_PASSPHRASE", "correct horse")
    monkeypatch.setenv("LINEAMENT_STORE", str(tmp_path / "store.sqlite"))
    return tmp_path


@pytest.fixture
def enrolled(home, faces, capsys) -> Path:
    assert main(["enrol", "ann", str(faces / "ann0"), "--framed"]) == 0
    told = capsys.readouterr().out
    assert "12 pictures of 1 occasion." in told and "1 % of strangers" in told
    return home


def test_the_owner_is_accepted_and_a_stranger_is_refused_with_reasons(enrolled, faces, capsys) -> None:
    assert main(["verify", "ann", str(faces / "ann1"), "--framed"]) == 0
    told = capsys.readouterr().out
    assert re.match(r"ACCEPTED as ann: score \+\d+\.\d; .\d+\.\d needed, which 1 % of strangers reach; 12 of 12", told)
    assert main(["verify", "ann", str(faces / "ben1"), "--framed"]) == 1
    told = capsys.readouterr().out
    assert "REFUSED as ann" in told and "does not match" in told
    one = sorted((faces / "ben1").iterdir())[0]
    assert main(["verify", "ann", str(one), "--framed", "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["accepted"] is False and verdict["score"] < verdict["threshold"]
    assert verdict["reasons"][0]["sentence"] and (verdict["used"], verdict["pictures"]) == (1, 1)


def test_watching_locks_on_a_stranger_and_the_log_gives_the_same_again(enrolled, faces, capsys) -> None:
    desk = enrolled / "desk"
    desk.mkdir()
    crops = [*sorted((faces / "ann1").iterdir()), *sorted((faces / "ben1").iterdir())]
    for number, crop in enumerate(crops):
        (desk / f"{number:03}.png").write_bytes(crop.read_bytes())
    words = ["watch", "ann", str(desk), "--framed", "--rate", "2", "--speed", "inf", "--json"]
    assert main([*words, "--log", str(enrolled / "log")]) == 0
    lines = capsys.readouterr().out
    told = [json.loads(line) for line in lines.splitlines()]
    assert len(told) == len(crops) + 1 and told[0]["state"] == "locked"
    assert [each["state"] for each in told[8:12]] == ["unlocked"] * 4
    assert told[-2]["state"] == "locked" and "does not match" in told[-2]["reasons"][0]["sentence"]
    assert told[-1]["state"] == "locked" and told[-1]["reasons"][0]["name"] == "lost"
    assert main(["watch", "ann", "--framed", "--speed", "inf", "--json", "--replay", str(enrolled / "log")]) == 0
    told = capsys.readouterr()
    assert told.out == lines and f"{len(crops) + 1} decisions, all come out the same" in told.err
    assert main([*words, "--log", str(enrolled / "log")]) == 1  # never overwritten
    assert "exists" in capsys.readouterr().err


def test_without_json_there_is_a_view_that_says_why(enrolled, faces, capsys) -> None:
    assert main(["watch", "ann", str(faces / "ben1"), "--framed", "--speed", "inf"]) == 0
    told = capsys.readouterr().out
    assert "LOCKED" in told and "The source has ended." in told
    last = told.splitlines()[-1]
    assert re.fullmatch(r"Never unlocked; locked at 1\.1 s: The source has ended\. \(last score -\d+\.\d\)", last)
    assert "none yet" not in told  # the last readings stay


def test_a_terminated_watch_ends_in_words(enrolled, faces, capsys, monkeypatch) -> None:
    def terminated(*given):
        yield from itertools.islice(observations(*given), 1)
        os.kill(os.getpid(), signal.SIGTERM)
        yield from ()

    observations = commands.observations
    monkeypatch.setattr(commands, "observations", terminated)
    assert main(["watch", "ann", str(faces / "ann1"), "--framed"]) == 130
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith("Never unlocked; locked at 0.0 s") and "stopped" in told.err
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_threshold_that_lets_anybody_in_is_warned_of(home, faces, capsys, monkeypatch) -> None:
    enrolment = commands.enrol_seen
    monkeypatch.setattr(commands, "enrol_seen", lambda *a, **k: replace(enrolment(*a, **k), threshold=-1.0))
    assert main(["enrol", "ann", str(faces / "ann0"), "--framed"]) == 0
    assert "WARNING" in (told := capsys.readouterr().err) and "--cohort" in told


def test_a_template_in_a_file_of_its_own(home, faces, capsys) -> None:
    file = str(home / "ann.json")
    assert main(["enrol", "ann", str(faces / "ann0"), "--framed", "--out", file]) == 0
    assert not (home / "store.sqlite").exists()
    assert main(["verify", "ann", str(faces / "ann1"), "--framed", "--template", file]) == 0
    assert main(["verify", "ben", str(faces / "ann1"), "--framed", "--template", file]) == 1
    assert "of 'ann' for model" in capsys.readouterr().err


def test_nobody_is_enrolled_anew_unless_that_is_asked_for(enrolled, faces, capsys) -> None:
    words = ["enrol", "ann", str(faces / "ben1"), "--framed"]
    assert main(words) == 1
    assert "'ann' is enrolled already (since 20" in capsys.readouterr().err
    assert main(["verify", "ann", str(faces / "ann1"), "--framed"]) == 0
    assert main([*words, "--replace"]) == 0
    assert main(["verify", "ann", str(faces / "ann1"), "--framed"]) == 1


def test_a_file_is_replaced_only_if_that_is_asked_for(home, faces, capsys) -> None:
    file = home / "letter.json"
    file.write_text("dear diary")
    words = ["enrol", "ann", str(faces / "ann0"), "--framed", "--out", str(file)]
    assert main(words) == 1 and "letter.json: is there already" in capsys.readouterr().err
    assert file.read_text() == "dear diary"
    assert main([*words, "--replace"]) == 0 and "lineament_template" in file.read_text()


@pytest.mark.parametrize(
    "words", ["enrol ann --attributes Male=yes --out {home}/ann", "verify ann {home} --template ann"]
)
def test_a_sealed_file_needs_the_extra_and_says_so(words, home, capsys, monkeypatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, module, None)
    for name in ("sealed_file", "vault"):
        monkeypatch.delitem(sys.modules, f"lineament.authentication.{name}", raising=False)
        monkeypatch.delattr(f"lineament.authentication.{name}", raising=False)
    assert main(words.format(home=home).split()) == 1
    assert "needs cryptography: pip install 'lineament[store]'" in capsys.readouterr().err


def test_answers_typed_in(home, faces, capsys) -> None:
    assert main(["enrol", "ann", "--attributes", "Male = yes, Young=no, wearing hat=any".replace("w", "W", 1)]) == 2
    assert "did you mean 'Wearing_Hat'" in capsys.readouterr().err
    assert main(["enrol", "ann", "--attributes", "Male=yes,Gray Hair=yes,Eyeglasses=no,Wearing_Hat=any"]) == 0
    told = capsys.readouterr().out
    assert "answers typed in" in told and "Gray Hair yes" in told and "Wearing Hat" not in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Eyeglases=no", "did you mean 'Eyeglasses'"),
        ("Eyeglasses", "NAME=yes"),
        ("Eyeglasses=no,Eyeglasses=yes", "answered twice"),
        ("Eyeglasses=no,", "NAME=yes"),
    ],
)
def test_answers_of_another_form_are_refused(text, message) -> None:
    with pytest.raises(UsageError, match=message):
        answers(text, ("Eyeglasses", "Mustache"))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("enrol ann", 2, "one of the two"),
        ("verify ann", 2, "name pictures, clips or a camera"),
        ("enrol ann {faces}/ann0 --attributes Male=yes", 2, "one of the two"),
        ("enrol ann --attributes Male=maybe", 2, "'any'"),
        ("enrol ann --attributes Male=any", 2, "fits everybody"),
        ("enrol ann {faces}/ann0 --framed --fmr 0.00001", 2, "rule of three"),
        ("enrol ann {faces}/ann0 --framed --fmr 2", 2, "between 0 and 1"),
        ("enrol ann {faces}/ann0 --framed --rate 0", 2, "--rate"),
        ("enrol ann {faces}/ann0 --detector {faces}", 2, "one cohort a detector"),
        ("enrol ann {faces}/ann0 --detector {faces} --cohort {faces}", 1, "card.json"),
        ("enrol ann {home}/none.mkv", 1, "no such file"),
        ("enrol ann {home}/torn.mkv", 1, "torn.mkv: not a clip that can be read"),
        ("enrol ann camera:/dev/none", 1, "camera /dev/none: not there"),
        ("verify ann {faces}/ann0", 1, "no store there"),
        ("watch ann {faces}/ann0 --template {home}/torn.mkv", 1, "not a sealed template"),
    ],
)
def test_a_wrong_call_is_told_what_to_do_and_keeps_nothing(words, code, message, home, faces, capsys) -> None:
    (home / "torn.mkv").write_bytes(b"\x1aE\xdf\xa3 not a film")
    assert main(words.format(faces=faces, home=home).split()) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in home.iterdir()] == ["torn.mkv"]


def test_who_is_not_enrolled_and_who_has_another_passphrase(enrolled, faces, capsys, monkeypatch) -> None:
    assert main(["verify", "ben", str(faces / "ben1"), "--framed"]) == 1
    assert "'ben' is not enrolled" in capsys.readouterr().err
    monkeypatch.setenv("LINEAMENT_PASSPHRASE", "wrong horse")
    assert main(["watch", "ann", str(faces / "ann1"), "--framed"]) == 1
    assert "wrong passphrase" in capsys.readouterr().err


def test_no_face_and_two_faces_are_no_enrolment_and_no_match(enrolled, astronaut, face_models, capsys) -> None:
    write_clip(enrolled / "flicker.mkv")
    assert main(["enrol", "eve", str(enrolled / "flicker.mkv")]) == 1
    assert "no picture can be used: No face is in the picture" in capsys.readouterr().err
    two = enrolled / "two.png"
    Image.fromarray(np.concatenate([astronaut, astronaut], 1)).save(two)
    Image.fromarray(astronaut).save(enrolled / "one.png")
    assert main(["enrol", "eve", str(enrolled / "one.png"), str(two), "--out", str(enrolled / "eve")]) == 0
    assert capsys.readouterr().err.startswith("left out 1 picture: several faces\n")
    assert main(["enrol", "eve", str(two)]) == 1
    assert "2 faces are in the picture" in capsys.readouterr().err
    assert main(["verify", "ann", str(two)]) == 1
    told = capsys.readouterr().out
    assert "REFUSED" in told and "2 faces" in told and "0 of 1 picture used" in told
    assert main(["verify", "eve", str(two)]) == 1
    assert "not enrolled" in capsys.readouterr().err
