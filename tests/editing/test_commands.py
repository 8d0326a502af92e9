"""The verb that trains an editor, run as a person runs it."""

import csv
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.editing.commands import MOST, USUAL, chosen, material, open_for, part, set_of
from lineament.editing.editor import load
from tests.editing.patch_editor import PatchEditor
from tests.editing.seeing import some_images


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder data set: a white bar on the left, on the right, or both, on images that are no squares."""
    folder = tmp_path_factory.mktemp("bars")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "Right", "Left", "split"])
        for i, image in enumerate(some_images(120, 40).permute(0, 2, 3, 1).numpy()):
            pixels = (120 * image).astype(np.uint8)
            pixels[:, :12] += 120 * np.uint8(i % 2)
            pixels[:, 28:] += 120 * np.uint8(i // 2 % 2)
            Image.fromarray(pixels[4:]).save(folder / f"{i:03d}.png")
            writer.writerow([f"{i:03d}.png", i // 2 % 2, i % 2, ("train", "development", "test")[min(2, i // 50)]])
    return folder


def words(data, out, *more):
    flags = "train editor --data folder --size 32 --steps 4 --precision float32 --root"
    return [*flags.split(), str(data), "--out", str(out), *more]


def test_an_editor_is_trained_on_squares_and_edits_the_next_pictures(data, tmp_path, capsys):
    out = tmp_path / "a run"
    assert main(words(data, out)) == 0
    editor = load(out)
    assert editor.attributes == ("Left", "Right") and editor.shape == (3, 32, 32)
    assert editor.card["data"] == "folder" and editor.card["licence"]
    told = capsys.readouterr().err
    hint = told.replace("\n", " ").partition("Next: lineament ")[2]
    assert shlex.split(hint)[:8] == ["edit", "swap", "--editor", str(out), "--data", "folder", "--root", str(data)]
    before = (out / "editor" / "model.safetensors").stat().st_mtime_ns
    assert main(words(data, out)) == 0
    assert (out / "editor" / "model.safetensors").stat().st_mtime_ns == before
    assert main(words(data, out, "--seed", "1")) == 2
    assert f"lineament: {out}: holds another run (" in capsys.readouterr().err
    assert main([*shlex.split(hint), "--n", "2"]) == 0
    assert len(list((out / "edits" / "images").iterdir())) == 2


def test_a_dry_run_resolves_and_writes_nothing(data, tmp_path, capsys):
    assert main(words(data, tmp_path / "run", "--attributes", "Right", "--dry-run", "--preset", "paper")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["attributes"] == ["Right"] and told["images"] == {"train": 50, "development": 50}
    assert told["bytes"] == 100 * 32 * 32 * 3
    assert told["config"]["steps"] == 4 and told["config"]["undecided"] is False
    assert not list(tmp_path.iterdir())


def test_the_labels_are_those_of_the_images(data):
    dataset, names = material("folder", data, (), 32)
    images, labels = part(dataset, names, chosen(dataset, "development", 32))
    assert images.shape == (50, 3, 32, 32) and names == ("Left", "Right")
    sides = [images[..., place].float().mean((1, 2, 3)) > 90 for place in (slice(6), slice(-6, None))]
    assert np.array_equal(labels, np.stack(sides, 1))


@pytest.mark.parametrize(("size", "times"), [(32, 4), (64, 1), (128, 1 / 4), (256, 1 / 16)])
def test_no_more_images_are_taken_than_memory_holds(size, times, data, monkeypatch):
    monkeypatch.setitem(MOST, "train", 16)
    dataset, _ = material("folder", data, (), size)
    rows = chosen(dataset, "train", size)
    assert len(rows) == min(50, 16 * times) and (np.diff(rows) > 0).all() and (dataset.split[rows] == 0).all()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (lambda i: int(i >= 50), "folder: no training image with Left, and 10 are the fewest"),
        (lambda i: int(i >= 3), "folder: only 3 training images without Left, and 10 are the fewest"),
        (lambda i: "" if i >= 50 else i % 2, "folder: no development image has a label of Left"),
    ],
)
def test_too_few_labels_are_told_before_an_image_is_opened(cell, message, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    rows = [f"{i}.png,{cell(i)},{'train' if i < 50 else 'development'}\n" for i in range(90)]
    (tmp_path / "data" / "labels.csv").write_text("".join(["file,Left,split\n", *rows]))
    for i in range(90):
        (tmp_path / "data" / f"{i}.png").write_bytes(b"no image")
    for more in ([], ["--dry-run"]):
        assert main(words(tmp_path / "data", tmp_path / "run", *more)) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_set_that_fits_an_editor_is_its_own_at_its_size(data):
    editor = PatchEditor(size=128)
    for told, name in [("portraits, tossed", "portraits"), ("celeba", "celeba"), ("a set of ours", "portraits")]:
        editor.card["data"] = told
        assert set_of(editor) == name
    assert open_for(editor, None, None).read(0).shape == (128, 128, 3)
    editor.card["data"] = "folder"
    assert open_for(editor, None, data).name == "folder"
    assert open_for(editor, "portraits", None).read(0).shape == (128, 128, 3)


def test_portraits_are_tossed_and_of_people_whom_nobody_sees_elsewhere():
    dataset, names = material("portraits", None, (), 64)
    assert names == USUAL["portraits"] == tuple(sorted(names))
    columns = np.stack([dataset.column(name) for name in names], 1)
    known = (columns >= 0).all(1)
    apart = np.corrcoef(columns[known].T) - np.eye(len(names))
    assert np.abs(apart).max() < 0.05 and np.abs(columns[known].mean(0) - 0.5).max() < 0.03


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--attributes", "Lefd"], 2, "did you mean 'Left'"),
        (["--preset", "papr"], 2, "did you mean 'paper'"),
        (["--steps", "0"], 2, "at least 1, got 0"),
        (["--size", "48"], 2, "--size: expected 32, 64, 128 or 256 pixels, got 48"),
        (["--seed", "-1"], 2, "--seed"),
        (["--data", "portraits", "--attributes", "Eyeglases"], 2, "did you mean 'Eyeglasses'"),
        (["--root", "nowhere"], 1, "no such folder"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(more, code, message, data, tmp_path, capsys):
    assert main(words(data, tmp_path / "x", *more)) == code
    told = capsys.readouterr().err
    assert told.startswith("lineament: ") and message in told
    assert not list(tmp_path.iterdir())
