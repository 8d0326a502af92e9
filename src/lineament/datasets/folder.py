"""Your own images: a folder, and a CSV or Parquet table with one row an image.

::

    file,identity,session,split,Smiling,Eyeglasses
    anna/1.jpg,anna,monday,train,1,0
    ben/1.jpg,ben,,test,0,

``file`` (or the column that ``image`` names) is the path inside the folder; ``identity``, ``session`` and ``split``
may be missing. Aligned crops may say where the eyes are, in the four columns ``EYES``. Every other column is an
attribute, with 1 present, 0 absent, -1 or nothing unknown.
"""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

from lineament.datasets.base import SPLITS, AttributeDataset, split_by_identity
from lineament.datasets.files import ImageFiles, image_paths, require, unique
from lineament.errors import JobError, UsageError, nearest

__all__ = ["EYES", "folder", "read_table"]

EYES = ("left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y")
"""Columns of the eye centres in fractions of width and height; left and right as the image shows them."""

_CELLS = {
    **dict.fromkeys(("1", "1.0", "true", "True"), 1),
    **dict.fromkeys(("0", "0.0", "false", "False"), 0),
    **dict.fromkeys(("-1", "-1.0", "nan", ""), -1),
}
_OWN = ("identity", "session", "split", *EYES)


def folder(root: str | Path, *, labels: str | None = None, image: str = "file") -> AttributeDataset:
    """Open the images in ``root`` that its table lists; no image is decoded yet.

    People are numbered in the order of their sorted names. Without a ``split`` column whole people are assigned to
    the parts; without ``identity`` every image is a person of its own.

    Args:
        root: the folder of images.
        labels: the table's path inside ``root``, by default ``labels.csv`` or ``labels.parquet``; ``.parquet`` is read
            as Parquet, anything else as CSV in UTF-8.
        image: the column that names the files.

    Raises:
        UsageError: there is no column ``image``.
        JobError: the table is missing or empty, names a file outside the folder or twice, or has a bad cell (named
            with line and column; the line of a Parquet cell is its row, counted from 1); a person is in two parts; only
            some of the columns ``EYES`` are there.
    """
    root = Path(root)
    if labels is None:
        labels = "labels.parquet" if (root / "labels.parquet").exists() else "labels.csv"
    path = require(root / labels, "a CSV or Parquet table with one row an image")
    table = read_table(path)
    if image not in table:
        raise UsageError(f"{path}: {nearest(image, table, 'column')}; `image` says which column names the files")
    first_line = 1 if path.suffix == ".parquet" else 2
    names = unique(table[image], path)
    paths = image_paths(root, names, path)
    attributes = tuple(name for name in table if name not in (image, *_OWN))
    columns = [_coded(table[name], _CELLS, path, name, first_line) for name in attributes]
    matrix = np.stack(columns, 1) if columns else np.empty((len(names), 0), dtype=np.int8)
    if matrix.size and not (matrix == 0).any() and (matrix == -1).any():
        raise JobError(f"{path}: has 1 and -1 but no 0; here -1 means unknown, so write 0 for absent")
    identity = _people(table["identity"]) if "identity" in table else np.full(len(names), -1)
    if "split" in table:
        split = _coded(table["split"], {name: i for i, name in enumerate(SPLITS)}, path, "split", first_line)
        _check_disjoint(path, identity, split, table)
    else:
        split = split_by_identity(identity)
    return AttributeDataset(
        name="folder",
        read=ImageFiles(paths),
        names=names,
        attributes=attributes,
        labels=matrix,
        identity=identity,
        session=np.array(table.get("session", [""] * len(names))),
        split=split,
        licence="the user's own",
        eyes=_eyes(table, path, first_line),
        sources=paths,
    )


def read_table(path: Path) -> dict[str, list[str]]:
    """A CSV or Parquet table: column name to its cells as text, "" for nothing; ``JobError`` if unreadable."""
    try:
        if path.suffix == ".parquet":
            table = parquet.read_table(path)
        else:
            header, _, rows = path.read_bytes().removeprefix(b"\xef\xbb\xbf").rstrip().partition(b"\n")
            names = next(csv.reader([header.decode().rstrip("\r")]), [])
            if not rows:
                raise JobError(f"{path}: lists no images; expected a line of column names, then one line an image")
            table = read_csv(
                pa.BufferReader(rows),
                read_options=ReadOptions(column_names=names),
                parse_options=ParseOptions(ignore_empty_lines=False),
                convert_options=ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
        columns = [pc.fill_null(pc.cast(column, pa.string()), "").to_pylist() for column in table.columns]
    except (pa.ArrowException, csv.Error, OSError, UnicodeDecodeError) as error:
        raise JobError(f"{path}: not a readable table ({error})") from None
    if len(set(table.column_names)) != len(table.column_names):
        raise JobError(f"{path}: two columns have one name; columns: {', '.join(table.column_names)}")
    if not table.num_rows:
        raise JobError(f"{path}: lists no images")
    return dict(zip(table.column_names, columns, strict=True))


def _coded(cells: list[str], codes: dict[str, int], path: Path, column: str, first_line: int) -> NDArray[np.int8]:
    """The cells of one column as numbers; the first cell that is no key of ``codes`` is named."""
    values = [codes.get(cell) for cell in cells]
    if None in values:
        row = values.index(None)
        legal = "1, 0, -1 or nothing" if codes is _CELLS else ", ".join(codes)
        raise JobError(f"{path}: line {row + first_line}, column {column}: {cells[row]!r}; expected {legal}")
    return np.array(values, dtype=np.int8)


def _eyes(table: dict[str, list[str]], path: Path, first_line: int) -> NDArray[np.float32] | None:
    """``(n, 2, 2)`` out of the columns ``EYES``; None without them. Pixels and swapped eyes are refused."""
    found = [name for name in EYES if name in table]
    if not found:
        return None
    if len(found) < len(EYES):
        raise JobError(f"{path}: has {' and '.join(found)}; eyes need all of {', '.join(EYES)}, or none")
    numbers = np.stack([[_fraction(cell) for cell in table[name]] for name in EYES], 1)
    for row, column in np.argwhere(~((numbers >= 0) & (numbers <= 1)))[:1].tolist():  # NaN is outside too
        cell = table[EYES[column]][row]
        raise JobError(
            f"{path}: line {row + first_line}, column {EYES[column]}: {cell!r}; expected a fraction of the image's "
            f"{'height' if column % 2 else 'width'}, 0 to 1"
        )
    for row in np.flatnonzero(numbers[:, 0] >= numbers[:, 2])[:1].tolist():
        raise JobError(f"{path}: line {row + first_line}: the left eye must lie left of the right one in the image")
    return numbers.reshape(-1, 2, 2).astype(np.float32)


def _fraction(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _people(cells: list[str]) -> NDArray[np.int64]:
    numbers = {person: i for i, person in enumerate(sorted(set(cells) - {""}))}
    return np.array([numbers.get(cell, -1) for cell in cells], dtype=np.int64)


def _check_disjoint(
    path: Path, identity: NDArray[np.int64], split: NDArray[np.int8], table: dict[str, list[str]]
) -> None:
    """A person in two parts would make every figure measured on the second one too good."""
    known = np.flatnonzero(identity >= 0)
    pairs, where = np.unique(np.stack([identity[known], split[known]]), axis=1, return_index=True)
    if twice := np.flatnonzero(np.diff(pairs[0]) == 0).tolist():
        person = table["identity"][known[where[twice[0]]]]
        parts = " and ".join(SPLITS[part] for part in pairs[1, twice[0] : twice[0] + 2])
        raise JobError(f"{path}: {person!r} is in {parts}; a person belongs to one part, or leave the column out")
