"""MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., 2017): the idx files, in the layout torchvision uses.

``raw/train-images-idx3-ubyte``, ``raw/train-labels-idx1-ubyte`` and the same for ``t10k``, each packed (``.gz``) or
not. An idx file is a magic number (two zero bytes, 8 for unsigned bytes, the number of dimensions), the dimensions as
big-endian 32-bit integers, then the values.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.datasets.download import FASHION_MNIST, MNIST, fetch
from lineament.datasets.files import require
from lineament.errors import JobError

__all__ = ["DIGITS", "GARMENTS", "fashion_mnist", "mnist", "read_idx"]

DIGITS = tuple("0123456789")
GARMENTS = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle_boot")

_LARGEST = 2**30  # bytes; MNIST's largest file has 47 million


def mnist(root: str | Path, *, download: bool = False) -> AttributeDataset:
    """Open MNIST at ``root``, the folder that holds ``raw/``: 28x28 grey digits, one attribute a digit.

    The last twelfth of the training file (5,000 of 60,000 images) is the development part. ``download`` fetches what
    is missing. Raises ``JobError`` naming a file that is missing, cut off or malformed.
    """
    if download:
        fetch(Path(root) / "raw", MNIST)
    return _open("mnist", Path(root), DIGITS, "MNIST: CC BY-SA 3.0")


def fashion_mnist(root: str | Path, *, download: bool = False) -> AttributeDataset:
    """Open Fashion-MNIST at ``root``; as ``mnist``, with the attributes ``GARMENTS``."""
    if download:
        fetch(Path(root) / "raw", FASHION_MNIST)
    return _open("fashion_mnist", Path(root), GARMENTS, "Fashion-MNIST: MIT")


def _open(name: str, root: Path, classes: tuple[str, ...], licence: str) -> AttributeDataset:
    raw = require(root / "raw", f"the folder of idx files; `lineament data fetch {name}` brings them")
    images = {part: _find(raw, f"{part}-images-idx3-ubyte") for part in ("train", "t10k")}
    labels = {part: _find(raw, f"{part}-labels-idx1-ubyte") for part in ("train", "t10k")}
    drawn = {part: read_idx(path, 1) for part, path in labels.items()}
    for part, path in labels.items():
        with _stream(images[part]) as file:
            count = _shape(file.read(16), images[part], 3)[0]
        if len(drawn[part]) != count:
            raise JobError(f"{path}: {len(drawn[part])} labels for the {count} images of {images[part].name}")
        if (drawn[part] >= len(classes)).any():
            raise JobError(f"{path}: label {drawn[part].max()}; expected 0 to {len(classes) - 1}")
    sizes = [len(drawn["train"]), len(drawn["t10k"])]
    kept = sizes[0] - sizes[0] // 12
    classed = np.concatenate([drawn["train"], drawn["t10k"]])
    return AttributeDataset(
        name=name,
        read=_IdxImages(images["train"], images["t10k"], sizes[0]),
        names=[f"{part}/{i:05}" for part, n in zip(("train", "test"), sizes, strict=True) for i in range(n)],
        attributes=classes,
        labels=(classed[:, None] == np.arange(len(classes))).astype(np.int8),
        identity=np.full(sum(sizes), -1),
        session=np.full(sum(sizes), ""),
        split=np.repeat(np.array([0, 1, 2], dtype=np.int8), [kept, sizes[0] - kept, sizes[1]]),
        licence=licence,
        sources=[*images.values(), *labels.values()],
    )


@dataclass(frozen=True)
class _IdxImages:
    """Index to one ``(28, 28, 1)`` image; the files are unpacked at the first read, once a process."""

    train: Path
    test: Path
    boundary: int

    def __call__(self, i: int) -> NDArray[np.uint8]:
        path, row = (self.train, i) if i < self.boundary else (self.test, i - self.boundary)
        unpacked = _unpacked(path, path.stat().st_mtime_ns if path.exists() else 0)
        if isinstance(unpacked, JobError):
            raise unpacked
        return unpacked[row, :, :, None].copy()


@lru_cache(maxsize=4)
def _unpacked(path: Path, changed: int) -> NDArray[np.uint8] | JobError:
    """The images of one file, or why there are none: a torn file is unpacked once, not once an image."""
    try:
        return read_idx(path, 3)
    except JobError as error:
        return error


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array in one idx file of unsigned bytes, packed or not.

    Raises:
        JobError: the file is missing, cut off, too long, of another type or number of dimensions, or badly packed.
    """
    with _stream(path) as file:
        shape = _shape(file.read(4 + 4 * dimensions), path, dimensions)
        values = file.read(prod(shape) + 1)  # one more than there should be, so that a longer file is noticed
    if len(values) != prod(shape):
        found = "more" if len(values) > prod(shape) else f"{len(values):,}"
        raise JobError(f"{path}: cut off or too long: {prod(shape):,} values expected for shape {shape}, {found} found")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (OSError, EOFError, zlib.error) as error:
        raise JobError(f"{path}: cannot be read, or cut off ({error})") from None


def _find(raw: Path, name: str) -> Path:
    """The unpacked file if it is there, else the packed one."""
    return (
        raw / name
        if (raw / name).exists()
        else require(raw / f"{name}.gz", "an idx file; `lineament data fetch` brings it")
    )


def _shape(header: bytes, path: Path, dimensions: int) -> tuple[int, ...]:
    magic = bytes([0, 0, 8, dimensions])
    if header[:4] != magic or len(header) != 4 + 4 * dimensions:
        raise JobError(f"{path}: starts with {header[:4].hex() or 'nothing'}; expected the idx magic {magic.hex()}")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if prod(shape) > _LARGEST:
        raise JobError(f"{path}: claims shape {shape}, over the limit of {_LARGEST:,} bytes")
    return shape
