"""Images for the verbs: which are drawn, how they are brought to a classifier, what is refused, what is written."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.datasets.base import AttributeDataset
from lineament.defense.pictures import drawn, fitted, labelled, read_files, short, truth, write_pictures
from lineament.errors import JobError, UsageError

LABELS = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [-1, 1], [1, 0]], np.int8)


def dataset(shape=(8, 6, 1), labels=LABELS, split=None):
    n = len(labels)
    return AttributeDataset(
        "toy", lambda i: np.full(shape, i, np.uint8), [f"test/{i}" for i in range(n)], ("a", "b"), labels,
        np.full(n, -1), np.full(n, ""), np.full(n, 2, np.int8) if split is None else split,
    )  # fmt: skip


def test_the_truth_is_the_one_class_that_an_image_shows():
    assert truth(dataset(), ("a", "b")).tolist() == [0, 1, -1, -1, 1, 0]
    assert truth(dataset(), ("b", "a")).tolist() == [1, 0, -1, -1, 0, 1]
    assert truth(dataset(), ("no a", "a"), "a").tolist() == [1, 0, 1, 0, -1, 1]
    with pytest.raises(UsageError, match="toy: unknown attribute 'c'"):
        truth(dataset(), ("a", "c"))


def test_fewer_images_are_the_first_of_more_and_of_known_class():
    known = truth(dataset(), ("a", "b"))
    few, more = (drawn(dataset(), known, (1, 8, 6), n=n, seed=3, fit=False) for n in (2, 9))
    assert len(more) == 4 and list(few.names) == list(more.names[:2])
    assert torch.equal(few.images, more[:2].images) and torch.equal(few.labels, more.labels[:2])
    for name, image, label in zip(more.names, more.images, more.labels, strict=True):
        i = int(name[-1])
        assert label == known[i] and torch.equal(image, torch.full((1, 8, 6), i / 255))
    with pytest.raises(UsageError, match="no test images"):
        drawn(dataset(split=np.zeros(6, np.int8)), known, (1, 8, 6), n=1, seed=0, fit=False)


def test_a_part_is_of_known_class_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path))
    part = labelled(dataset(split=np.array([0, 0, 0, 1, 2, 2], np.int8)), "train", truth(dataset(), ("a", "b")))
    assert part.labels.tolist() == [0, 1] and part.images.shape == (2, 1, 8, 6)
    assert part.images[1].unique().tolist() == [1]
    with pytest.raises(UsageError, match="development part shows none"):
        labelled(dataset(), "development", truth(dataset(), ("a", "b")))


@pytest.mark.parametrize(
    ("came", "shape", "message"),
    [
        ((9, 8, 1), (1, 8, 8), "8 x 9 pixels, and the classifier takes 8 x 8"),
        ((8, 9, 3), (3, 8, None), None),
        ((8, 8, 3), (1, 8, 8), "in colour"),
        ((8, 8, 1), (3, 8, 8), None),
        ((5, 7, 3), (None, None, None), None),
    ],
)
def test_what_does_not_fit_is_refused_unless_it_may_be_fitted(came, shape, message):
    image = np.random.default_rng(0).integers(0, 255, came, dtype=np.uint8)
    if message:
        with pytest.raises(UsageError, match=f"x.png: {message}.*--fit"):
            fitted(image, shape, "x.png", fit=False)
    made = fitted(image, shape, "x.png", fit=True)
    height, width, channels = made.shape
    assert all(want in (None, got) for want, got in zip(shape, (channels, height, width), strict=True))
    if not message:
        assert np.array_equal(made, np.broadcast_to(image, made.shape))


def test_grey_files_are_read_as_grey_without_being_asked(tmp_path):
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(pixels).save(tmp_path / "b.png")
    Image.fromarray(pixels.T.copy()).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    found, failures = read_files([tmp_path], (1, 8, 8), fit=False)
    assert not failures and [name[-5:] for name in found.names] == ["a.png", "b.png"] and found.labels is None
    assert torch.equal(found.images[1, 0].mul(255).round().byte(), torch.from_numpy(pixels))


def test_bad_files_are_named_and_sizes_that_differ_refused(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "good.png")
    Image.new("L", (9, 8)).save(tmp_path / "wide.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "good.png").read_bytes()[:20])
    found, failures = read_files([tmp_path], (1, 8, 8), fit=False)
    assert len(found) == 1 and [("torn.png" in text, "wide.png" in text) for text in failures] == [
        (True, False), (False, True),
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"wide.png: of shape \(8, 9, 3\)"):
        read_files([tmp_path / "good.png", tmp_path / "wide.png"], (None, None, None), fit=False)
    with pytest.raises(JobError, match="torn.png"):
        read_files([tmp_path / "torn.png"], (1, 8, 8), fit=False)


def test_written_pictures_have_names_of_their_own_inside_the_folder(tmp_path):
    images = torch.arange(4).div(255).view(4, 1, 1, 1).expand(4, 1, 3, 5).contiguous()
    files = write_pictures(tmp_path / "out", ["test/7", "a/7.jpg", "../../7", "b/7-2.png"], images)
    assert len(set(files)) == 4 and files[0] == "7.png"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(files)
    for i, file in enumerate(files):
        with Image.open(tmp_path / "out" / file) as made:
            assert made.mode == "L" and np.asarray(made).tolist() == [[i] * 5] * 3


def test_file_names_are_short_unless_two_would_be_equal():
    assert short(["a/1.png", "b/2.png"]) == ["1.png", "2.png"]
    assert short(["a/1.png", "b/1.png", "c/2.png"]) == ["a/1.png", "b/1.png", "c/2.png"]
