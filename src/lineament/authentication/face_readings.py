"""Readings of all faces of a set by several readers: each image is decoded once, and its eyes are looked for once."""

import sys
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lineament.authentication.methods import Reader
from lineament.datasets.base import AttributeDataset
from lineament.datasets.celeba import LOOSE_EYES
from lineament.errors import JobError
from lineament.faces.align import Frame, align
from lineament.images import to_batch

__all__ = ["read_faces"]

BATCH = 32


class _Face(NamedTuple):
    image: NDArray[np.uint8]
    eyes: NDArray[np.float32]


@torch.inference_mode()
def read_faces(
    readers: Sequence[Reader], dataset: AttributeDataset, eyes: Literal["given", "found"], *, progress: bool = True
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Every reader's readings of the faces of a set.

    Grey images count as colour ones of three equal channels. Faces larger than a reader's frame has them are brought
    into it, with the eyes where CelebA's loose crops have them; others are given as they are, with their eyes.

    Args:
        readers: whose names differ.
        dataset: the images; without eyes of its own these are found whatever ``eyes`` says.
        eyes: "found" looks for them in every image (extra ``faces``), and leaves images without a face out.
        progress: whether to show a bar on standard error.

    Returns:
        Which images have a face, ``(n,)``, and the readings ``(n, d)`` by reader name.

    Raises:
        JobError: an image cannot be read, no image shows a face, or the face models are not there.
    """
    kept: list[int] = []
    found: dict[str, list[NDArray[Any]]] = {reader.name: [] for reader in readers}
    chunks = np.array_split(np.arange(len(dataset)), -(-len(dataset) // BATCH))
    console = Console(stderr=True)
    for chunk in track(
        chunks, f"reading {dataset.name}", console=console, disable=not (progress and sys.stderr.isatty())
    ):
        faces = {int(i): face for i in chunk if (face := _face(dataset, int(i), eyes))}
        kept += faces
        if faces:
            for reader in readers:
                found[reader.name].append(_read(reader, list(faces.values())))
    if not kept:
        raise JobError(f"{dataset.name}: no face found in any of its {len(dataset):,} images")
    return np.array(kept), {name: np.concatenate(parts) for name, parts in found.items()}


def _face(dataset: AttributeDataset, i: int, eyes: Literal["given", "found"]) -> _Face | None:
    image = dataset.read(i)
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    if eyes == "given" and dataset.eyes is not None:
        return _Face(image, dataset.eyes[i])
    from lineament.faces.landmarks import find

    faces = find(image)
    return _Face(image, faces[0].eyes) if faces else None


def _read(reader: Reader, faces: Sequence[_Face]) -> NDArray[Any]:
    """Readings of some faces, ``(len(faces), d)``; those of one size go through together."""
    framed = [_framed(face, reader.shape) for face in faces]
    sizes = [face.image.shape for face in framed]
    answers: dict[int, NDArray[Any]] = {}
    for size in dict.fromkeys(sizes):
        same = [k for k, other in enumerate(sizes) if other == size]
        images = to_batch(np.stack([framed[k].image for k in same]))
        answers |= zip(
            same, reader.read(images, torch.from_numpy(np.stack([framed[k].eyes for k in same]))), strict=True
        )
    return np.stack([answers[k] for k in range(len(faces))])


def _framed(face: _Face, shape: tuple[int, int]) -> _Face:
    """The face as a reader wants it: shrunk into the frame if it is larger than it would be there."""
    size = np.array(face.image.shape[1::-1])
    apart, wanted = (np.hypot(*(np.subtract(*pair))) for pair in (face.eyes * size, np.array(LOOSE_EYES) * shape[::-1]))
    if face.image.shape[:2] == shape or apart <= wanted:
        return face
    return _Face(align(face.image, face.eyes, Frame(LOOSE_EYES, shape[1], shape[0])), np.array(LOOSE_EYES, np.float32))
