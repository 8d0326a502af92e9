"""A user's own folder: what the table may say, and every cell that it may not."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lineament.datasets.folder import folder, read_table
from lineament.errors import JobError, UsageError
from tests.datasets.trees import folder_tree, write_image

same_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EYE_COLUMNS = "left_eye_x,left_eye_y,right_eye_x,right_eye_y"
VALUES = {"1": 1, "0": 0, "-1": -1, "": -1, "1.0": 1, "false": 0}


def test_columns_become_attributes_people_and_sessions(tmp_path: Path) -> None:
    dataset = folder(folder_tree(tmp_path))
    assert dataset.attributes == ("Smiling", "Eyeglasses")
    assert dataset.labels.tolist() == [[0, 1], [1, -1], [0, -1], [1, 1], [0, -1], [1, -1]]
    assert dataset.identity.tolist() == [0, 0, 1, 1, 2, -1]
    assert dataset.session[:2].tolist() == ["day 0", "day 1"]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    expected = folder(folder_tree(tmp_path))
    columns = {
        "file": expected.names,
        "identity": ["anna", "anna", "ben", "ben", "cy", None],
        "Smiling": [False, True, False, True, False, True],
        "Eyeglasses": [1.0, None, -1.0, 1.0, float("nan"), -1.0],
    }
    parquet.write_table(pa.table(columns), tmp_path / "labels.parquet")
    dataset = folder(tmp_path)
    np.testing.assert_array_equal(dataset.labels, expected.labels)
    np.testing.assert_array_equal(dataset.identity, expected.identity)
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(JobError, match="labels.parquet: not a readable table"):
        folder(tmp_path)


@same_folder
@given(rows=st.lists(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=2), min_size=1, max_size=8))
def test_cells_are_read_as_a_slow_reader_reads_them(tmp_path: Path, rows: list[list[str]]) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([["file", "A", "B"], *([f"{i}.png", *row] for i, row in enumerate(rows)), ["z", 0, 0]])
    (tmp_path / "labels.csv").write_text(table.getvalue())
    expected = [[VALUES[cell] for cell in row] for row in rows]
    assert folder(tmp_path).labels.tolist() == [*expected, [0, 0]]


@same_folder
@given(content=st.binary(max_size=200) | st.text(alphabet='abc,"\n\r1-', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_refused_with_the_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    try:
        assert len({len(cells) for cells in read_table(path).values()}) == 1
    except JobError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,Smiling\na.png,1\nb.png,maybe\n", "labels.csv: line 3, column Smiling: 'maybe'; expected 1, 0, -1 or"),
        ("file,Smiling\na.png,1\nb.png\n", "labels.csv: not a readable table .*Expected 2 columns, got 1"),
        (
            "file,Smiling\n../../etc/passwd,1\n",
            r"labels.csv: image 1 is named '\.\./\.\./etc/passwd'; expected a path in",
        ),
        ("file,Smiling\n/etc/passwd,1\n", "image 1 is named '/etc/passwd'"),
        ("file,Smiling\n,1\n", "image 1 is named ''"),
        ("file,Smiling\na.png,1\na.png,0\n", "'a.png' is listed twice"),
        ("file,Smiling,Smiling\na.png,1,0\n", "two columns have one name"),
        ("file,split\na.png,trian\n", "line 2, column split: 'trian'; expected train, development, test"),
        ("file,Smiling\n", "lists no images"),
        ("", "lists no images"),
        ("file,Smiling\na.png,1\nb.png,-1\n", "1 and -1 but no 0; here -1 means unknown"),
        ("file,identity,split\na,Ann,train\nb,Bo,test\nc,Ann,test\n", "'Ann' is in train and test"),
        ("file,left_eye_x,left_eye_y\na,0.4,0.4\n", "has left_eye_x and left_eye_y; eyes need all of"),
        (
            f"file,{EYE_COLUMNS}\na,0.4,0.4,0.6,0.4\nb,45,0.4,0.6,0.4\n",
            "line 3, column left_eye_x: '45'; .* width, 0 to 1",
        ),
        (f"file,{EYE_COLUMNS}\na,0.4,,0.6,0.4\n", "line 2, column left_eye_y: ''; expected a fraction of .* height"),
        (f"file,{EYE_COLUMNS}\na,0.4,nan,0.6,0.4\n", "line 2, column left_eye_y: 'nan'"),
        (f"file,{EYE_COLUMNS}\na,0.6,0.4,0.4,0.4\n", "line 2: the left eye must lie left of the right one"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(JobError, match=message):
        folder(tmp_path)


def test_an_unknown_column_of_names_offers_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("files,Smiling\na.png,1\n")
    with pytest.raises(UsageError, match="unknown column 'file'; did you mean 'files'"):
        folder(tmp_path)
    assert folder(tmp_path, image="files").names == ["a.png"]


def test_a_missing_or_torn_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    write_image(tmp_path / "torn.jpg", 64, 64)
    whole = (tmp_path / "torn.jpg").read_bytes()
    (tmp_path / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "labels.csv").write_text("file,Smiling\ngone.jpg,1\ntorn.jpg,0\n")
    dataset = folder(tmp_path)
    with pytest.raises(JobError, match="gone.jpg: no such file"):
        dataset.read(0)
    with pytest.raises(JobError, match="torn.jpg: not a readable image, or cut off"):
        dataset.read(1)


def test_a_given_split_is_kept(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,identity,split\na,Ann,train\nb,Bo,test\nc,Ann,train\nd,,development\n")
    assert folder(tmp_path).split.tolist() == [0, 2, 0, 1]


def test_a_grey_file_among_colour_files_becomes_three_equal_channels(tmp_path: Path) -> None:
    write_image(tmp_path / "grey.png", grey=True)
    write_image(tmp_path / "colour.png")
    (tmp_path / "labels.csv").write_text("file,Smiling\ngrey.png,1\ncolour.png,0\n")
    dataset = folder(tmp_path)
    assert dataset.images([0, 1]).shape == (2, 3, 16, 12)
    assert (dataset.read(0) == dataset.read(0)[:, :, :1]).all()


def test_eyes_are_read_and_are_no_attributes(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"file,Smiling,{EYE_COLUMNS}\na,1,0.25,0.5,0.75,0.4\nb,0,0.2,0.5,0.7,0.4\n")
    dataset = folder(tmp_path)
    assert dataset.attributes == ("Smiling",) and dataset.eyes is not None
    np.testing.assert_array_equal(dataset.eyes[0], np.array([[0.25, 0.5], [0.75, 0.4]], np.float32))
