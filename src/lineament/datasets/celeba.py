"""CelebA (Liu et al., "Deep Learning Face Attributes in the Wild", ICCV 2015) in the layout it is published in.

::

    img_align_celeba/000001.jpg ...
    list_attr_celeba.txt               count, attribute names, then one line an image: -1 absent, 1 present
    identity_CelebA.txt                optional: image, person
    list_eval_partition.txt            optional: image, 0 train, 1 validation, 2 test
    list_landmarks_align_celeba.txt    optional: eyes, nose, corners of the mouth, in pixels

Aligned crops of 178x218 px have their eyes in a known place. Another size is taken as the user's own crop: eyes are
then known from the landmark file, or for 128x128 px crops, which this project measured.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pyarrow import csv

from lineament.datasets.base import AttributeDataset, split_by_identity
from lineament.datasets.files import ImageFiles, image_paths, nominal_eyes, require, unique
from lineament.errors import JobError

__all__ = ["LOOSE_EYES", "celeba"]

LOOSE_EYES = ((0.386, 0.440), (0.610, 0.440))
"""Where the eyes are in looser, square crops: the median over 300 images by our own landmarks, in fractions."""

_EYES = {
    (178, 218): ((69.5 / 178, 111.5 / 218), (108.5 / 178, 111.5 / 218)),  # the authors' alignment, pixels (69, 111)
    (128, 128): LOOSE_EYES,
}


def celeba(root: str | Path) -> AttributeDataset:
    """Open CelebA at ``root``, the folder that holds ``img_align_celeba/``; no image is decoded yet.

    Without an identity file every identity is unknown (-1). Without a partition file people are split anew.
    An image in one list only is found by ``lineament data check``; reading it raises ``JobError`` naming the file.

    Raises:
        JobError: the attribute file or the image folder is missing, or a list cannot be understood.
    """
    root = Path(root)
    source = require(root / "list_attr_celeba.txt", "CelebA's attribute file, beside img_align_celeba/")
    folder = require(root / "img_align_celeba", "CelebA's folder of images")
    attributes, names, values = _table(source)
    if wrong := np.flatnonzero(np.abs(values) != 1).tolist():
        row, column = divmod(wrong[0], len(attributes))
        found = values[row, column]
        raise JobError(f"{source}: {names[row]} has {found} for {attributes[column]}; expected -1 or 1")
    paths = image_paths(folder, names, source)
    identity = _joined(root / "identity_CelebA.txt", names, default=-1).astype(np.int64)
    landmarks = _landmarks(root / "list_landmarks_align_celeba.txt", names, paths)
    return AttributeDataset(
        name="celeba",
        read=ImageFiles(paths),
        names=names,
        attributes=attributes,
        labels=(values > 0).astype(np.int8),
        identity=identity,
        session=np.full(len(names), ""),
        split=_split(root / "list_eval_partition.txt", names, identity),
        licence="CelebA agreement: non-commercial research only, no redistribution",
        eyes=landmarks[:, :2] if landmarks is not None else _nominal(paths),
        landmarks=landmarks,
        sources=paths,
    )


def _table(path: Path, header: bool = True) -> tuple[tuple[str, ...], list[str], NDArray[np.int64]]:
    """Column names, image names and the ``(n, columns)`` integers of one of CelebA's blank-separated lists."""
    try:
        text = path.read_bytes().replace(b"\r", b"")
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror}); expected one of CelebA's lists") from None
    count, columns = b"", b""
    if header:
        count, _, text = text.partition(b"\n")
        columns, _, text = text.partition(b"\n")
    while b"  " in text:  # the columns are padded to equal width
        text = text.replace(b"  ", b" ")
    text = text.replace(b" \n", b"\n").strip()
    titles = columns.decode("utf-8", "replace").split() or ["value"]
    types: dict[str, Any] = {"": pa.string(), **dict.fromkeys(titles, pa.int64())}
    if len(types) != len(titles) + 1:
        raise JobError(f"{path}: line 2 names an attribute twice")
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=list(types)),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise JobError(f"{path}: {error}; expected an image name and {len(titles)} integers a line") from None
    if header and count.strip() != str(len(table)).encode():
        raise JobError(
            f"{path}: line 1 says {count.decode('utf-8', 'replace')!r} images, {len(table)} follow; cut off?"
        )
    names = unique(table[""].to_pylist(), path)
    return tuple(titles), names, np.stack([table[title].to_numpy() for title in titles], 1)


def _joined(path: Path, names: list[str], default: int | None) -> NDArray[np.int64]:
    """The integer that the two-column list at ``path`` gives each name; ``default`` where it has none."""
    if default is not None and not path.exists():
        return np.full(len(names), default)
    _, listed, values = _table(path, header=False)
    if listed == names:
        return values[:, 0]
    known = dict(zip(listed, values[:, 0].tolist(), strict=True))
    if default is None and (lost := next((name for name in names if name not in known), None)):
        raise JobError(f"{path}: has no line for {lost}, which the attribute file lists")
    return np.array([known.get(name, default) for name in names], dtype=np.int64)


def _split(path: Path, names: list[str], identity: NDArray[np.int64]) -> NDArray[np.int8]:
    if not path.exists():
        return split_by_identity(identity)
    split = _joined(path, names, default=None)
    if wrong := np.flatnonzero((split < 0) | (split > 2)).tolist():
        raise JobError(f"{path}: {names[wrong[0]]} is in part {split[wrong[0]]}; expected 0, 1 or 2")
    return split.astype(np.int8)


def _size(paths: list[Path]) -> tuple[int, int] | None:
    """Width and height of the first image that is there and readable; aligned crops share them. Decodes nothing."""
    for path in paths[:100]:
        try:
            with Image.open(path) as image:
                return image.size
        except (OSError, Image.DecompressionBombError):
            continue
    return None


def _nominal(paths: list[Path]) -> NDArray[np.float32] | None:
    eyes = _EYES.get(_size(paths) or (0, 0))
    return None if eyes is None else nominal_eyes(eyes, len(paths))


def _landmarks(path: Path, names: list[str], paths: list[Path]) -> NDArray[np.float32] | None:
    """``(n, 5, 2)`` fractions; None without a landmark file for every image. Pixel (0, 0) has its centre at 0.5."""
    size = _size(paths)
    if not path.exists() or size is None:
        return None
    _, listed, values = _table(path)
    row = {name: i for i, name in enumerate(listed)}
    if values.shape[1] != 10 or not row.keys() >= set(names):
        raise JobError(f"{path}: expected five points (ten numbers) for each image of the attribute file")
    points = values[[row[name] for name in names]].reshape(-1, 5, 2)
    return ((points + 0.5) / size).astype(np.float32)
