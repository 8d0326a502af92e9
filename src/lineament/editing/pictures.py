"""Images as the verbs of editing take them: squares of the editor's size, from files, folders or a data set."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.files import IMAGE_SUFFIXES
from lineament.datasets.framing import framed, middle
from lineament.errors import JobError, LineamentError, UsageError
from lineament.images import is_grey, read_image, to_batch, to_uint8

__all__ = ["Pictures", "candidates", "drawn", "expanded", "fitted", "read_pictures", "write_pictures"]


class Pictures(NamedTuple):
    """Images to edit.

    Attributes:
        images: ``(n, 3, size, size)`` in [0, 1].
        names: ``n`` of them.
    """

    images: Float32[Tensor, "n channels height width"]
    names: list[str]


def fitted(path: str | Path, size: int, *, fit: bool) -> NDArray[np.uint8]:
    """One picture file as ``(size, size, 3)`` uint8.

    Args:
        path: the file; ``JobError`` names it if it cannot be read.
        size: side of the editor's images in pixels.
        fit: cut another shape to a square about its middle, scale it, and take a grey one as of three equal channels;
            else ``UsageError`` says what came, for faces that are framed otherwise than in training are edited badly.
    """
    pixels = read_image(path)
    if fit:
        return middle(pixels, (size, size))
    if pixels.shape[:2] != (size, size):
        raise UsageError(
            f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels, and the editor takes {size} x {size}; bring it to "
            "that size, or let --fit cut and scale it"
        )
    if is_grey(path):
        raise UsageError(f"{path}: is grey, and the editor was trained on colour images; --fit takes it all the same")
    return pixels


def read_pictures(paths: Sequence[Path], size: int, *, fit: bool) -> tuple[Pictures, list[str]]:
    """Picture files, and those in folders; and what was wrong with those that cannot be taken.

    Raises ``JobError`` if none can be taken, or a folder holds no picture; of the kind of the first failure.
    """
    found, names, failures = [], [], []
    for path in expanded(paths):
        try:
            found.append(fitted(path, size, fit=fit))
            names.append(str(path))
        except LineamentError as error:
            failures.append(error)
    if failures and not found:
        raise type(failures[0])("\n".join(map(str, failures)))
    return Pictures(to_batch(np.stack(found)), names), [str(error) for error in failures]


def expanded(paths: Sequence[Path]) -> list[Path]:
    """The files, with every folder replaced by the pictures in it; ``JobError`` if it holds none."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise JobError(f"{path}: holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))})")
        found += inside
    return found


def candidates(dataset: AttributeDataset, wanted: Mapping[str, bool], seed: int) -> NDArray[np.int64]:
    """The test images ``(m,)`` whose labels do not gainsay ``wanted``, in an order drawn at random.

    Attributes that the set does not label are not asked about. Raises ``UsageError`` if there is no such image.
    """
    fits = dataset.split == SPLITS.index("test")
    asked = {name: present for name, present in wanted.items() if name in dataset.attributes}
    for name, present in asked.items():
        fits &= dataset.column(name) == present
    if not fits.any():
        told = " and ".join(f"{'' if present else 'no '}{name}" for name, present in asked.items())
        raise UsageError(f"{dataset.name}: has no test image{' with ' if told else ''}{told}; name pictures instead")
    return np.random.default_rng(seed).permutation(np.flatnonzero(fits))


def drawn(dataset: AttributeDataset, rows: NDArray[np.int64], size: int) -> Pictures:
    """Images of a set as squares of ``size`` pixels a side."""
    square = framed(dataset, (size, size), colour=True)
    return Pictures(square.images(rows), [dataset.names[int(i)] for i in rows])


def write_pictures(folder: Path, stems: Sequence[str], images: Tensor, taken: Iterable[str] = ()) -> list[str]:
    """Write an image batch into a folder as 8-bit PNGs, each under its stem or the next free ``stem-2.png``.

    Args:
        folder: made if need be.
        stems: ``n`` names without an ending.
        images: ``(n, 3, height, width)`` in [0, 1].
        taken: names of files that are not to be overwritten.

    Returns:
        The names of the files.
    """
    used, written = set(taken), []
    for stem, pixels in zip(stems, to_uint8(images), strict=True):
        free = (f"{stem}.png" if number == 1 else f"{stem}-{number}.png" for number in count(1))
        written.append(next(file for file in free if file not in used))
        used.add(written[-1])
        write_atomically(folder / written[-1], partial(Image.fromarray(pixels).save, format="PNG"))
    return written
