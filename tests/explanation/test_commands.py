"""The verbs about explainers, run as a person runs them: what is trained, printed and written, and what is refused."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from lineament import artifacts
from lineament.cli import main
from lineament.explanation.classifiers import SHIPPED_DETECTOR
from lineament.explanation.explainer import load
from tests.explanation.test_loading import untrained
from tests.explanation.toy import bars

N = 1000


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder data set: a bar on the left, or on the right."""
    folder = tmp_path_factory.mktemp("bars")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Left", "Right"])
        for i, pixels in enumerate(bars(N, 16).numpy()):
            Image.fromarray(pixels[0]).save(folder / f"{i:03d}.png")
            writer.writerow([f"{i:03d}.png", 1 - i % 2, i % 2])
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """An explainer of a small classifier, both made by the command."""
    out = tmp_path_factory.mktemp("runs") / "bars"
    words = (
        f"train explainer --data folder --root {data} --classes Left,Right --steps 30 --precision float32 --out {out}"
    )
    assert main(words.split()) == 0
    return out


def test_a_run_explains_pictures_without_being_told_what_it_explains(run, data, tmp_path, capsys):
    assert load(run).classes == ("Left", "Right")
    kept = artifacts.read_card(run / "classifier")
    assert artifacts.read_card(run / "explainer")["classifier_sha256"] == kept["weights_sha256"]
    page = tmp_path / "page.html"
    pictures = [str(data / "000.png"), str(data / "001.png")]
    assert main(["explain", *pictures, "--explainer", str(run), "--out", str(page), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["source"], row["target"]) for row in rows] == [
        ("000.png", "Left", "Right"), ("001.png", "Right", "Left")
    ]  # fmt: skip
    text = page.read_text()
    assert text.count("data:image/webp") == 10 and "lineament explain 000.png 001.png --explainer" in text


def test_test_images_of_a_set_are_drawn_from_both_classes(run, data, tmp_path, capsys):
    words = f"explain --data folder --root {data} --explainer {run} --n 6 --out {tmp_path / 'strips.png'}"
    assert main(words.split()) == 0
    told = capsys.readouterr().out
    assert told.count(".png") == 6 and "Left" in told and "Right" in told
    with Image.open(tmp_path / "strips.png") as picture:
        assert picture.height > 6 * 80
    assert main([*words.split(), "--target", "Left", "--json"]) == 0
    assert {row["source"] for row in json.loads(capsys.readouterr().out)} == {"Right"}


def test_pictures_that_are_in_the_target_already_are_named_and_left_out(run, data, capsys):
    pictures = [str(data / "000.png"), str(data / "001.png")]
    assert main(["explain", *pictures, "--explainer", str(run), "--target", "Left", "--json"]) == 0
    told = capsys.readouterr()
    assert [row["name"] for row in json.loads(told.out)] == ["001.png"]
    assert "000.png: decided as 'Left' already" in told.err and "001.png" not in told.err


def test_one_bad_picture_does_not_lose_the_others(run, data, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert main(["explain", str(data / "000.png"), str(tmp_path / "bad.png"), "--explainer", str(run)]) == 1
    told = capsys.readouterr()
    assert "000.png" in told.out and "bad.png" in told.err


def test_a_finished_training_called_again_changes_nothing(run, data):
    before = (run / "explainer" / "model.safetensors").stat().st_mtime_ns
    words = (
        f"train explainer --data folder --root {data} --classes Left,Right --steps 30 --precision float32 --out {run}"
    )
    assert main(words.split()) == 0
    assert (run / "explainer" / "model.safetensors").stat().st_mtime_ns == before


def test_an_onnx_file_is_explained_through_a_student_and_measured_itself(data, tmp_path, capsys):
    helper = pytest.importorskip("onnx.helper")
    from onnx import TensorProto, numpy_helper, save

    side = np.where(np.arange(3 * 8 * 8) % 8 < 4, -0.05, 0.05).astype(np.float32)  # right half less left half
    nodes = [helper.make_node("Flatten", ["images"], ["flat"]), helper.make_node("Gemm", ["flat", "w"], ["logits"])]
    graph = helper.make_graph(
        nodes, "sides", [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(side[:, None], "w")],
    )  # fmt: skip
    file, out = tmp_path / "sides.onnx", tmp_path / "run"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    words = (f"train explainer --data folder --root {data} --onnx {file} --classes left,right --column 0 --size 8 "
             f"--steps 4 --precision float32 --out {out}")  # fmt: skip
    assert main(words.split()) == 0
    assert (out / "classifier.onnx").read_bytes() == file.read_bytes()
    file.unlink()
    assert main(["explain", str(data / "003.png"), "--explainer", str(out), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["source"] == "right"


def test_a_dry_run_resolves_and_writes_nothing(data, tmp_path, capsys):
    out = tmp_path / "run"
    words = (
        f"train explainer --data folder --root {data} --attribute Eyeglasses --size 24 --steps 5 --out {out} --dry-run"
    )
    assert main(words.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["no Eyeglasses", "Eyeglasses"] and told["shape"] == [3, 24, 24]
    assert told["config"]["steps"] == 5 and not out.exists()


def test_a_detector_is_kept_as_it_is_beside_its_explainer(data, tmp_path):
    from lineament.datasets.registry import open_dataset
    from lineament.explanation.classifiers import decisions_in, of_detector

    chosen = of_detector(None, "Eyeglasses", open_dataset("folder", data), 16)
    chosen.keep(tmp_path)
    decisions, weights = decisions_in(tmp_path, chosen.classes)
    assert weights == artifacts.read_card(SHIPPED_DETECTOR)["weights_sha256"] and decisions.differentiable
    assert chosen.images.shape[1:] == (3, 16, 16) and len(chosen.images) + len(chosen.validation) < N


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("train explainer --data folder --root {data} --out {tmp}/x", 2, "name what to explain"),
        ("train explainer --data folder --root {data} --out {tmp}/x --attribute Eyeglases", 2, "did you mean"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left", 2, "two or more"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Rihgt", 2, "did you mean 'Right'"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Right --column 0", 2, "--onnx"),
        ("train explainer --data folder --root {data} --out {tmp}/x --detector {tmp}", 2, "name what to explain"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Right --preset digit", 2, "digits"),
        ("train explainer --data folder --root {data} --out {tmp}/x --attribute Eyeglasses --size 3", 2, "8 to 512"),
        ("train explainer --data folder --root {data} --out {tmp}/x --onnx {data}/000.png --classes a,b", 1, "000.png"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Right --seed -1", 2, "--seed"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Right --steps 0", 2, "at least 1"),
        ("train explainer --data folder --root {data} --out {tmp}/x --classes Left,Right --size 4", 2, "8 to 512"),
        (
            "train explainer --data folder --root {data} --out {tmp}/x --onnx x --classes a,b --column -1",
            2,
            "0 or more",
        ),
        ("reproduce table 4.1 --root {tmp} --out {tmp}/x --seed -1", 2, "--seed"),
        ("explain --data folder --root {data} --explainer {run} --seed -1", 2, "--seed"),
        ("explain --data folder --root {data} --explainer {run} --n 0", 2, "at least 1"),
        ("explain {data}/000.png", 2, "--explainer FOLDER"),
        ("explain --explainer {run}", 2, "name pictures"),
        ("explain {data}/000.png --explainer {run} --data folder", 2, "name pictures"),
        ("explain {data}/000.png --explainer {run} --out {tmp}/x.jpg", 2, ".html"),
        ("explain {data}/000.png --explainer {run} --target Rihgt", 2, "did you mean 'Right'"),
        ("explain {data}/000.png --explainer {run} --target Left", 1, "nothing to explain"),
        ("explain {data}/000.png --explainer {run} --detector {shipped}", 2, "another classifier"),
        ("explain {data}/000.png --explainer {tmp}", 1, "card.json"),
        ("explain {tmp}/none.png --explainer {run}", 1, "no such file"),
        ("explain {data}/000.png --attribute Eyeglases", 2, "shipped explainer"),
        ("explainer export --explainer {tmp}/none --out {tmp}/x.onnx", 1, "no such folder"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words, code, message, data, run, tmp_path, capsys):
    words = words.format(data=data, run=run, tmp=tmp_path, shipped=SHIPPED_DETECTOR)
    assert main(words.split()) == code
    told = capsys.readouterr().err
    assert "lineament: " in told and message in told
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_the_dossier_refuses_an_explainer_of_another_detector_before_any_work(tmp_path, capsys):
    other = untrained(tmp_path / "other", weights="e" * 64)
    assert main(f"dossier --quick --out {tmp_path / 'page.html'} --explainer {other}".split()) == 2
    assert "explains another classifier" in capsys.readouterr().err and not (tmp_path / "page.html").exists()
