"""Every image of a set decoded once into one file that later runs map into memory.

Decoding 100,000 jpgs takes minutes and their pixels do not fit in memory, so the first use writes them one after the
other to ``$LINEAMENT_CACHE/pixels`` (else ``lineament/pixels`` in the user's cache folder) and later uses map that
file. It may be deleted at any time.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from lineament.artifacts import write_atomically
from lineament.datasets.base import AttributeDataset
from lineament.errors import UsageError

__all__ = ["at_size", "cache_folder", "pixels", "resized"]


def pixels(dataset: AttributeDataset, size: int | tuple[int, int] | None = None) -> np.memmap:
    """All images of ``dataset`` as a read-only ``(n, height, width, channels)`` uint8 array that lies on disk.

    Ask for the whole set and index it by split; a subset is cached as a set of its own.

    Args:
        dataset: any set; its files' names, sizes and times decide whether an earlier result still holds.
        size: (height, width) to bring every image to, or one number for both; None keeps images that share one size.

    Raises:
        UsageError: the set is empty, or ``size`` is None and the images differ in size.
        JobError: an image cannot be read (named), or the disk is full (free space, or set LINEAMENT_CACHE); nothing
            half-written stays behind.
    """
    if not len(dataset):
        raise UsageError(f"{dataset.name}: no images to decode")
    shape = (size, size) if isinstance(size, int) else size
    if shape is not None and not all(0 < side <= 4096 for side in shape):
        raise UsageError(f"size: expected 1 to 4096 pixels, got {size}")
    path = cache_folder() / f"{dataset.name}-{_fingerprint(dataset, shape)}.npy"
    with suppress(FileNotFoundError, EOFError, ValueError):  # empty, no array, or shorter than its header says
        return _mapped(path)
    write_atomically(path, partial(_build, dataset, shape))
    return _mapped(path)


def cache_folder() -> Path:
    """``$LINEAMENT_CACHE/pixels``, else ``lineament/pixels`` in the user's cache folder; not created here."""
    if root := os.environ.get("LINEAMENT_CACHE"):
        return Path(root) / "pixels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineament" / "pixels"


def resized(image: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """One ``(height, width, 1 or 3)`` image brought to ``size`` (height, width), antialiased; None leaves it alone."""
    if size is None or image.shape[:2] == size:
        return image
    scaled = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).resize(
        size[::-1], Image.Resampling.LANCZOS
    )
    return np.asarray(scaled).reshape(*size, -1)


def at_size(dataset: AttributeDataset, size: tuple[int, int]) -> AttributeDataset:
    """The same set with every image brought to ``size`` (height, width) when it is read."""
    return replace(dataset, read=_Resizing(dataset.read, size))


@dataclass(frozen=True)
class _Resizing:
    """A reader whose images share one size; a class, not a closure, so that it travels between processes."""

    read: Callable[[int], NDArray[np.uint8]]
    size: tuple[int, int]

    def __call__(self, i: int) -> NDArray[np.uint8]:
        return resized(self.read(i), self.size)


def _mapped(path: Path) -> np.memmap:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap):
        raise ValueError("not an array on disk")
    return mapped


def _fingerprint(dataset: AttributeDataset, size: tuple[int, int] | None) -> str:
    """Sixteen hex digits that change with the images. Rendered sets have no files: two of their images stand in."""
    digest = sha256(f"{dataset.name} {len(dataset)} {size}".encode())
    digest.update("\n".join(dataset.names).encode("utf-8", "surrogatepass"))
    for source in dataset.sources:
        with suppress(OSError):  # a missing file is named when it is read
            status = os.stat(source)  # noqa: PTH116  (200,000 of them: twice as fast as Path.stat)
            digest.update(f"{source.name} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "surrogatepass"))
    if not dataset.sources:
        for i in (0, len(dataset) - 1):
            digest.update(dataset.read(i).tobytes())
    return digest.hexdigest()[:16]


def _build(dataset: AttributeDataset, size: tuple[int, int] | None, file: BinaryIO) -> None:
    """Write the array front to back through a file, not a map: a full disk is then an error and not a crash."""
    first = resized(dataset.read(0), size)
    np.lib.format.write_array_header_2_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (len(dataset), *first.shape)}
    )
    console = Console(stderr=True)
    steps = track(range(len(dataset)), f"decoding {dataset.name}", console=console, disable=not sys.stderr.isatty())
    for i in steps:
        image = first if i == 0 else resized(dataset.read(i), size)
        if image.shape != first.shape:
            raise UsageError(
                f"{dataset.name}: {dataset.names[i]} has shape {image.shape}, {dataset.names[0]} has "
                f"{first.shape}; give a size to bring them all to"
            )
        file.write(np.ascontiguousarray(image).data)
