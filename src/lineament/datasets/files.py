"""Images that lie in files: one picklable reader, and the one place where names out of a label file become paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from lineament.errors import JobError
from lineament.images import is_grey, read_image

__all__ = ["IMAGE_SUFFIXES", "ImageFiles", "image_paths", "nominal_eyes", "require", "unique"]

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""What counts as an image when a folder is searched; a label file may name any file that Pillow can read."""


@dataclass(frozen=True)
class ImageFiles:
    """``read`` of a set that has one file an image."""

    paths: Sequence[Path]

    def __call__(self, i: int) -> NDArray[np.uint8]:
        """Image ``i``, ``(height, width, 3)`` uint8; ``JobError`` names a file that is missing or cut off."""
        return read_image(self.paths[i])

    def is_grey(self, i: int) -> bool:
        """Whether file ``i`` has one channel; black-and-white photos stored in colour, as CelebA has, do not."""
        return is_grey(self.paths[i])


def image_paths(folder: Path, names: Sequence[str], source: Path) -> list[Path]:
    """``folder / name`` for every name read from ``source``; a name that leads out of the folder is refused.

    Symbolic links inside the folder are the user's own and are followed.
    """
    for row, name in enumerate(names):
        pure = PurePath(name)
        if not name or "\0" in name or pure.is_absolute() or ".." in pure.parts:
            raise JobError(f"{source}: image {row + 1} is named {name!r}; expected a path inside {folder}")
    base = str(folder)
    return [Path(f"{base}/{name}") for name in names]


def require(path: Path, what: str) -> Path:
    """``path`` if it exists, else a ``JobError`` that names it and says what it is."""
    if not path.exists():
        raise JobError(f"{path}: no such {'file' if path.suffix else 'folder'}; expected {what}")
    return path


def unique(names: list[str], source: Path) -> list[str]:
    """``names`` unchanged if no two are equal, else a ``JobError`` that names the first one listed twice."""
    if len(set(names)) != len(names):
        repeated = next(a for a, b in pairwise(sorted(names)) if a == b)
        raise JobError(f"{source}: {repeated!r} is listed twice")
    return names


def nominal_eyes(eyes: Sequence[Sequence[float]], n: int) -> NDArray[np.float32]:
    """The same two eye centres, in fractions of width and height, for ``n`` aligned crops: ``(n, 2, 2)``."""
    return np.tile(np.asarray(eyes, dtype=np.float32), (n, 1, 1))
