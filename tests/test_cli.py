"""The verbs about detectors, run as a person runs them: exit codes, what is printed, what lies on disk."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.datasets.portraits import portraits
from lineament.detectors.detector import load


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A folder data set of portraits with a CSV of two attributes and identities."""
    folder = tmp_path_factory.mktemp("faces")
    drawn = portraits(people=40, images_per_person=5, size=32, seed=1)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "identity", "Wearing_Hat", "Eyeglasses"])
        for i in range(len(drawn)):
            Image.fromarray(drawn.read(i)).save(folder / f"{i:03d}.png")
            hat, glasses = drawn.column("Wearing_Hat")[i], drawn.column("Eyeglasses")[i]
            writer.writerow([f"{i:03d}.png", drawn.identity[i], hat, glasses])
    return folder


@pytest.fixture(scope="session")
def run(faces, tmp_path_factory):
    """A detector trained by the command on that folder."""
    out = tmp_path_factory.mktemp("runs") / "hats"
    words = f"train detector --data folder --root {faces} --preset portraits --epochs 6 --out {out} --precision float32"
    assert main(words.split()) == 0
    return out


def test_training_evaluating_predicting_from_a_folder(faces, run, tmp_path, capsys):
    assert load(run).attributes == ("Wearing_Hat", "Eyeglasses")
    figures = tmp_path / "figures.json"
    assert main(f"evaluate --data folder --root {faces} --detector {run} --json {figures}".split()) == 0
    assert "Wearing_Hat" in capsys.readouterr().out
    report = json.loads(figures.read_text())
    assert [row["attribute"] for row in report["rows"]] == ["Wearing_Hat", "Eyeglasses"]
    assert report["part"] == "test"

    one, other = faces / "000.png", faces / "001.png"
    assert main(["predict", str(one), str(other), "--detector", str(run), "--form", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in rows] == [str(one), str(other)]
    assert all(0 <= value <= 1 for row in rows for value in row["probabilities"].values())

    arguments = ["--attributes", "Eyeglasses", "--form", "csv", "--out", str(tmp_path / "rows.csv")]
    assert main(["predict", str(faces), "--detector", str(run), *arguments]) == 0
    table = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    assert len(table) == 200
    assert set(table[0]) == {"file", "face", "Eyeglasses", "situation"}
    assert float(table[0]["Eyeglasses"]) == pytest.approx(rows[0]["probabilities"]["Eyeglasses"], abs=1e-3)


def test_a_second_call_of_a_finished_training_changes_nothing(faces, run):
    files = (run / "checkpoint.safetensors", run / "detector" / "card.json", run / "detector" / "model.safetensors")
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    words = f"train detector --data folder --root {faces} --preset portraits --epochs 6 --out {run} --precision float32"
    assert main(words.split()) == 0
    after = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert [content for content, _ in after] == [content for content, _ in before]
    assert after[1:] == before[1:]  # the detector was not even written again


def test_the_exported_file_says_what_the_detector_says(faces, run, tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    assert main(["export", "--detector", str(run), "--out", str(tmp_path / "hats.onnx")]) == 0
    facts = json.loads((tmp_path / "hats.onnx.json").read_text())
    assert facts["attributes"] == ["Wearing_Hat", "Eyeglasses"]
    image = np.asarray(Image.open(faces / "003.png"), np.float32).transpose(2, 0, 1)[None] / 255
    (found,) = onnxruntime.InferenceSession(tmp_path / "hats.onnx").run(None, {"images": image})
    capsys.readouterr()
    main(["predict", str(faces / "003.png"), "--detector", str(run), "--form", "json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert found[0].tolist() == pytest.approx(list(row["probabilities"].values()), abs=1e-3)


def test_a_dry_run_prints_the_resolved_run_and_writes_nothing(faces, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(f"train detector --data folder --root {faces} --out {out} --epochs 3 --dry-run".split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"]["preset"] == "lineament"
    assert told["config"]["epochs"] == 3
    assert told["steps"] == 3 * (told["train"] // told["config"]["batch"])
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("predict {tmp}/none.png --detector {run}", 1, "none.png: no such file"),
        ("predict {tmp} --detector {run}", 1, "an empty folder"),
        ("predict {tmp}/none.png --detector {tmp}", 1, "card.json"),
        ("predict {faces}/000.png --detector {run} --attributes Eyeglases", 2, "did you mean 'Eyeglasses'"),
        ("train detector --data folder --root {faces} --out {tmp}/x --attributes Hat", 2, "Wearing_Hat"),
        ("train detector --data folder --root {faces} --out {tmp}/x --preset papr", 2, "did you mean 'paper'"),
        ("train detector --data folder --root {faces} --out {tmp}/x --epochs 0", 2, "expected at least 1, got 0"),
        ("train detector --data folder --root {tmp} --out {tmp}/x", 1, "labels"),
        ("train detector --data celebb --out {tmp}/x", 2, "did you mean 'celeba'"),
        ("train detector --data orl --root {faces} --out {tmp}/x", 1, "no image of orl"),
        (
            "evaluate --data folder --root {faces} --detector {run} --part development --criterion mixed",
            2,
            "--part test",
        ),
        ("evaluate --data folder --root {faces} --detector {faces}", 1, "card.json"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words, code, message, faces, run, tmp_path, capsys):
    assert main(words.format(tmp=tmp_path, run=run, faces=faces).split()) == code
    told = capsys.readouterr().err
    assert told.startswith("lineament: ")
    assert message in told
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_one_bad_picture_does_not_lose_the_others(faces, run, tmp_path, capsys):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 not a picture")
    assert (
        main(["predict", str(faces / "000.png"), str(tmp_path / "bad.jpg"), "--detector", str(run), "--form", "csv"])
        == 1
    )
    told = capsys.readouterr()
    assert "000.png" in told.out
    assert "bad.jpg" in told.err


def test_a_torn_artifact_is_refused(run, faces, tmp_path, capsys):
    import shutil

    shutil.copytree(run / "detector", tmp_path / "torn")
    weights = tmp_path / "torn" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert main(["predict", str(faces / "000.png"), "--detector", str(tmp_path / "torn")]) == 1
    assert "cut off" in capsys.readouterr().err


def test_a_disk_that_fills_up_leaves_no_detector_and_no_traceback(faces, tmp_path):
    """A real failure: the process may not write files of more than 100 kB."""
    out = tmp_path / "run"
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from lineament.cli import main
words = "train detector --data folder --root {faces} --preset portraits --epochs 1 --out {out}"
import lineament.detectors.training
from lineament.datasets.pixels import pixels
from lineament.datasets.registry import open_dataset
pixels(open_dataset("folder", "{faces}"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
raise SystemExit(main(words.split()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert str(out) in done.stderr
    assert not (out / "detector").exists()
    assert not [path for path in out.rglob("*") if path.suffix == ".safetensors"]
