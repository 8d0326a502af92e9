"""Images that the verbs of this wing work on, with their true classes where these are known; and pictures out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.datasets.base import SPLITS, AttributeDataset, Split
from lineament.datasets.files import IMAGE_SUFFIXES
from lineament.datasets.framing import middle
from lineament.datasets.labelled import Labelled
from lineament.datasets.pixels import pixels
from lineament.errors import JobError, LineamentError, UsageError
from lineament.images import read_image, to_batch, to_uint8

__all__ = ["Pictures", "drawn", "fitted", "labelled", "read_files", "short", "truth", "write_pictures"]


@dataclass(frozen=True)
class Pictures:
    """Images to attack or to defend.

    Attributes:
        images: ``(n, channels, height, width)`` in [0, 1].
        names: ``n`` of them.
        labels: ``(n,)`` true classes, None where nobody has said.
    """

    images: Float32[Tensor, "n channels height width"]
    names: Sequence[str]
    labels: Int64[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: slice) -> "Pictures":
        return Pictures(self.images[index], self.names[index], None if self.labels is None else self.labels[index])

    def to(self, device: torch.device) -> "Pictures":
        """The same on a device."""
        return Pictures(self.images.to(device), self.names, None if self.labels is None else self.labels.to(device))


def truth(dataset: AttributeDataset, classes: Sequence[str], attribute: str | None = None) -> NDArray[np.int64]:
    """The class of each image ``(n,)``: an index into ``classes``, -1 for one that shows none or several of them.

    With ``attribute`` the two classes are its absence and its presence. Raises ``UsageError`` for a name that is no
    attribute of the set.
    """
    if attribute is not None:
        return dataset.column(attribute).astype(np.int64)
    shown = np.stack([dataset.column(name) for name in classes], 1) == 1
    return np.where(shown.sum(1) == 1, shown.argmax(1), -1)


def labelled(dataset: AttributeDataset, split: Split, classes: NDArray[np.int64]) -> Labelled:
    """The images of one part whose class is known, as bytes, decoded once into a cache on disk (`datasets.pixels`).

    Args:
        dataset: any whose images share one size.
        split: the part.
        classes: ``(n,)`` of every image of the set, -1 unknown.
    """
    rows = np.flatnonzero((dataset.split == SPLITS.index(split)) & (classes >= 0))
    if not len(rows):
        raise UsageError(
            f"{dataset.name}: its {split} part shows none of the classes; name other classes or another set"
        )
    images = torch.from_numpy(pixels(dataset)[rows]).permute(0, 3, 1, 2).contiguous()
    return Labelled(images, torch.from_numpy(classes[rows]))


def fitted(image: NDArray[np.uint8], shape: Sequence[int | None], name: str, *, fit: bool) -> NDArray[np.uint8]:
    """One ``(height, width, channels)`` image as a classifier takes it.

    Args:
        image: what was read; grey files have three equal channels.
        shape: channels, height and width that are taken, None for each that is free.
        name: of the image, for messages.
        fit: bring another size or colours to them; else ``UsageError`` says what came and what to do, for an attack is
            in the single pixels, which scaling would blur.
    """
    channels, height, width = shape
    wanted = (height or image.shape[0], width or image.shape[1])
    if image.shape[:2] != wanted:
        if not fit:
            raise UsageError(
                f"{name}: {image.shape[1]} x {image.shape[0]} pixels, and the classifier takes {wanted[1]} x "
                f"{wanted[0]}; bring it to that size, or let --fit cut and scale it"
            )
        image = middle(image, wanted)
    if channels == 3:
        return np.broadcast_to(image, (*wanted, 3))
    if channels == 1 and image.shape[2] == 3:
        if not fit and (image != image[:, :, :1]).any():
            raise UsageError(
                f"{name}: in colour, and the classifier takes grey images; make it grey, or let --fit do so"
            )
        grey: NDArray[np.uint8] = image.mean(2, keepdims=True).round().astype(np.uint8)
        return grey
    return image


def drawn(
    dataset: AttributeDataset, classes: NDArray[np.int64], shape: Sequence[int | None], *, n: int, seed: int, fit: bool
) -> Pictures:
    """Up to ``n`` test images of known class, drawn at random; of two calls, the smaller's are the larger's first.

    Args:
        dataset: the set.
        classes: ``(images,)`` as `truth` gives them.
        shape, fit: as `fitted`.
        n: how many.
        seed: which.
    """
    rows = np.flatnonzero((dataset.split == SPLITS.index("test")) & (classes >= 0))
    if not len(rows):
        raise UsageError(f"{dataset.name}: has no test images of the classes; name another set with --data")
    rows = np.random.default_rng(seed).permutation(rows)[:n]
    names = [dataset.names[int(i)] for i in rows]
    images = [fitted(dataset.read(int(i)), shape, name, fit=fit) for i, name in zip(rows, names, strict=True)]
    return Pictures(_batch(images, names), names, torch.from_numpy(classes[rows]))


def read_files(paths: Sequence[Path], shape: Sequence[int | None], *, fit: bool) -> tuple[Pictures, list[str]]:
    """Picture files, and those in folders; and what was wrong with those that cannot be taken.

    Args:
        paths: files and folders.
        shape, fit: as `fitted`.

    Raises ``JobError`` if none can be taken, or a folder holds no picture.
    """
    images, names, failures = [], [], []
    for path in _expanded(paths):
        try:
            images.append(fitted(read_image(path), shape, str(path), fit=fit))
            names.append(str(path))
        except LineamentError as error:
            failures.append(str(error))
    if not images:
        raise JobError("\n".join(failures))
    return Pictures(_batch(images, names), names), failures


def short(names: Sequence[str]) -> list[str]:
    """The names of files without their folders, unless two would be equal then."""
    last = [Path(name).name for name in names]
    return last if len(set(last)) == len(last) else list(names)


def write_pictures(folder: Path, names: Sequence[str], images: Tensor) -> list[str]:
    """Write an image batch into a folder as 8-bit PNGs; return their names, those of ``names`` with nothing twice."""
    files: dict[str, None] = {}
    for name, image in zip(names, to_uint8(images), strict=True):
        stem, number = Path(name).stem or "image", 1
        while (file := f"{stem}.png" if number == 1 else f"{stem}-{number}.png") in files:
            number += 1
        files[file] = None
        picture = Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        write_atomically(folder / file, partial(picture.save, format="PNG"))
    return list(files)


def _batch(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> Float32[Tensor, "n channels height width"]:
    """One image batch; ``UsageError`` where a classifier of any size leaves several."""
    for image, name in zip(images, names, strict=True):
        if image.shape != images[0].shape:
            raise UsageError(
                f"{name}: of shape {image.shape}, and {names[0]} of {images[0].shape}; bring them to one size first"
            )
    return to_batch(np.stack(images))


def _expanded(paths: Sequence[Path]) -> list[Path]:
    """The files, with every folder replaced by the pictures in it."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise JobError(f"{path}: holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))})")
        found += inside
    return found
