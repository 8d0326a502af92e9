"""CelebA in its own layout: labels, people, parts, eyes, and every way in which its lists can be wrong."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from lineament.datasets.celeba import celeba
from lineament.errors import JobError
from tests.data_root import data_root
from tests.datasets.trees import celeba_tree

ATTRIBUTES, PEOPLE, PARTS = "list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"
LANDMARKS = "list_landmarks_align_celeba.txt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return celeba_tree(tmp_path / "celeba")


def write_landmarks(root: Path, n: int = 12) -> None:
    rows = [f"{i:06}.jpg   69  109  106  113   77  142   73  152  108  154" for i in range(n, 0, -1)]
    titles = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y left_x left_y right_x right_y"
    (root / LANDMARKS).write_text(f"{n}\n{titles}\n" + "\n".join(rows))


def test_labels_agree_with_the_file_read_slowly(root: Path) -> None:
    dataset = celeba(root)
    lines = (root / ATTRIBUTES).read_text().splitlines()
    assert dataset.attributes == tuple(lines[1].split())
    for name, labels, line in zip(dataset.names, dataset.labels, lines[2:], strict=True):
        assert [name, *labels.tolist()] == [line.split()[0], *(int(sign == "1") for sign in line.split()[1:])]


def test_people_and_parts_are_joined_by_name_not_by_line(root: Path) -> None:
    expected = celeba(root)
    for file in (PEOPLE, PARTS):
        lines = (root / file).read_text().splitlines()
        (root / file).write_text("\r\n".join(reversed(lines)) + "\r\n")
    shuffled = celeba(root)
    np.testing.assert_array_equal(shuffled.identity, expected.identity)
    np.testing.assert_array_equal(shuffled.split, expected.split)
    assert expected.identity[:4].tolist() == [7, 7, 8, 8] and expected.split[:6].tolist() == [0, 0, 1, 1, 2, 2]


def test_without_people_or_parts(root: Path) -> None:
    (root / PARTS).unlink()
    dataset = celeba(root)
    for person in np.unique(dataset.identity):
        assert len(set(dataset.split[dataset.identity == person].tolist())) == 1
    (root / PEOPLE).unlink()
    assert (celeba(root).identity == -1).all()


def test_eyes_of_the_original_alignment_of_other_crops_and_of_the_landmark_file(root: Path, tmp_path: Path) -> None:
    nominal = celeba(root).eyes
    assert nominal is not None
    np.testing.assert_allclose(nominal[5] * [178, 218], [[69.5, 111.5], [108.5, 111.5]], rtol=1e-5)
    assert celeba(celeba_tree(tmp_path / "other", size=(50, 50))).eyes is None
    assert celeba(celeba_tree(tmp_path / "loose", size=(128, 128))).eyes is not None
    write_landmarks(root)
    dataset = celeba(root)
    assert dataset.landmarks is not None and dataset.landmarks.shape == (12, 5, 2) and dataset.eyes is not None
    np.testing.assert_allclose(dataset.landmarks[3, 4] * [178, 218], [108.5, 154.5], rtol=1e-5)
    np.testing.assert_array_equal(dataset.eyes, dataset.landmarks[:, :2])


def test_a_landmark_file_that_lacks_an_image_is_refused(root: Path) -> None:
    write_landmarks(root, n=11)
    with pytest.raises(JobError, match=f"{LANDMARKS}: expected five points"):
        celeba(root)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (ATTRIBUTES, None, f"{ATTRIBUTES}: no such file"),
        ("img_align_celeba", None, "img_align_celeba: no such folder"),
        (ATTRIBUTES, ("000002.jpg", "../../etc/passwd"), r"image 2 is named '\.\./\.\./etc/passwd'"),
        (ATTRIBUTES, ("000002.jpg", "/etc/passwd"), "image 2 is named '/etc/passwd'"),
        (ATTRIBUTES, ("000002.jpg", "000001.jpg"), "'000001.jpg' is listed twice"),
        (ATTRIBUTES, ("000003.jpg", "000003.jpg 1"), "000003.jpg 1 .*expected an image name and 3 integers"),
        (ATTRIBUTES, ("000003.jpg +-?1", "000003.jpg maybe"), f"{ATTRIBUTES}: .*'maybe'"),
        (ATTRIBUTES, ("000003.jpg +-?1", "000003.jpg 0"), "000003.jpg has 0 for Bald; expected -1 or 1"),
        (ATTRIBUTES, ("12\n", "13\n"), "line 1 says '13' images, 12 follow; cut off"),
        (ATTRIBUTES, ("Bald Eyeglasses", "Bald Bald"), "line 2 names an attribute twice"),
        (PEOPLE, ("000004.jpg 8", "000004.jpg Anna"), f"{PEOPLE}: .*Anna"),
        (PARTS, ("000004.jpg 1", "000004.jpg 3"), "000004.jpg is in part 3; expected 0, 1 or 2"),
        (PARTS, ("000004.jpg 1\n", ""), f"{PARTS}: has no line for 000004.jpg"),
    ],
)
def test_a_bad_list_is_refused(root: Path, file: str, change: tuple[str, str] | None, message: str) -> None:
    path = root / file
    if change is None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    else:
        text, count = re.subn(*change, path.read_text())
        assert count == 1
        path.write_text(text)
    with pytest.raises(JobError, match=message):
        celeba(root)


def test_the_real_partition_is_disjoint_and_prevalences_are_as_published() -> None:
    dataset = celeba(data_root("celeba"))
    assert np.bincount(dataset.split).tolist() == [8639, 1592, 1641]
    people = [set(dataset.identity[dataset.split == part].tolist()) for part in range(3)]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    majority = np.maximum(*(np.mean(dataset.part("test").labels == value, 0) for value in (0, 1))).mean()
    assert majority == pytest.approx(0.80, abs=0.01)
