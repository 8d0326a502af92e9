"""One suite over every registered data set: what `AttributeDataset` promises, they all keep."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lineament.datasets.base import AttributeDataset
from lineament.datasets.check import check
from lineament.datasets.registry import DATASETS, open_dataset
from lineament.errors import JobError, LineamentError, UsageError
from tests.data_root import data_root
from tests.datasets.trees import TREES

ON_DISK = sorted(TREES)
PORTRAITS = {"people": 4, "images_per_person": 2, "size": 64, "seed": 3}


def opened(name: str, folder: Path) -> AttributeDataset:
    if name == "portraits":
        return open_dataset(name, **PORTRAITS)
    return open_dataset(name, TREES[name](folder / "tree"))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AttributeDataset]:
    return {name: opened(name, tmp_path_factory.mktemp(name)) for name in DATASETS}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_every_registered_set_is_tested() -> None:
    assert DATASETS.keys() == TREES.keys() | {"portraits"}


@pytest.mark.parametrize("name", DATASETS)
def test_shapes_types_and_ranges(name: str, sets: dict[str, AttributeDataset]) -> None:
    dataset = sets[name]
    n = len(dataset)
    assert dataset.name == name and n > 3 and len(set(dataset.names)) == n
    assert dataset.labels.dtype == np.int8 and set(np.unique(dataset.labels)) <= {-1, 0, 1}
    assert dataset.identity.dtype == np.int64 and (dataset.identity >= -1).all()
    assert dataset.session.dtype.kind == "U" and dataset.split.dtype == np.int8
    assert set(np.unique(dataset.split)) <= {0, 1, 2} and dataset.licence != "unknown"
    for points in (dataset.eyes, dataset.landmarks):
        assert points is None or (points.dtype == np.float32 and points.shape[::2] == (n, 2))
    if dataset.eyes is not None:
        assert (dataset.eyes[:, 0, 0] < dataset.eyes[:, 1, 0]).all(), "the image-left eye comes first"
        assert (dataset.eyes > 0).all() and (dataset.eyes < 1).all()
    for i in (0, n - 1):
        image = dataset.read(i)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] in (1, 3)
    assert "array(" not in repr(dataset)


@pytest.mark.parametrize("name", DATASETS)
def test_parts_are_disjoint_by_identity_and_cover_the_set(name: str, sets: dict[str, AttributeDataset]) -> None:
    dataset = sets[name]
    parts = [dataset.part(part) for part in ("train", "development", "test")]
    assert sum(map(len, parts)) == len(dataset)
    people = [set(part.identity.tolist()) - {-1} for part in parts]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])


@pytest.mark.parametrize("name", DATASETS)
def test_a_subset_is_the_same_set_reordered(name: str, sets: dict[str, AttributeDataset]) -> None:
    dataset = sets[name]
    chosen = dataset.subset([3, 0]).subset([1, 0])
    assert chosen.names == [dataset.names[0], dataset.names[3]]
    np.testing.assert_array_equal(chosen.labels, dataset.labels[[0, 3]])
    for seen, original in ((0, 0), (1, 3)):
        np.testing.assert_array_equal(chosen.read(seen), dataset.read(original))


@pytest.mark.parametrize("name", DATASETS)
def test_images_are_a_batch_of_what_read_gives(name: str, sets: dict[str, AttributeDataset]) -> None:
    dataset = sets[name]
    batch = dataset.images([1, 0])
    np.testing.assert_array_equal((batch[0] * 255).round().numpy(), dataset.read(1).transpose(2, 0, 1))


@pytest.mark.parametrize("name", DATASETS)
def test_a_set_travels_to_another_process(
    name: str, sets: dict[str, AttributeDataset], elsewhere: ProcessPoolExecutor
) -> None:
    dataset = sets[name].subset([2, 1])
    np.testing.assert_array_equal(elsewhere.submit(dataset.read, 0).result(), sets[name].read(2))


@pytest.mark.parametrize("name", DATASETS)
def test_a_sound_set_is_found_sound(name: str, sets: dict[str, AttributeDataset]) -> None:
    report = check(sets[name])
    assert report.sound and sum(report.sizes.values()) == report.images == len(sets[name])
    assert sum(report.splits.values()) == report.images
    for counts in report.attributes.values():
        assert sum(counts.values()) == report.images


@pytest.mark.parametrize("name", DATASETS)
def test_an_unknown_attribute_or_option_is_refused(name: str, sets: dict[str, AttributeDataset]) -> None:
    with pytest.raises(UsageError, match="unknown attribute 'Smilling'"):
        sets[name].column("Smilling")
    with pytest.raises(UsageError, match=f"{name}: unknown option 'sede'"):
        open_dataset(name, "." if name in TREES else None, sede=1)


@pytest.mark.parametrize("name", ON_DISK)
def test_nothing_is_read_before_it_is_asked_for(name: str, tmp_path: Path) -> None:
    dataset = opened(name, tmp_path)
    for source in dataset.sources:
        source.unlink()
    with pytest.raises(JobError) as caught:
        dataset.read(0)
    assert any(str(source) in str(caught.value) for source in dataset.sources)


@pytest.mark.parametrize("name", ON_DISK)
def test_a_file_that_is_cut_off_is_named(name: str, tmp_path: Path) -> None:
    dataset = opened(name, tmp_path)
    source = dataset.sources[0]
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 3])
    with pytest.raises(JobError) as caught:
        [dataset.read(i) for i in range(len(dataset))]
    assert str(source) in str(caught.value)


@pytest.mark.parametrize("name", ON_DISK)
def test_an_empty_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="expected") as caught:
        open_dataset(name, tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ON_DISK)
def test_a_missing_root_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JobError, match="nowhere: no such folder"):
        open_dataset(name, tmp_path / "nowhere")
    monkeypatch.delenv("LINEAMENT_DATA", raising=False)
    with pytest.raises(UsageError, match="set LINEAMENT_DATA"):
        open_dataset(name)


@pytest.mark.parametrize("name", ON_DISK)
def test_symbolic_links_are_followed(name: str, tmp_path: Path) -> None:
    original = opened(name, tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "tree", target_is_directory=True)
    linked = open_dataset(name, tmp_path / "link")
    assert linked.names == original.names
    np.testing.assert_array_equal(linked.read(1), original.read(1))


REAL = {
    "celeba": (11872, 672, (128, 128, 3)),
    "mnist": (70000, 0, (28, 28, 1)),
    "fashion_mnist": (70000, 0, (28, 28, 1)),
    "extended_yale_b": (2414, 38, (192, 168, 3)),
    "orl": (400, 40, (112, 92, 3)),
    "yale": (164, 15, (243, 320, 3)),
    "clips": (1323, 5, (480, 640, 3)),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_set_is_read_whole(name: str) -> None:
    images, people, shape = REAL[name]
    try:
        dataset = open_dataset(name, data_root(str(DATASETS[name].place)))
    except LineamentError as error:
        pytest.fail(str(error))
    assert len(dataset) == images and len(set(dataset.identity.tolist()) - {-1}) == people
    assert dataset.read(0).shape == dataset.read(images - 1).shape == shape
