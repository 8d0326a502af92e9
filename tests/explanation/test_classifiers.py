"""Which classifier a run's folder keeps: never another one than the explainer in it was made for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.classifier import export_onnx
from lineament.datasets.base import AttributeDataset
from lineament.datasets.labelled import Labelled
from lineament.errors import UsageError
from lineament.explanation.classifiers import keep_small, of_detector, of_file, of_pair, weights_in
from lineament.explanation.pairs import Pair
from tests.explanation.toy import LeftOrRight, bars


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))


def rows(n=240, shape=(16, 16, 1)):
    """``n`` images in memory, attributes Left and Right in turn, in all three splits."""
    side = max(shape[:2])
    pixels = bars(n, side).numpy()[:, 0, : shape[0], : shape[1], None].repeat(shape[2], 3)
    labels = np.stack([1 - np.arange(n) % 2, np.arange(n) % 2], 1).astype(np.int8)
    split = (np.arange(n) // 2 % 3).astype(np.int8)
    return AttributeDataset(
        "bars", pixels.__getitem__, [f"{i}.png" for i in range(n)], ("Left", "Right"), labels,
        np.full(n, -1), np.full(n, ""), split,
    )  # fmt: skip


def parts(classes=("Left", "Right"), side=8):
    part = Labelled(bars(40, side), torch.arange(40) % 2)
    return Pair(classes, part, part, part, part)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A classifier of bars as an ONNX file of free batch, 16 x 16 grey."""
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "bars.onnx"
    export_onnx(LeftOrRight(), path, (1, 16, 16))
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder that keeps a small classifier."""
    folder = tmp_path_factory.mktemp("small")
    keep_small(parts(), folder, 0, data="bars")
    return folder


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"parts": parts(("a", "b"))}, "config .*'Left', 'Right'.* is now .*'a', 'b'"),
        ({"parts": parts(side=12)}, "config"),
        ({"seed": 1}, "training .*0.* is now .*1"),
        ({"data": "other"}, "data bars is now other"),
    ],
)
def test_a_small_classifier_is_taken_up_by_the_same_call_alone(small, changed, told):
    call, before = {"parts": parts(), "seed": 0, "data": "bars"}, (small / "classifier").stat().st_mtime_ns
    keep_small(place=small, **call)
    with pytest.raises(UsageError, match=f"another classifier .*{told}.*choose another folder"):
        keep_small(place=small, **(call | changed))
    assert (small / "classifier").stat().st_mtime_ns == before


def test_what_a_run_keeps_is_never_overwritten_by_another_classifier(small, file):
    dataset, before = rows(), weights_in(small)
    for chosen in (of_detector(None, "Eyeglasses", dataset, 16), of_file(file, ("Left", "Right"), 0, dataset)):
        with pytest.raises(UsageError, match="another classifier .*weights .*delete this one"):
            chosen.keep(small)
    assert weights_in(small) == before and not (small / "classifier.onnx").exists()


def test_a_kept_file_or_detector_is_kept_again_and_not_replaced_by_a_small_one(tmp_path, file):
    dataset = rows()
    for name, chosen in (
        ("file", of_file(file, ("Left", "Right"), 0, dataset)),
        ("detector", of_detector(None, "Eyeglasses", dataset, 16)),
    ):
        chosen.keep(tmp_path / name)
        written = [path.stat().st_mtime_ns for path in sorted((tmp_path / name).rglob("*"))]
        chosen.keep(tmp_path / name)
        assert written == [path.stat().st_mtime_ns for path in sorted((tmp_path / name).rglob("*"))]
        with pytest.raises(UsageError, match="kind .* is now small_classifier"):
            keep_small(parts(), tmp_path / name, 0)


def test_the_folder_of_some_other_run_is_left_alone(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="no explainer's"):
        keep_small(parts(), tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


class Refusing:
    """A set's reader that counts what is decoded."""

    def __init__(self, read):
        self.read, self.count = read, 0

    def __call__(self, i):
        self.count += 1
        return self.read(i)


def test_a_pair_of_a_set_is_brought_to_the_size_asked_for_or_to_64_px_at_most():
    small = of_pair(("Left", "Right"), rows(), 0, size=8, unit=4)
    assert small.images.shape[1:] == small.validation.shape[1:] == (1, 8, 8)
    large = of_pair(("Left", "Right"), rows(shape=(100, 80, 3)), 0, unit=8)
    assert large.images.shape[1:] == (3, 64, 48)
    assert of_pair(("Left", "Right"), rows(), 0, unit=4).images.shape[1:] == (1, 16, 16)  # as they are


def test_a_file_gets_the_size_it_fixes_or_says_why_it_cannot(file):
    colour = rows(shape=(24, 24, 3))
    for classes in (("Left", "Right"), ("l", "r")):  # classes of the set, and others
        chosen = of_file(file, classes, 0, colour, unit=4)
        assert chosen.images.shape[1:] == chosen.validation.shape[1:] == (1, 16, 16)
    with pytest.raises(UsageError, match="16 x 16 pixels; leave --size out"):
        of_file(file, ("Left", "Right"), 0, colour, size=24, unit=4)
    with pytest.raises(UsageError, match="multiples of 32; export the file with free height and width"):
        of_file(file, ("Left", "Right"), 0, colour, unit=32)


@pytest.mark.parametrize(("classes", "column"), [(("l", "r"), None), (("l", "r"), 1), (("l", "r", "x"), None)])
def test_logits_that_do_not_fit_are_told_before_the_set_is_decoded(file, classes, column):
    dataset = rows()
    counting = Refusing(dataset.read)
    with pytest.raises(UsageError, match="expected logits of shape"):
        of_file(file, classes, column, replace(dataset, read=counting))
    assert counting.count <= 1
