"""Images as the verbs take them: what is cut and scaled, what is refused, which test images are drawn."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.datasets.base import AttributeDataset
from lineament.editing.pictures import candidates, drawn, fitted, read_pictures, write_pictures
from lineament.errors import JobError, UsageError


def striped(height, width):
    """An image whose red tells the column and whose green tells the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1] = np.arange(width), np.arange(height)[:, None]
    return pixels


def dataset(n=12, size=(20, 16)):
    labels = np.stack([np.arange(n) % 2, np.arange(n) % 3 == 0], 1).astype(np.int8)
    return AttributeDataset(
        "toy", lambda i: np.full((*size, 3), i, np.uint8), [f"d/{i:02d}.jpg" for i in range(n)], ("Hat", "Bangs"),
        labels, np.arange(n), np.full(n, ""), np.where(np.arange(n) < 4, 0, 2).astype(np.int8),
    )  # fmt: skip


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("shape", "middle"), [((10, 16), np.s_[:, 3:13]), ((16, 10), np.s_[3:13])])
def test_the_middle_is_kept_and_nothing_is_stretched(shape, middle, tmp_path):
    path = save(tmp_path / "a.png", striped(*shape))
    assert np.array_equal(fitted(path, 10, fit=True), striped(*shape)[middle])


def test_what_has_the_size_is_taken_to_the_bit_with_and_without_fit(tmp_path):
    path = save(tmp_path / "a.png", striped(16, 16))
    for fit in (True, False):
        assert np.array_equal(fitted(path, 16, fit=fit), striped(16, 16))


def test_another_size_and_grey_are_refused_with_the_way_out(tmp_path):
    large, grey = save(tmp_path / "a.png", striped(30, 20)), save(tmp_path / "g.png", striped(16, 16)[:, :, 0])
    with pytest.raises(UsageError, match=r"a.png: 20 x 30 pixels, and the editor takes 16 x 16; .*--fit"):
        fitted(large, 16, fit=False)
    with pytest.raises(UsageError, match=r"g.png: is grey.*--fit"):
        fitted(grey, 16, fit=False)
    assert fitted(large, 16, fit=True).shape == fitted(grey, 16, fit=True).shape == (16, 16, 3)


def test_folders_are_read_in_order_and_one_bad_file_is_told_of(tmp_path):
    for name in ("b.png", "a.png"):
        save(tmp_path / name, striped(16, 16))
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    pictures, failures = read_pictures([tmp_path], 16, fit=False)
    assert pictures.images.shape == (2, 3, 16, 16) and pictures.names == [str(tmp_path / n) for n in ("a.png", "b.png")]
    assert len(failures) == 1 and "c.png" in failures[0]


@pytest.mark.parametrize(("content", "kind"), [(None, JobError), (b"", JobError), ((8, 8), UsageError)])
def test_without_a_single_good_file_the_failure_is_raised(content, kind, tmp_path):
    if isinstance(content, tuple):
        save(tmp_path / "a.png", striped(*content))
    elif content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(kind, match="a.png|holds no picture"):
        read_pictures([tmp_path], 16, fit=False)


def test_test_images_are_those_whose_labels_do_not_gainsay():
    toy = dataset()
    rows = candidates(toy, {"Hat": True, "Bangs": False, "Unlabelled": True}, seed=0)
    assert sorted(rows) == [5, 7, 11]
    assert sorted(candidates(toy, {}, seed=0)) == list(range(4, 12))
    assert list(candidates(toy, {}, seed=0)) == list(candidates(toy, {}, seed=0)) != list(candidates(toy, {}, seed=1))
    pictures = drawn(toy, rows, 16)
    assert pictures.images.shape == (3, 3, 16, 16) and pictures.names == [f"d/{i:02d}.jpg" for i in rows]
    assert (pictures.images[:, 0, 0, 0] * 255).round().tolist() == rows.tolist()


def test_a_set_without_such_images_is_refused():
    toy = dataset(4)
    with pytest.raises(UsageError, match="toy: has no test image with no Hat"):
        candidates(toy, {"Hat": False}, seed=0)
    with pytest.raises(UsageError, match="toy: has no test image;"):
        candidates(toy, {}, seed=0)


def test_written_pictures_never_take_each_others_place(tmp_path):
    images = torch.rand(3, 3, 8, 8)
    files = write_pictures(tmp_path / "new", ["a", "a", "b"], images, taken=["b.png"])
    assert files == ["a.png", "a-2.png", "b-2.png"]
    for file, image in zip(files, images, strict=True):
        with Image.open(tmp_path / "new" / file) as picture:
            assert np.array_equal(np.asarray(picture), (image * 255).round().byte().permute(1, 2, 0).numpy())
