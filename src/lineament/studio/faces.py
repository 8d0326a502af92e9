"""A face on the page: its picture, and what the editor sees in it; and the faces that are there to choose from."""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.datasets.framing import middle
from lineament.editing.operations import AnyEditor, edit
from lineament.errors import UsageError
from lineament.images import to_batch
from lineament.studio.pictures import to_data_url

__all__ = ["Face", "gallery", "seen"]

POOL = 240
"""People among whom the gallery is chosen."""


class Face(NamedTuple):
    """A picture and its readings.

    Attributes:
        image: a PNG of the editor's size, as a data URL.
        readings: probability of each attribute, in the editor's order, as the editor itself reads it.
    """

    image: str
    readings: list[float]


def seen(editor: AnyEditor, pixels: UInt8[NDArray[np.uint8], "n height width 3"]) -> list[Face]:
    """The faces of pictures of the editor's size."""
    readings = edit(to_batch(pixels), editor).presence.numpy().astype(float).round(3)
    return [Face(to_data_url(image), row.tolist()) for image, row in zip(pixels, readings, strict=True)]


def gallery(editor: AnyEditor, dataset: AttributeDataset, n: int = 24, seed: int = 0) -> list[Face]:
    """``n`` faces of different people, some with each attribute to borrow from, the plainest first.

    Raises:
        UsageError: the set has no images, or grey ones.
    """
    order = np.random.default_rng(seed).permutation(len(dataset))
    people = np.where(dataset.identity < 0, -1 - np.arange(len(dataset)), dataset.identity)[order]
    pool = order[np.sort(np.unique(people, return_index=True)[1])[:POOL]]
    pictures = [dataset.read(int(i)) for i in pool]
    if not pictures or pictures[0].shape[2] != 3:
        raise UsageError(
            f"{dataset.name}: expected faces in colour to choose from, got {'grey ones' if pictures else 'none'}"
        )
    faces = seen(editor, np.stack([middle(picture, editor.shape[1:]) for picture in pictures]))
    present = np.array([face.readings for face in faces]) > 0.5
    most = max(1, 2 * n // 3 // present.shape[1])  # of each attribute, which leaves a third to chance
    holders = [np.flatnonzero(column)[:most] for column in present.T]
    chosen = list(dict.fromkeys(np.concatenate([*holders, np.arange(len(faces))]).tolist()))[:n]
    return [faces[i] for i in sorted(chosen, key=lambda i: int(present[i].sum()))]
