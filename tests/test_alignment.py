"""Photos become aligned crops in a folder that the readers open: eyes in place, labels kept, nothing made twice."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lineament.alignment import align_dataset
from lineament.cli import main
from lineament.datasets.celeba import LOOSE_EYES
from lineament.datasets.folder import folder
from lineament.errors import JobError, UsageError
from lineament.faces.landmarks import find
from tests.faces.conftest import astronaut, face_models

__all__ = ["astronaut", "face_models"]


@pytest.fixture
def photos(tmp_path: Path, astronaut: NDArray[np.uint8], face_models: None) -> Path:
    """The same person at three places and sizes, a wall, and half a file."""
    root = tmp_path / "photos"
    (root / "ann").mkdir(parents=True)
    photo = Image.fromarray(astronaut).crop((60, 0, 420, 360))
    photo.save(root / "ann" / "plain.png")
    photo.resize((200, 200)).save(root / "ann" / "small.jpg", quality=95)
    photo.rotate(15).save(root / "ann" / "turned.png")
    Image.new("RGB", (200, 200), "grey").save(root / "wall.png")
    (root / "torn.png").write_bytes((root / "ann" / "plain.png").read_bytes()[:5000])
    (root / "labels.csv").write_text(
        "file,identity,session,split,Smiling,Bald\n"
        "ann/plain.png,Ann,day 1,train,1,0\n"
        'ann/small.jpg,Ann,"day 2, late",train,,0\n'
        "wall.png,,,test,0,0\n"
        "torn.png,,,test,0,0\n"
        "ann/turned.png,Ann,,train,1,\n"
    )
    return root


def test_eyes_come_to_their_place_and_labels_stay(photos: Path, tmp_path: Path) -> None:
    done = align_dataset(folder(photos), tmp_path / "out", 96)
    assert done.kept == 3 and list(done.left_out) == ["wall.png", "torn.png"]
    assert "no face" in done.left_out["wall.png"] and str(photos / "torn.png") in done.left_out["torn.png"]
    aligned, original = folder(tmp_path / "out"), folder(photos).subset([0, 1, 4])
    assert aligned.names == [f"{name}.png" for name in original.names] and aligned.attributes == original.attributes
    np.testing.assert_array_equal(aligned.labels, original.labels)
    np.testing.assert_array_equal(aligned.split, original.split)
    assert aligned.session.tolist() == ["day 1", "day 2, late", ""] and aligned.identity.tolist() == [0, 0, 0]
    assert aligned.eyes is not None and np.allclose(aligned.eyes, LOOSE_EYES)
    for i in range(3):
        crop = aligned.read(i)
        assert crop.shape == (96, 96, 3)
        assert np.abs(find(crop)[0].eyes - LOOSE_EYES).max() < 0.02


def test_a_second_call_makes_only_what_is_missing_or_of_another_size(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    align_dataset(folder(photos), out)
    marked, lost = out / "ann/plain.png.png", out / "ann/turned.png.png"
    Image.new("RGB", (128, 128), "red").save(marked)
    before = (out / "labels.csv").read_bytes()
    lost.unlink()
    align_dataset(folder(photos), out)
    with Image.open(marked) as kept:
        assert kept.getpixel((0, 0)) == (255, 0, 0)
    assert lost.exists() and (out / "labels.csv").read_bytes() == before
    align_dataset(folder(photos), out, 64)
    with Image.open(marked) as made:
        assert made.size == (64, 64)


def test_the_verb_names_what_it_leaves_out(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["data", "align", "folder", "--root", str(photos), "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "wall.png: no face found" in told.err and "torn.png: not a readable image" in told.err
    assert told.out.startswith(f"3 crops in {out}, 2 images left out")
    with (out / "labels.csv").open(newline="") as file:
        assert [row["split"] for row in csv.DictReader(file)] == ["train"] * 3


def test_without_any_face_nothing_is_written(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"none of its 2 images gave a face \(wall.png: no face found\)"):
        align_dataset(folder(photos).subset([2, 3]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_photos_and_tables_of_others_are_never_written_over(photos: Path, tmp_path: Path) -> None:
    for place in (photos, photos / "ann"):
        with pytest.raises(UsageError, match="holds the images of folder themselves"):
            align_dataset(folder(photos), place)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "labels.csv").write_text("file,Smiling\na.png,1\n")
    with pytest.raises(UsageError, match="was not written by `data align`"):
        align_dataset(folder(photos), tmp_path / "other")
    with pytest.raises(UsageError, match="expected 16 to 4096 pixels, got 8"):
        align_dataset(folder(photos), tmp_path / "out", 8)
