"""The verb that trains an editor, run as a person runs it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.editing.commands import USUAL, material, part
from lineament.editing.editor import load
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
    flags = f"train editor --data folder --root {data} --out {out} --size 32 --steps 4 --precision float32"
    return [*flags.split(), *more]


def test_an_editor_is_trained_on_squares_and_edits_the_next_pictures(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(words(data, out)) == 0
    editor = load(out)
    assert editor.attributes == ("Left", "Right") and editor.shape == (3, 32, 32)
    assert editor.card["data"] == "folder" and editor.card["licence"]
    told = capsys.readouterr().err
    assert f"lineament edit swap --editor {out} --data folder --root {data} --on Left" in told.replace("\n", " ")
    before = (out / "editor" / "model.safetensors").stat().st_mtime_ns
    assert main(words(data, out)) == 0
    assert (out / "editor" / "model.safetensors").stat().st_mtime_ns == before
    assert main(words(data, out, "--seed", "1")) == 2
    assert "holds another run" in capsys.readouterr().err
    call = f"edit swap --editor {out} --data folder --root {data} --on Left --n 2 --out {tmp_path / 'edits'}"
    assert main(call.split()) == 0
    assert len(list((tmp_path / "edits" / "images").iterdir())) == 2


def test_a_dry_run_resolves_and_writes_nothing(data, tmp_path, capsys):
    assert main(words(data, tmp_path / "run", "--attributes", "Right", "--dry-run", "--preset", "paper")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["attributes"] == ["Right"] and told["images"] == {"train": 50, "development": 50}
    assert told["config"]["steps"] == 4 and told["config"]["undecided"] is False
    assert not list(tmp_path.iterdir())


def test_the_labels_are_those_of_the_images(data):
    dataset, names = material("folder", data, (), 32)
    images, labels = part(dataset, names, "development")
    assert images.shape == (50, 3, 32, 32) and names == ("Left", "Right")
    sides = [images[..., place].float().mean((1, 2, 3)) > 90 for place in (slice(6), slice(-6, None))]
    assert np.array_equal(labels, np.stack(sides, 1))


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
        (["--size", "20"], 2, "32, 64, 128 or 256"),
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
