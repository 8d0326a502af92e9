"""The verb `augment`, from the command line to a folder that the next verb opens."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from lineament.cli import main
from lineament.datasets.base import AttributeDataset
from lineament.datasets.folder import folder
from lineament.editing.augmentation import augment
from lineament.editing.augmented import write_folder
from lineament.editing.editor import Editor, load
from lineament.editing.operations import edit
from lineament.images import read_image
from tests.editing.patch_editor import NAMES, PatchEditor, patches
from tests.editing.small_editor import small_editor

DRAWN, OTHERS = NAMES[:2], NAMES[2:]


def persuaded(editor: Editor, dataset: AttributeDataset) -> Editor:
    """An untrained editor whose classifiers tell images as they are from what its own swaps make of them."""
    images = dataset.images(np.arange(len(dataset)))
    editor.planes[:] = torch.tensor([0.0] * (editor.planes.shape[1] - 1) + [-1.0])  # nothing is there yet
    swapped = [edit(images, editor).swap(name).images for name in editor.attributes]
    editor.gated = False
    for i, changed in enumerate(swapped):
        without, with_it = (editor.encode(each).a[:, i].mean(0) for each in (images, changed))
        plane = with_it - without
        editor.planes[i] = torch.cat([plane, -(plane * (without + with_it)).sum(0, keepdim=True) / 2])
    editor.gated = True
    return editor


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder data set of 32 px, and an editor of two of its attributes."""
    root = tmp_path_factory.mktemp("augment")
    dataset = patches(people=24, size=32)
    edited = augment(dataset, PatchEditor(size=32), {NAMES[0]: True}, 4)
    write_folder(dataset, edited, root / "data", note={})
    persuaded(small_editor(DRAWN), dataset).save(root / "editor")
    return root / "data", root / "editor"


def run(places: tuple[Path, Path], *words: str) -> int:
    data, editor = places
    return main(["augment", "--data", "folder", "--root", str(data), "--editor", str(editor), *words])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path / "cache"))


def test_without_a_combination_the_rare_ones_are_listed(
    places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(places, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["images"] for row in rows] == sorted(row["images"] for row in rows)
    assert all(set(row["on"]) & set(DRAWN) for row in rows) and len(rows) == 5
    labels = folder(places[0]).part("train").labels
    columns = [NAMES.index(name) for name in rows[0]["on"]]
    assert rows[0]["images"] == (labels[:, columns] == 1).all(1).sum()
    assert run(places) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{rows[0]['on'][0]} {rows[0]['on'][1]}" in told
    data, editor = places
    again = shlex.join(["--data", "folder", "--root", str(data), "--editor", str(editor)])
    assert f"Fill one: lineament augment {again} --on A B --out" in told


@pytest.mark.parametrize("operation", ["swap", "sample"])
def test_a_folder_with_edited_images_is_written(
    places: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], operation: str
) -> None:
    out, source = tmp_path / "out", folder(places[0])
    words = ["--on", NAMES[0], "--off", NAMES[2], "--count", "9", "--operation", operation, "--out", str(out), "--json"]
    assert run(places, *words) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["edited"] <= 9 == told["wanted"]
    made = folder(out)
    assert len(made) == told["images"] == len(source) + told["edited"]
    new = made.subset(np.arange(len(source), len(made)))
    assert (new.column(NAMES[0]) == 1).all() and (new.column(NAMES[2]) == 0).all() and (new.split == 0).all()
    lines = [json.loads(line) for line in (out / "provenance.jsonl").read_text().splitlines()]
    row = source.names.index(lines[-1]["source"])
    assert not np.array_equal(read_image(out / lines[-1]["file"]), source.read(row))
    assert lines[-1]["editor"] == load(places[1]).card["weights_sha256"] and lines[-1]["seed"] == 0
    np.testing.assert_array_equal(made.read(5), source.read(5))


def test_edited_images_alone(places: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(places, "--on", NAMES[0], "--count", "5", "--out", str(out), "--alone") == 0
    assert "train detector" not in capsys.readouterr().out
    assert all(name.startswith("edited/") for name in folder(out).names)
    assert not (tmp_path / "cache").exists()  # nothing but the sources was decoded


def test_chance_says_how_many(places: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = folder(places[0]).part("train").labels[:, :2]
    lacking = round(len(rows) * np.prod((rows == 1).mean(0))) - (rows == 1).all(1).sum()
    words = ["--on", *NAMES[:2], "--out", str(tmp_path / "out"), "--dry-run"]
    code = run(places, *words)
    said = capsys.readouterr()
    if lacking > 0:
        assert code == 0 and json.loads(said.out)["count"] == lacking
    else:
        assert code == 2 and "not rare" in said.err and "--count" in said.err
    assert run(places, *words, "--count", "7") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["count"] == 7 and plan["training_images_that_show_it"] == (rows == 1).all(1).sum()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "North_Wst", "--out", "x"], "did you mean 'North_West'"),
        (["--on", NAMES[2], "--out", "x"], "the editor draws none of these; it draws North_West, North_East"),
        (["--on", NAMES[0], "--off", NAMES[0], "--out", "x"], "North_West cannot be there and not be there"),
        (["--on", NAMES[0], "--count", "5"], "--out: name a folder"),
        (["--on", NAMES[0], "--count", "0", "--out", "x"], "count: expected 1 to 400,000 images of 32 x 32"),
        (
            ["--on", NAMES[0], "--count", "1000000000000", "--out", "x"],
            "count: expected 1 to 400,000 images of 32 x 32",
        ),
        (["--on", NAMES[0], "--count", "5", "--scale", "0", "--out", "x"], "scale: expected more than 0"),
        (["--on", NAMES[0], "--count", "5", "--scale", "inf", "--dry-run", "--out", "x"], "scale: expected"),
        (["--seed", "-1"], "--seed: expected 0 or more"),
    ],
)
def test_wrong_calls_are_refused(
    places: tuple[Path, Path], words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(places, *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "cache").exists()  # refused before any image was decoded


def test_the_set_is_the_one_the_editor_was_trained_on(
    places: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, _ = places
    editor = small_editor(DRAWN).save(tmp_path / "editor", data="folder")
    assert main(["augment", "--editor", str(editor), "--root", str(data), "--json"]) == 0
    assert {name for row in json.loads(capsys.readouterr().out) for name in row["on"]} == set(NAMES)
    words = ["--on", NAMES[0], "--count", "3", "--dry-run", "--out", str(tmp_path / "out")]
    assert main(["augment", "--editor", str(editor), "--root", str(data), *words]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == "folder"


def test_a_folder_that_holds_something_is_left_alone(
    places: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    assert run(places, "--on", NAMES[0], "--count", "5", "--out", str(tmp_path)) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["augment", "--data", "folder", "--root", str(places[0])]) == 2
    assert "train editor --data folder" in capsys.readouterr().err
