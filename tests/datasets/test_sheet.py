"""The contact sheet: the images it was asked for, and a file that is whole or not there."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.datasets.celeba import celeba
from lineament.datasets.folder import folder
from lineament.datasets.sheet import contact_sheet, sample, save_png
from lineament.errors import JobError, UsageError
from tests.datasets.trees import celeba_tree, folder_tree


def test_the_sample_has_as_many_with_as_without(tmp_path: Path) -> None:
    dataset = celeba(celeba_tree(tmp_path, n=40, size=(20, 20)))
    present, absent = sample(dataset, "Smiling", 10, np.random.default_rng(0))
    assert len(present) == len(absent) == 5
    column = dataset.column("Smiling")
    assert (column[present] == 1).all() and (column[absent] == 0).all()
    (everything,) = sample(dataset, None, 1000, np.random.default_rng(0))
    assert everything.tolist() == list(range(40))


def test_each_image_is_drawn_in_its_place(tmp_path: Path) -> None:
    dataset = folder(folder_tree(tmp_path))
    for i, colour in enumerate(["red", "green", "blue", "yellow", "cyan", "magenta"]):
        Image.new("RGB", (30, 30), colour).save(dataset.sources[i])
    Path(dataset.sources[2]).write_bytes(b"torn")
    sheet = contact_sheet(dataset)
    drawn = [sheet.getpixel((8 + 136 * column + 64, 8 + 64)) for column in range(6)]
    assert drawn == [(255, 0, 0), (0, 128, 0), (204, 204, 204), (255, 255, 0), (0, 255, 255), (255, 0, 255)]


def test_the_same_seed_is_the_same_sheet(tmp_path: Path) -> None:
    dataset = celeba(celeba_tree(tmp_path))
    first, again, other = (contact_sheet(dataset, n=4, seed=seed).tobytes() for seed in (1, 1, 2))
    assert first == again != other


def test_data_show_writes_a_png(tmp_path: Path) -> None:
    root, out = celeba_tree(tmp_path / "celeba"), tmp_path / "sheet.png"
    words = ["data", "show", "celeba", "--root", str(root), "--out", str(out), "--attribute", "Bald", "--n", "6"]
    assert main(words) == 0
    with Image.open(out) as sheet:
        assert sheet.format == "PNG" and sheet.width == 8 * 136 + 8


def test_what_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    dataset = celeba(celeba_tree(tmp_path))
    with pytest.raises(UsageError, match="did you mean 'Eyeglasses'"):
        contact_sheet(dataset, attribute="Glasses")
    with pytest.raises(UsageError, match="expected 1 to 2000 images, got 0"):
        contact_sheet(dataset, n=0)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"gone/sheet.png: cannot write \(No such file or directory\)"):
        save_png(Image.new("RGB", (2, 2)), tmp_path / "gone" / "sheet.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(JobError, match="folder.png: cannot write"):
        save_png(Image.new("RGB", (2, 2)), tmp_path / "folder.png")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]
