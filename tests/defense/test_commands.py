"""The verbs of the defence wing, run as a person runs them: what is trained, attacked, defended, and refused."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from lineament import artifacts
from lineament.cli import main
from lineament.datasets.portraits import portraits
from lineament.defense import attack_commands, judge, presets
from lineament.defense.classifiers import load_classifier
from lineament.defense.flagging import ENTRY
from lineament.defense.generator import load
from lineament.defense.shipped import shipped
from tests.explanation.toy import bars

N, SIZE = 240, 28


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """A cache of its own, generators of few channels, and a judge that learns for a second instead of ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(presets.PRESETS, "cpu", replace(presets.CPU, width=4, latent=8))
        patch.setattr(judge, "STEPS", 4)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder data set: a bar on the left, or on the right."""
    folder = tmp_path_factory.mktemp("bars")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Left", "Right"])
        for i, pixels in enumerate(bars(N, SIZE).numpy()):
            Image.fromarray(pixels[0]).save(folder / f"{i:03d}.png")
            writer.writerow([f"{i:03d}.png", 1 - i % 2, i % 2])
    return folder


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """A generator, its encoder and a classifier, all made by the commands."""
    folder = tmp_path_factory.mktemp("runs")
    given = f"--data folder --root {data} --precision float32"
    assert main(f"train generator {given} --steps 2 --out {folder}/generator".split()) == 0
    assert main(f"train encoder {given} --steps 2 --generator {folder}/generator".split()) == 0
    assert main(f"train classifier {given} --architecture D --epochs 12 --out {folder}/bare".split()) == 0
    return folder


def test_what_is_trained_lies_where_defend_looks_for_it(runs):
    generator, card = load(runs / "generator")
    assert generator.shape == (3, SIZE, SIZE) and card["data"] == "folder"
    assert artifacts.read_card(runs / "generator" / "encoder" / "encoder")["generator_sha256"] == card["weights_sha256"]
    assert len(card[ENTRY]) == 2  # what is usual without the encoder, and with it
    assert artifacts.read_card(runs / "bare" / "classifier")["attributes"] == ["Left", "Right"]


def test_an_attack_is_told_written_and_within_its_budget(runs, data, tmp_path, capsys):
    out = tmp_path / "made"
    words = (f"attack --classifier {runs}/bare --data folder --root {data} --n 8 --attack fgsm pgd --eps 0.1 0.2 "
             f"--settings steps=3 --out {out} --json")  # fmt: skip
    assert main(words.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["threat"], row["eps"]) for row in told["attacks"]] == [
        ("no attack", 0), ("fgsm", 0.1), ("fgsm", 0.2), ("pgd", 0.1), ("pgd", 0.2), ("worst case", 0.1),
        ("worst case", 0.2),
    ]  # fmt: skip
    clean, *attacks = told["attacks"]
    assert clean["accuracy"][0] == 1 and attacks[3]["accuracy"][0] == 0 and attacks[3]["fooled"][0] == 1
    assert attacks[3]["attack"] == "PGD(eps=0.2, steps=3, restarts=1, random_start=True, until_wrong=False)"

    report = json.loads((out / "report.json").read_text())
    for row in report["attacks"][1:5]:
        assert len(row["pictures"]) == 8
        for picture in row["pictures"]:
            with Image.open(out / picture["file"]) as made, Image.open(data / picture["image"]) as given:
                apart = np.asarray(made, float) - np.asarray(given.convert("RGB"), float)
            assert 0 < np.abs(apart).max() <= 255 * row["eps"] + 0.5
    assert all(picture["fooled_as_stored"] for picture in report["attacks"][4]["pictures"])


def test_written_pictures_fool_the_classifier_that_reads_them_again(runs, data, tmp_path, capsys):
    given = f"--classifier {runs}/bare"
    main(f"attack {given} --data folder --root {data} --n 6 --eps 0.2 --out {tmp_path / 'made'}".split())
    capsys.readouterr()
    assert main(f"attack {tmp_path / 'made' / 'fgsm-0.2'} {given} --attack noise --eps 0 --json".split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n"] == 6 and told["truth"].startswith("what the bare classifier")
    assert told["attacks"][0]["accuracy"][0] == 1  # of files, the classifier itself says what they show
    words = f"defend {tmp_path / 'made' / 'fgsm-0.2'} {given} --defense blurred --json"
    assert main(words.split()) == 0
    taken = {row["image"].rsplit("/")[-1]: row["bare"] for row in json.loads(capsys.readouterr().out)["images"]}
    assert all(taken[name] == ("Left", "Right")[1 - int(name[:3]) % 2] for name in taken)


def test_attackers_who_know_the_defence_are_told_from_those_who_do_not(runs, data, tmp_path, capsys):
    page = tmp_path / "page.html"
    behind = f"--classifier {runs}/bare --defense defense_gan --generator {runs}/generator"
    attacks = "--attack pgd bpda noise --settings steps=2 average=1"
    assert main(f"attack {behind} --data folder --root {data} --n 4 {attacks} --out {page} --json".split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["defense"] == "defense_gan(fast)"
    aimed = {row["threat"]: row["undefended"] is not None for row in told["attacks"]}
    assert aimed == {"no attack": True, "pgd": True, "bpda": False, "noise": False, "worst case": False}
    text = page.read_text()
    assert text.count("data:image/webp") == 3 * 3 * 4 and "bpda, at the defence" in text and "<svg" in text


def test_a_defence_gives_pictures_decisions_errors_and_flags(runs, data, tmp_path, capsys):
    out = tmp_path / "kept"
    words = f"defend --classifier {runs}/bare --generator {runs}/generator --data folder --root {data} --n 5 --fpr 0.1"
    assert main([*words.split(), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["right_bare"][0] == 1 and told["false_positive_rate"] == 0.1
    noted = max(load(runs / "generator")[1][ENTRY].items(), key=lambda pair: len(pair[0]))[1]  # with the encoder
    assert told["threshold"] in noted and sum(one > told["threshold"] for one in noted) <= 0.1 * len(noted)
    for row in json.loads((out / "report.json").read_text())["images"]:
        with Image.open(out / row["file"]) as kept, Image.open(data / row["image"]) as given:
            apart = (np.asarray(kept, float) - np.asarray(given.convert("RGB"), float)) / 255
        assert np.square(apart).mean() == pytest.approx(row["error"], abs=0.01)
        assert row["flagged"] == (row["error"] > told["threshold"])
    assert main([*words.split(), "--out", str(tmp_path / "page.html")]) == 0
    assert "Flagged" in capsys.readouterr().out and (tmp_path / "page.html").read_text().count("data:image/webp") == 10


def test_without_a_card_clean_images_of_the_set_say_what_is_usual(runs, data, capsys):
    words = f"defend --classifier {runs}/bare --defense blurred --data folder --root {data} --n 30 --fpr 0.1 --json"
    assert main(words.split()) == 0
    told = capsys.readouterr()
    assert "development images" in told.err and json.loads(told.out)["flagged"][0] < 0.4
    assert main(f"defend {data}/000.png --classifier {runs}/bare --defense blurred --json".split()) == 0
    told = capsys.readouterr()
    assert "--data" in told.err and json.loads(told.out)["images"][0]["flagged"] is None


def test_a_classifier_learns_what_a_generator_makes_of_images_once(runs, data, tmp_path):
    words = (f"train classifier --data folder --root {data} --architecture E --recipe rec --generator {runs}/generator "
             f"--noise 0.3 --n 20 --epochs 1 --precision float32 --out {tmp_path / 'rec'}")  # fmt: skip
    assert main(words.split()) == 0
    card = artifacts.read_card(tmp_path / "rec" / "classifier")
    assert card["noise"] == 0.3 and len(card["purifier_sha256"]) == 2
    assert load_classifier(tmp_path / "rec").name == "E-rec"
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "rec" / "reconstructions").iterdir()}
    assert len(kept) == 3  # images, noisy images, held-out images
    shutil.rmtree(tmp_path / "rec" / "classifier")
    (tmp_path / "rec" / "checkpoint.safetensors").unlink()
    assert main(words.split()) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "rec" / "reconstructions").iterdir()}


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    """Two logits: the left half of a grey 28 x 28 image, and its right half."""
    helper = pytest.importorskip("onnx.helper")
    from onnx import TensorProto, numpy_helper, save

    right = np.arange(SIZE * SIZE) % SIZE >= SIZE // 2
    weights = np.stack([~right, right], 1).astype(np.float32) / 100
    nodes = [helper.make_node("Flatten", ["images"], ["flat"]), helper.make_node("Gemm", ["flat", "w"], ["logits"])]
    graph = helper.make_graph(
        nodes, "sides", [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])], [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    file = tmp_path_factory.mktemp("onnx") / "sides.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file


def test_an_onnx_file_is_attacked_without_a_gradient(onnx, data, monkeypatch, capsys):
    monkeypatch.setattr(attack_commands, "HELD", 10)
    words = f"attack --onnx {onnx} --data folder --root {data} --n 6 --eps 0.5 --attack square black_box --json"
    assert main([*words.split(), "--settings", "queries=100"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["Left", "Right"] and told["attacks"][0]["accuracy"][0] == 1
    fooled = {row["threat"]: row["fooled"] for row in told["attacks"]}
    assert fooled["square"][0] > 0.5 and fooled["black_box"][0] > 0.5
    assert "substitute" in told["attacks"][2]["attack"]


def test_an_attribute_of_a_detector_is_attacked(tmp_path, capsys):
    drawn = portraits(people=6, images_per_person=1, sessions=1, size=80)
    for i in range(6):
        Image.fromarray(drawn.read(i)).save(tmp_path / f"{i}.png")
    words = f"attack {tmp_path} --attribute Eyeglasses --eps 0.03 --json"
    assert main(words.split()) == 1 and "--fit" in capsys.readouterr().err
    assert main([*words.split(), "--fit"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["no Eyeglasses", "Eyeglasses"] and told["attacks"][1]["fooled"][0] > 0.5


def test_one_bad_picture_does_not_lose_the_others(runs, data, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    Image.new("RGB", (10, 10)).save(tmp_path / "small.png")
    for verb in ("attack", "defend --defense binarised"):
        words = f"{verb} {data}/000.png {tmp_path}/bad.png {tmp_path}/small.png --classifier {runs}/bare --json"
        assert main(words.split()) == 1
        told = capsys.readouterr()
        assert json.loads(told.out)["n"] == 1
        assert "bad.png: not a JPEG" in told.err and "small.png: 10 x 10 pixels" in told.err


def test_the_table_is_readable_at_80_columns(runs, data, capsys):
    attacks = "--attack rand_fgsm on_manifold noise --eps 0.031372549 --settings steps=2 restarts=1 alpha=0.01"
    behind = f"--classifier {runs}/bare --defense defense_gan --generator {runs}/generator"
    assert main(f"attack {behind} --data folder --root {data} --n 100 {attacks}".split()) == 0
    told = capsys.readouterr()
    assert "--n 100: folder has 36 test images" in told.err
    table = told.out.splitlines()[: next(i for i, line in enumerate(told.out.splitlines()) if "FGSM(" in line)]
    assert all(len(line.rstrip()) <= 80 and "…" not in line for line in table)
    named = {line.split()[0]: line for line in table if "8/255" in line}
    assert set(named) == {"rand_fgsm", "on_manifold*", "noise*", "worst"}
    assert any(line.startswith("no attack") and "100 [92, 100]" in line for line in table)
    assert "*: aimed at the defence" in " ".join(told.out.split())


def test_a_classifier_of_one_attribute_is_attacked_on_its_set(data, tmp_path, capsys):
    given = f"--data folder --root {data}"
    words = f"train classifier {given} --attribute Right --architecture E --epochs 1 --precision float32"
    assert main(f"{words} --out {tmp_path}/right".split()) == 0
    assert main(f"attack {given} --classifier {tmp_path}/right --n 4 --attack noise --json".split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["no Right", "Right"] and told["n"] == 4
    assert told["attacks"][0]["attack"] is None


def test_a_dry_run_resolves_and_writes_nothing(runs, data, tmp_path, capsys):
    given, out = f"--data folder --root {data}", tmp_path / "out"
    for words, expected in [
        (f"train generator {given} --size 32 --steps 5 --out {out}", {"shape": [3, 32, 32], "train": 168}),
        (f"train encoder {given} --generator {runs}/generator", {"classes": ["Left", "Right"]}),
        (f"train classifier {given} --recipe fgsm --out {out}", {"eps": 0.3}),
        (f"attack {given} --classifier {runs}/bare --out {out}", {"attacks": ["FGSM(eps=0.3)"], "eps": [0.3]}),
        (f"defend {given} --classifier {runs}/bare --defense blurred --out {out}", {"defense": "blurred by 1 px"}),
    ]:  # fmt: skip
        assert main([*words.split(), "--dry-run"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert expected.items() <= told.items()
    assert not out.exists()


ATTACK = "attack --data folder --root {data} --classifier {runs}/bare"
DEFEND = "defend --data folder --root {data} --classifier {runs}/bare"
TRAIN = "--data folder --root {data} --out {tmp}/x"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (f"train generator {TRAIN} --preset gpu", 2, "--preset: expected cpu or reference, got 'gpu'"),
        (f"train generator {TRAIN} --size 20", 2, "25 to 32, 49 to 64 ... px, not 3 x 20 x 20"),
        (f"train generator {TRAIN} --size 4", 2, "8 to 512"),
        (f"train generator {TRAIN} --steps 0", 2, "--steps: expected at least 1"),
        (f"train generator {TRAIN} --seed -1", 2, "--seed"),
        ("train generator --data folder --root {tmp} --out {tmp}/x", 1, "labels"),
        ("train encoder --generator {tmp}", 1, "card.json"),
        ("train encoder --generator {runs}/generator --data mnist --root {tmp}", 1, "{tmp}"),
        (f"train classifier {TRAIN} --recipe rec", 2, "--generator"),
        (f"train classifier {TRAIN} --noise 0.3", 2, "--recipe rec"),
        (f"train classifier {TRAIN} --recipe rec --noise 2 --generator {{runs}}/generator", 2, "in [0, 1]"),
        (f"train classifier {TRAIN} --recipe pgd --eps -1", 2, "got -1"),
        (f"train classifier {TRAIN} --attribute Lefd", 2, "did you mean 'Left'"),
        (f"train classifier {TRAIN} --size 12 --architecture B", 2, "too small"),
        (f"train classifier {TRAIN} --n 0 --epochs 2", 2, "--n: expected at least 1, got 0"),
        (f"train classifier {TRAIN} --epochs 0", 2, "--epochs: expected at least 1, got 0"),
        (f"train classifier {TRAIN} --recipe fgsm --eps 8", 2, "8 grey levels of 255 are 0.0314"),
        (f"train classifier {TRAIN} --recipe rec --generator {{data}} --dry-run", 1, "{data}: holds no card"),
        (f"train classifier {TRAIN} --eps 0.3", 2, "--recipe fgsm or pgd"),
        ("attack --data folder --root {data}", 2, "name a classifier"),
        ("attack --classifier {runs}/bare", 2, "name pictures"),
        ("attack {data}/000.png --classifier {tmp}", 1, "card.json"),
        ("attack {data}/000.png --classifier {tmp}/none", 1, "--classifier {tmp}/none: no such folder"),
        ("attack {data}/000.png --classifier {runs}/generator", 1, "is the run of a generator, and"),
        ("attack {data}/000.png --classifier {runs}/generator/generator", 1, "holds the kind generator"),
        ("attack {data}/000.png --classifier A", 2, "--classifier A: no such folder; of the package, name mnist/A"),
        ("attack --data folder --root {data} --classifier mnist/A", 2, "--data folder: shows Left, Right, and A-orig, "
         "which learnt mnist, tells 0, 1, 2, ... apart; name --data mnist"),
        ("attack {tmp}/none.png --classifier {runs}/bare", 1, "no such file"),
        ("attack {tmp}/none.png --classifier {runs}/bare --dry-run", 1, "no such file"),
        ("attack {tmp} --classifier {runs}/bare", 1, "no picture"),
        ("attack {data}/000.png --attribute Eyeglases", 2, "did you mean 'Eyeglasses'"),
        ("attack {data}/000.png --detector {tmp}", 2, "--attribute"),
        ("attack {data}/000.png --onnx {data}/001.png", 1, "not an ONNX file"),
        ("attack {data}/000.png --onnx {onnx}", 2, "--classes"),
        ("attack {data}/000.png --onnx {onnx} --classes a", 2, "two or more"),
        ("attack {data}/000.png --onnx {onnx} --classes a,b,c --attack noise", 2, "2 logits for the 3 classes"),
        ("attack {data}/000.png --onnx {onnx} --classes a,b", 2, "--attack fgsm: needs a gradient"),
        ("attack {data}/000.png --onnx {onnx} --classes a,b --defense blurred --attack bpda", 2,
         "--attack bpda: needs a gradient, and sides.onnx has none"),
        (f"{ATTACK} --onnx x", 2, "--classifier and --onnx"),
        (f"{ATTACK} --classes a,b", 2, "--onnx"),
        (f"{ATTACK} --attack fsgm", 2, "did you mean 'fgsm'"),
        (f"{ATTACK} --attack pgd pgd", 2, "different attacks"),
        (f"{ATTACK} --eps -0.1", 2, "in [0, 1], got -0.1"),
        (f"{ATTACK} --eps nan", 2, "in [0, 1], got nan"),
        (f"{ATTACK} --eps 0.1 8", 2, "got 8; 8 grey levels of 255 are 0.0314"),
        (f"{ATTACK} --attack pgd --settings steps=0", 2, "at least 1"),
        (f"{ATTACK} --attack pgd --settings steps=1.5", 2, "a whole number"),
        (f"{ATTACK} --attack pgd --settings stepz=3", 2, "did you mean 'steps'"),
        (f"{ATTACK} --attack pgd --settings steps", 2, "NAME=VALUE"),
        (f"{ATTACK} --attack bpda", 2, "--defense"),
        (f"{ATTACK} --attack on_manifold --defense blurred", 2, "take --defense defense_gan, or --attack bpda"),
        (f"{ATTACK} --attack unrolled --defense binarised", 2, "sigmoid"),
        (f"{ATTACK} --attack black_box --n 10", 2, "150 test images"),
        (f"{ATTACK} --attack black_box --n 10 --dry-run", 2, "there are 36 in all"),
        (f"{ATTACK} --n 0", 2, "--n"),
        (f"{ATTACK} --seed -1", 2, "--seed"),
        (f"{ATTACK} --out {{tmp}}/x.png", 2, ".html"),
        (f"{ATTACK} --out {{data}}", 2, "holds files already"),
        (f"{ATTACK} --generator {{runs}}/generator", 2, "--defense"),
        (f"{ATTACK} --defense defense_gan", 2, "train generator"),
        (f"{ATTACK} --defense blurred --generator {{runs}}/generator", 2, "takes none"),
        (f"{ATTACK} --defense defense_gan --generator {shipped('mnist', 'generator')}", 2,
         "makes images of mnist, and the classifier's are of folder"),
        ("attack --data folder --root {data} --onnx {onnx} --defense defense_gan --generator {runs}/generator", 2,
         "makes images of 3 x 28 x 28"),
        (f"{DEFEND} --defense blurred --fpr 0", 2, "--fpr"),
        (f"{DEFEND} --generator {{runs}}/generator --fpr 0.001", 2, "at least 999"),
        (f"{DEFEND} --defense blurred --fpr 0.001", 2, "--fpr 0.001: takes at least 999 clean images"),
        (f"{DEFEND} --defense blurred --fpr 0.001 --dry-run", 2, "--fpr 0.001: takes at least 999 clean images"),
        (f"{DEFEND} --generator {{tmp}}", 1, "card.json"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_what_to_do(words, code, message, data, runs, onnx, tmp_path, capsys):
    place = {"data": data, "runs": runs, "onnx": onnx, "tmp": tmp_path}
    assert main(words.format(**place).split()) == code
    told = capsys.readouterr().err
    assert "lineament: " in told and message.format(**place) in told
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_a_classifier_of_faces_is_asked_which_attribute(tmp_path, capsys):
    (tmp_path / "labels.csv").write_text("file,Hat,Smiling\na.png,1,1\nb.png,0,1\n")
    assert main(f"train classifier --data folder --root {tmp_path} --out {tmp_path / 'x'}".split()) == 2
    assert "--attribute" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_gpu_that_is_not_there_is_told(runs, data, capsys):
    assert main(f"{ATTACK} --device cuda".format(data=data, runs=runs).split()) == 2
    assert "--device" in capsys.readouterr().err
