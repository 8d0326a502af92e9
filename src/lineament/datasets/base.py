"""What every data set is: images read one at a time from where they lie, with labels, identity, session and split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lineament.errors import UsageError, nearest
from lineament.images import to_batch

__all__ = ["SPLITS", "AttributeDataset", "Split", "split_by_identity"]

Split = Literal["train", "development", "test"]
SPLITS: tuple[Split, ...] = ("train", "development", "test")


@dataclass(frozen=True)
class AttributeDataset:
    """Images with attributes, identity, session and split; nothing is decoded before it is asked for.

    Attributes:
        name: registered name, ``"celeba"``.
        read: index to one image, ``(height, width, channels)`` uint8; raises ``JobError`` naming the file.
        names: what to call each image in messages and tables, usually its file name; ``n`` of them.
        attributes: attribute names in column order.
        labels: ``(n, attributes)`` int8; 1 present, 0 absent, -1 unknown.
        identity: ``(n,)`` int64, -1 unknown. The same number is the same person.
        session: ``(n,)`` str: the occasion, light or clip an image comes from; "" unknown.
        split: ``(n,)`` int8 index into ``SPLITS``; parts are disjoint by identity wherever identities are known.
        licence: terms of use, in words a card can quote.
        eyes: ``(n, 2, 2)`` float32 eye centres as (x, y) in **fractions of width and height**, image-left eye first;
            None where nothing is known. Sets of aligned crops give the same nominal position for all.
        masks: index to ``{attribute: (height, width) bool}``, the region each attribute covers; None if not known.
        style: index to ``{parameter: value}``, the true parameters of a rendered image; None if not known.
        landmarks: ``(n, points, 2)`` float32 (x, y) in fractions of width and height; None if not known.
        sources: every file the images are read from, so that a cache knows when they change; () for rendered images.
            A subset keeps them all.
    """

    name: str
    read: Callable[[int], NDArray[np.uint8]] = field(repr=False)
    names: Sequence[str] = field(repr=False)
    attributes: tuple[str, ...]
    labels: NDArray[np.int8] = field(repr=False)
    identity: NDArray[np.int64] = field(repr=False)
    session: NDArray[np.str_] = field(repr=False)
    split: NDArray[np.int8] = field(repr=False)
    licence: str = "unknown"
    eyes: NDArray[np.float32] | None = field(default=None, repr=False)
    masks: Callable[[int], Mapping[str, NDArray[np.bool_]]] | None = field(default=None, repr=False)
    style: Callable[[int], Mapping[str, Any]] | None = field(default=None, repr=False)
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False)
    sources: Sequence[Path] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        n = len(self.names)
        expected = {"labels": (n, len(self.attributes)), "identity": (n,), "session": (n,), "split": (n,)}
        for key, shape in expected.items():
            if getattr(self, key).shape != shape:
                raise UsageError(f"{self.name}: {key} has shape {getattr(self, key).shape}, expected {shape}")

    def __len__(self) -> int:
        return len(self.names)

    def images(self, index: ArrayLike) -> Tensor:
        """The images at ``index`` as a batch ``(len(index), channels, height, width)``; they must share one size."""
        pixels = [self.read(int(i)) for i in np.atleast_1d(np.asarray(index, dtype=np.int64))]
        sizes = {image.shape for image in pixels}
        if len(sizes) > 1:
            raise UsageError(
                f"{self.name}: images differ in size ({', '.join(map(str, sorted(sizes)))}); resize them, "
                "or read them one by one"
            )
        return to_batch(np.stack(pixels)) if pixels else torch.zeros(0, 3, 1, 1)

    def column(self, attribute: str) -> NDArray[np.int8]:
        """The labels ``(n,)`` of one attribute; an unknown name is refused with the nearest known one."""
        if attribute not in self.attributes:
            raise UsageError(f"{self.name}: {nearest(attribute, self.attributes, 'attribute')}")
        labels: NDArray[np.int8] = self.labels[:, self.attributes.index(attribute)]
        return labels

    def subset(self, index: ArrayLike) -> "AttributeDataset":
        """The same set restricted to ``index`` (integers or a boolean mask), in that order; still lazy."""
        chosen = np.asarray(index)
        kept = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        arrays = ("labels", "identity", "session", "split", "eyes", "landmarks")
        per_image: dict[str, Any] = {key: getattr(self, key)[kept] for key in arrays if getattr(self, key) is not None}
        for key in ("read", "masks", "style"):
            if (whole := getattr(self, key)) is not None:
                per_image[key] = _Reindexed(whole, kept)
        return replace(self, names=[self.names[i] for i in kept], **per_image)

    def part(self, split: Split) -> "AttributeDataset":
        """The images of one split, ``"train"``, ``"development"`` or ``"test"``."""
        if split not in SPLITS:
            raise UsageError(nearest(split, SPLITS, "split"))
        return self.subset(self.split == SPLITS.index(split))


@dataclass(frozen=True)
class _Reindexed:
    """A per-image function seen through a subset; a class, not a closure, so that it travels between processes."""

    function: Callable[[int], Any]
    index: NDArray[np.int64]

    def __call__(self, i: int) -> Any:
        return self.function(int(self.index[i]))


def split_by_identity(
    identity: NDArray[np.int64], *, fractions: tuple[float, float, float] = (0.7, 0.15, 0.15), seed: int = 0
) -> NDArray[np.int8]:
    """Assign whole people to train, development and test; images of unknown identity (-1) are people of their own.

    Returns ``(n,)`` int8 indices into ``SPLITS``. The shares of *people* are ``fractions``, rounded to whole people.
    """
    keys = np.where(identity < 0, -1 - np.arange(len(identity)), identity)
    people = np.unique(keys)
    order = np.random.default_rng(seed).permutation(len(people))
    bounds = np.round(np.cumsum(fractions)[:2] * len(people)).astype(int)
    rank = np.empty(len(people), dtype=np.int64)
    rank[order] = np.arange(len(people))
    parts: NDArray[np.int8] = np.digitize(rank[np.searchsorted(people, keys)], bounds).astype(np.int8)
    return parts
