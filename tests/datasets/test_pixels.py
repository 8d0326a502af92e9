"""The decoded cache: equal to what `read` gives, built once, rebuilt when files change, whole or not there."""

import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lineament.datasets.base import AttributeDataset
from lineament.datasets.folder import folder
from lineament.datasets.idx import mnist
from lineament.datasets.pixels import cache_folder, pixels
from lineament.datasets.registry import open_dataset
from lineament.errors import JobError, UsageError
from tests.datasets.trees import folder_tree, idx_tree, write_image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pixels"


@pytest.fixture
def faces(tmp_path: Path) -> AttributeDataset:
    return folder(folder_tree(tmp_path / "tree"))


def unreadable(i: int) -> Any:
    raise AssertionError(f"image {i} was decoded again")


def test_pixels_are_what_read_gives_and_lie_on_disk(faces: AttributeDataset) -> None:
    stored = pixels(faces)
    assert isinstance(stored, np.memmap) and stored.shape == (6, 16, 12, 3) and not stored.flags.writeable
    for i in range(6):
        np.testing.assert_array_equal(stored[i], faces.read(i))


def test_a_second_use_decodes_nothing(faces: AttributeDataset) -> None:
    first = pixels(faces)
    np.testing.assert_array_equal(pixels(replace(faces, read=unreadable)), first)


def test_a_changed_file_another_size_or_a_subset_is_another_result(faces: AttributeDataset, cache: Path) -> None:
    before = pixels(faces)[2].copy()
    assert pixels(faces, 8).shape == (6, 8, 8, 3) and pixels(faces, (4, 6)).shape == (6, 4, 6, 3)
    np.testing.assert_array_equal(pixels(faces.subset([2]))[0], before)
    write_image(Path(faces.sources[2]))
    assert (pixels(faces)[2] != before).any()
    assert len(list(cache.iterdir())) == 5


def test_resizing_keeps_flat_images_and_one_channel(tmp_path: Path) -> None:
    digits = mnist(idx_tree(tmp_path / "mnist"))
    assert pixels(digits, 14).shape == (29, 14, 14, 1)
    flat = replace(digits, read=lambda i: np.full((28, 28, 1), i, np.uint8))
    np.testing.assert_array_equal(pixels(flat.subset(range(5)), 14)[:, 3, 3, 0], range(5))


def test_rendered_sets_are_told_apart_by_their_images() -> None:
    options = {"people": 3, "images_per_person": 2, "size": 64}
    first, second = (open_dataset("portraits", seed=seed, **options) for seed in (1, 2))
    assert (pixels(first)[0] != pixels(second)[0]).any()
    np.testing.assert_array_equal(pixels(first)[5], first.read(5))


def test_a_damaged_cache_is_built_again(faces: AttributeDataset, cache: Path) -> None:
    pixels(faces)
    (path,) = cache.iterdir()
    for damaged in (b"", b"not an array", path.read_bytes()[:-100]):
        path.write_bytes(damaged)
        np.testing.assert_array_equal(pixels(faces)[5], faces.read(5))


def test_images_of_several_sizes_need_a_size(faces: AttributeDataset, cache: Path) -> None:
    write_image(Path(faces.sources[3]), 20, 20)
    with pytest.raises(UsageError, match=r"faces/3.png has shape \(20, 20, 3\), faces/0.png has .* give a size"):
        pixels(faces)
    assert not list(cache.iterdir()) and pixels(faces, 8).shape == (6, 8, 8, 3)


def test_a_broken_image_is_named_and_leaves_nothing(faces: AttributeDataset, cache: Path) -> None:
    Path(faces.sources[4]).write_bytes(b"\x89PNG")
    with pytest.raises(JobError, match="4.png: not a"):
        pixels(faces)
    assert not list(cache.iterdir())


def test_a_full_disk_is_named_and_leaves_nothing(faces: AttributeDataset, cache: Path) -> None:
    """A real failure: for the moment this process may not write files of more than 1,500 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    try:
        with pytest.raises(JobError, match=r"folder-.*npy: could not be written \(File too large\)"):
            pixels(faces)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(cache.iterdir())


@pytest.mark.parametrize("size", [0, -1, (8, 0), 5000])
def test_an_impossible_size_is_refused(faces: AttributeDataset, size: Any) -> None:
    with pytest.raises(UsageError, match="expected 1 to 4096 pixels"):
        pixels(faces, size)


def test_an_empty_set_is_refused(faces: AttributeDataset) -> None:
    with pytest.raises(UsageError, match="no images"):
        pixels(faces.subset([]))


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LINEAMENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lineament" / "pixels"
