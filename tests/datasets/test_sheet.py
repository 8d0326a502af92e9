"""The contact sheet: the images it was asked for, and a file that is whole or not there."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.cli import main
from lineament.datasets.celeba import celeba
from lineament.datasets.folder import folder
from lineament.datasets.sheet import contact_sheet, sample
from lineament.errors import UsageError
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
    sheet, unreadable = contact_sheet(dataset)
    assert len(unreadable) == 1 and str(dataset.sources[2]) in unreadable[0]
    drawn = [sheet.getpixel((8 + 136 * column + 64, 8 + 64)) for column in range(6)]
    assert drawn == [(255, 0, 0), (0, 128, 0), (204, 204, 204), (255, 255, 0), (0, 255, 255), (255, 0, 255)]


def test_the_same_seed_is_the_same_sheet(tmp_path: Path) -> None:
    dataset = celeba(celeba_tree(tmp_path))
    first, again, other = (contact_sheet(dataset, n=4, seed=seed)[0].tobytes() for seed in (1, 1, 2))
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


def test_images_that_cannot_be_read_are_named_beside_the_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = folder_tree(tmp_path / "own"), tmp_path / "sheet.png"
    (root / "faces" / "4.png").unlink()
    assert main(["data", "show", "folder", "--root", str(root), "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "4.png: no such file" in told and "1 of the images" in told and out.exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_a_regular_file_is_ever_replaced(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = folder_tree(tmp_path / "own"), tmp_path / "taken"
    make(out)
    assert main(["data", "show", "folder", "--root", str(root), "--out", str(out)]) == 1
    assert "taken: exists and is not a regular file" in capsys.readouterr().err
    assert not out.is_file() and sorted(path.name for path in tmp_path.iterdir()) == ["own", "taken"]
