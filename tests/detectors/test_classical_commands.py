"""The verbs `train classical` and `train platform`, and the verbs that take any kind of detector."""

import json

import pytest

from lineament.cli import main
from lineament.detectors import commands
from lineament.detectors.platform import train


@pytest.mark.parametrize("kind", ["classical", "platform"])
def test_dry_run_prints_the_resolved_run_and_writes_nothing(kind, tmp_path, capsys) -> None:
    out = tmp_path / "run"
    assert main(["train", kind, "--out", str(out), "--attributes", "Smiling", "--faces", "500", "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["train"] == 500 and told["attributes"] == ["Smiling"] and not out.exists()
    assert told["fits" if kind == "classical" else "features"] == (192 if kind == "classical" else 16128)


def test_wrong_calls_name_what_is_legal(tmp_path, capsys) -> None:
    assert main(["train", "platform", "--out", str(tmp_path), "--scale", "0.6", "--dry-run"]) == 2
    assert "scale: expected one of 1.0, 0.7, 0.5, 0.3, got 0.6" in capsys.readouterr().err
    assert main(["train", "classical", "--out", str(tmp_path), "--attributes", "Smilin", "--dry-run"]) == 2
    assert "did you mean 'Smiling'" in capsys.readouterr().err


def test_evaluate_takes_a_platform_detector(drawn, tmp_path, monkeypatch) -> None:
    train(drawn, tmp_path, scale=0.3, attributes=["Wearing_Hat", "Smiling"], faces=150)
    monkeypatch.setattr(commands, "open_dataset", lambda name, root: drawn)
    result = commands.evaluate(data="portraits", root=None, detector=tmp_path, part="test", criterion="stored", seed=0,
                               json=tmp_path / "figures.json")  # fmt: skip
    assert result.attributes == ("Wearing_Hat", "Smiling") and result.accuracy[0, 0] > 0.8
    assert json.loads((tmp_path / "figures.json").read_text())["part"] == "test"
