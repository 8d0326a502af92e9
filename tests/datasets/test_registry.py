"""Where a set is looked for: its own folder first, its usual name below a root second."""

from pathlib import Path

import pytest

from lineament.datasets.registry import find_dataset, open_dataset, overview
from lineament.errors import JobError
from tests.datasets.trees import clips_tree, folder_tree, orl_tree, write_image


def test_a_folder_of_ones_own_is_never_a_folder_inside_it(tmp_path: Path) -> None:
    folder_tree(tmp_path / "images")
    with pytest.raises(JobError, match=r"labels\.csv: no such file"):
        open_dataset("folder", tmp_path)
    assert find_dataset("folder", tmp_path) is None
    write_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels.csv").write_text("file,Smiling\nimages/a.png,1\n")
    assert open_dataset("folder", tmp_path).names == ["images/a.png"]


def test_clips_with_a_table_are_the_folder_that_was_named(tmp_path: Path) -> None:
    clips_tree(tmp_path)
    (tmp_path / "face_video").mkdir()
    assert find_dataset("clips", tmp_path) == tmp_path and len(open_dataset("clips", tmp_path)) == 20


def test_a_set_is_found_under_its_usual_name(tmp_path: Path) -> None:
    orl_tree(tmp_path / "orl_faces")
    assert find_dataset("orl", tmp_path) == tmp_path / "orl_faces" and len(open_dataset("orl", tmp_path)) == 6
    rows = {row["name"]: row for row in overview(tmp_path)}
    assert rows["orl"]["found"] == "yes" and rows["folder"]["found"] == "no"
