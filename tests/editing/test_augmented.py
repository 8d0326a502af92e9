"""A set with its edited images reads as one, and comes back from its folder as it went in."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lineament.datasets.base import AttributeDataset
from lineament.datasets.folder import folder
from lineament.datasets.pixels import pixels
from lineament.editing.augmentation import augment
from lineament.editing.augmented import joined, write_folder
from lineament.errors import JobError
from tests.editing.patch_editor import PatchEditor, patches

DATASET = patches(people=16, size=32)
LEAKY = PatchEditor(leaks={"North_West": "South_West"})
EDITED = augment(DATASET, LEAKY, {"North_West": True}, 12)


@dataclass(frozen=True)
class Tall:
    """The images of a set with as much again above and below."""

    dataset: AttributeDataset

    def __call__(self, i: int) -> np.ndarray:
        return np.pad(self.dataset.read(i), ((16, 16), (0, 0), (0, 0)))


def test_edited_images_follow_the_sets_own() -> None:
    both, n = joined(DATASET, EDITED), len(DATASET)
    assert len(both) == n + 12 and both.read(0).shape == both.read(n).shape == (16, 16, 3)
    np.testing.assert_array_equal(both.read(n + 3), EDITED.images[3])
    np.testing.assert_array_equal(both.labels[n:], EDITED.labels)
    for name in ("identity", "session", "split", "eyes"):
        np.testing.assert_array_equal(getattr(both, name)[n:], getattr(DATASET, name)[EDITED.source])
        np.testing.assert_array_equal(getattr(both, name)[:n], getattr(DATASET, name))


def test_a_cache_does_not_take_other_edits_for_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path))
    other = augment(DATASET, LEAKY, {"North_West": True}, 12, seed=1)
    for edited in (EDITED, other):
        np.testing.assert_array_equal(pixels(joined(DATASET, edited))[len(DATASET) :], edited.images)


@pytest.mark.parametrize("alone", [False, True])
def test_a_folder_comes_back_as_it_went_in(tmp_path: Path, alone: bool) -> None:
    target = tmp_path / "new" / "set"
    assert write_folder(DATASET, EDITED, target, alone=alone, note={"editor": "abc"}) == target
    both = joined(DATASET, EDITED)
    expected = both.subset(np.arange(len(DATASET), len(both))) if alone else both
    back = folder(target)
    assert back.attributes == expected.attributes and (back.labels == -1).any()
    for name in ("labels", "session", "split"):
        np.testing.assert_array_equal(getattr(back, name), getattr(expected, name))
    np.testing.assert_allclose(back.eyes, expected.eyes)
    same = expected.identity[:, None] == expected.identity
    np.testing.assert_array_equal(back.identity[:, None] == back.identity, same)
    for i in range(len(back)):
        np.testing.assert_array_equal(back.read(i), expected.read(i))
    lines = [json.loads(line) for line in (target / "provenance.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == list(back.names)
    assert lines[-1] == {"file": "edited/000011.png", **EDITED.provenance[11], "editor": "abc"}
    assert alone or lines[1] == {"file": "original/000001.png", "source": "0001.png"}
    assert [path.name for path in target.parent.iterdir()] == ["set"]


def test_unknown_people_stay_unknown(tmp_path: Path) -> None:
    nobody = replace(DATASET, identity=np.full(len(DATASET), -1), eyes=None)
    back = folder(write_folder(nobody, EDITED, tmp_path / "set", note={}))
    assert (back.identity == -1).all() and back.eyes is None


def test_eyes_that_the_cut_takes_away_are_not_written(tmp_path: Path) -> None:
    tall = replace(DATASET, read=Tall(DATASET), eyes=DATASET.eyes * np.float32([1, 0.5]))  # at a fifth of the height
    back = folder(write_folder(tall, EDITED, tmp_path / "set", note={}))
    assert len(back) == len(DATASET) + len(EDITED) and back.eyes is None and back.attributes == tall.attributes


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("keep me")
    with pytest.raises(JobError, match="set: exists already; name a new or an empty folder"):
        write_folder(DATASET, EDITED, tmp_path / "set", note={})

    def torn(i: int) -> np.ndarray:
        if i == 5:
            raise JobError("0005.png: cut off")
        return DATASET.read(i)

    with pytest.raises(JobError, match="cut off"):
        write_folder(replace(DATASET, read=torn), EDITED, tmp_path / "other", note={})
    with pytest.raises(JobError, match=r"could not be written \(Not a directory\)"):
        write_folder(DATASET, EDITED, tmp_path / "set" / "mine.txt" / "set", note={})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine.txt", "set"]
