"""The idx parser against random bytes, and MNIST's layout around it."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lineament.datasets.idx import GARMENTS, fashion_mnist, mnist, read_idx
from lineament.errors import JobError
from tests.data_root import data_root
from tests.datasets.trees import idx_bytes, idx_tree

same_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_folder
@given(values=arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=5)), packed=st.booleans())
def test_what_is_written_is_read(tmp_path: Path, values: np.ndarray, packed: bool) -> None:
    path = tmp_path / ("values.gz" if packed else "values")
    path.write_bytes(gzip.compress(idx_bytes(values)) if packed else idx_bytes(values))
    np.testing.assert_array_equal(read_idx(path, values.ndim), values)


@same_folder
@given(content=st.binary(max_size=64), dimensions=st.integers(1, 3), packed=st.booleans(), headed=st.booleans())
def test_random_bytes_are_read_or_refused_with_the_name(
    tmp_path: Path, content: bytes, dimensions: int, packed: bool, headed: bool
) -> None:
    content = bytes([0, 0, 8, dimensions]) + content if headed else content
    path = tmp_path / ("values.gz" if packed else "values")
    path.write_bytes(gzip.compress(content) if packed and headed else content)
    try:
        assert read_idx(path, dimensions).ndim == dimensions
    except JobError as error:
        assert str(path) in str(error)


@same_folder
@given(data=st.data(), packed=st.booleans())
def test_every_cut_is_noticed(tmp_path: Path, data: st.DataObject, packed: bool) -> None:
    whole = idx_bytes(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
    whole = gzip.compress(whole) if packed else whole
    path = tmp_path / ("values.gz" if packed else "values")
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(JobError, match=path.name):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_bytes(np.zeros((2, 3, 4), np.uint8)) + b"x", "too long"),
        (b"\0\0\x0d\3" + bytes(12), "starts with 00000d03; expected the idx magic 00000803"),
        (b"\0\0\x08\3" + b"\xff" * 12, "claims shape .* over the limit"),
        (b"", "starts with nothing"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "values").write_bytes(content)
    with pytest.raises(JobError, match=message):
        read_idx(tmp_path / "values", 3)


def test_parts_labels_and_images(tmp_path: Path) -> None:
    dataset = mnist(idx_tree(tmp_path, train=24, test=5))
    assert dataset.split.tolist() == [0] * 22 + [1] * 2 + [2] * 5, "development is the end of the training file"
    assert dataset.labels.sum(1).tolist() == [1] * 29 and dataset.labels[13].argmax() == 3
    stored = read_idx(tmp_path / "raw" / "t10k-images-idx3-ubyte.gz", 3)
    np.testing.assert_array_equal(dataset.read(26)[:, :, 0], stored[2])


def test_unpacked_files_do_as_well(tmp_path: Path) -> None:
    packed = mnist(idx_tree(tmp_path)).read(3)
    for path in (tmp_path / "raw").iterdir():
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    np.testing.assert_array_equal(mnist(tmp_path).read(3), packed)


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = idx_tree(tmp_path) / "raw" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.array([0, 1, 10, 2, 3], np.uint8))))
    with pytest.raises(JobError, match=f"{path.name}: label 10; expected 0 to 9"):
        mnist(tmp_path)
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(4, np.uint8))))
    with pytest.raises(JobError, match=f"{path.name}: 4 labels for the 5 images of t10k-images"):
        mnist(tmp_path)


def test_changing_the_image_does_not_change_the_set(tmp_path: Path) -> None:
    dataset = mnist(idx_tree(tmp_path))
    dataset.read(0)[:] = 7
    assert not (dataset.read(0) == 7).all()


def test_the_real_files() -> None:
    digits = mnist(data_root("MNIST"))
    assert np.bincount(digits.split).tolist() == [55000, 5000, 10000]
    assert digits.labels[60000:60005].argmax(1).tolist() == [7, 2, 1, 0, 4], "the test file's first digits"
    garments = fashion_mnist(data_root("FashionMNIST"))
    assert GARMENTS[garments.labels[60000].argmax()] == "Ankle_boot" and (garments.labels.sum(0) == 7000).all()
