"""What an edit does to an image, as an independent network reads it: was the label reached, and what else moved?

An editor makes the images, `readings` has them read once, and the figures are taken from that; so images from
elsewhere, rendered again with the truth or merely copied, are measured by the same functions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lineament.editing.editor import Codes
from lineament.editing.intervals import Drawn, means
from lineament.errors import UsageError, nearest
from lineament.images import check_images

__all__ = [
    "Edits",
    "Oracle",
    "Readings",
    "borrowed",
    "collateral",
    "leakage",
    "leakage_matrix",
    "readings",
    "rebuilt",
    "replaced",
    "sampled",
    "swap_success",
    "swapped",
    "switched",
]

Images = Float32[Tensor, "n channels height width"]
BATCH = 256


class Edits(Protocol):
    """What is measured: `editor.Editor`, or a peer with the same interface."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Their names, in the order of the codes."""

    def encode(self, images: Tensor) -> Codes:
        """The codes of images."""

    def decode(self, codes: Codes) -> Tensor:
        """The image of codes."""

    def edit(self, images: Tensor, before: Codes, after: Codes) -> Tensor:
        """The images, changed as their codes were."""

    def centroid(self, i: int, c: int) -> Tensor:
        """The mean code of a class."""

    def draw(self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """Codes of a class."""


class Oracle(Protocol):
    """A network that the editor never saw, as a detector is: log-odds ``(n, attributes)`` of an image batch."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """What it reads."""

    def __call__(self, images: Tensor, /) -> Tensor:
        """The log-odds that each is there."""


class Readings(NamedTuple):
    """A test set with each attribute switched in turn, as the oracle reads it.

    Attributes:
        attributes: what was edited; L names.
        read: what the oracle reads; M names, with those of ``attributes`` among them.
        target: ``(n, L)``, the class that each image was edited to: 1, 0, or -1 where its label is unknown.
        before: ``(n, M)`` probabilities of the images as they were.
        after: ``(n, L, M)`` of the edited ones; NaN where the target is unknown.
    """

    attributes: tuple[str, ...]
    read: tuple[str, ...]
    target: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def own(self) -> list[int]:
        """Where among the readings each edited attribute stands."""
        return [self.read.index(name) for name in self.attributes]


@torch.no_grad()
def replaced(editor: Edits, images: Images, i: int, code: Float[Tensor, "n q"]) -> Images:
    """The images with the code of attribute ``i`` replaced, each by its own ``code``; in batches."""
    _one_each(images, code, "code")
    parts = zip(torch.split(images, BATCH), torch.split(code, BATCH), strict=True)
    return torch.cat([_changed(editor, part, editor.encode(part), i, new) for part, new in parts])


def swapped(editor: Edits, images: Images, i: int, target: Tensor) -> Images:
    """Swap: attribute ``i`` of each image brought to its ``target``, ``(n,)`` of 1 (present) and 0 (absent)."""
    _one_each(images, target, "target")
    return replaced(editor, images, i, torch.stack([editor.centroid(i, c) for c in (0, 1)])[target.long()])


@torch.no_grad()
def borrowed(editor: Edits, images: Images, i: int, references: Images) -> Images:
    """Borrow: attribute ``i`` of each image as in its own reference, an image batch as long as ``images``."""
    codes = torch.cat([editor.encode(part).a[:, i] for part in torch.split(references, BATCH)])
    return replaced(editor, images, i, codes)


@torch.no_grad()
def sampled(
    editor: Edits, images: Images, i: int, count: int, *, c: int = 1, scale: float = 1.0, seed: int = 0
) -> Float32[Tensor, "n count channels height width"]:
    """Diverse Swap: ``count`` draws of class ``c`` of attribute ``i`` for each image, each draw on its own."""
    generator = torch.Generator().manual_seed(seed)
    drawn = editor.draw(i, c, len(images) * count, scale, generator)
    codes = drawn.view(len(images), count, -1)
    made = []
    for part, own in zip(torch.split(images, BATCH), torch.split(codes, BATCH), strict=True):
        before = editor.encode(part)
        made.append(torch.stack([_changed(editor, part, before, i, code) for code in own.unbind(1)], 1))
    return torch.cat(made)


def switched(editor: Edits, images: Images, labels: Tensor) -> Iterator[Images]:
    """For each attribute the images with it at the opposite of its label; an unknown one (-1) is put there."""
    for i, label in enumerate(_labels(labels, len(images), editor.attributes).unbind(1)):
        yield swapped(editor, images, i, label != 1)


@torch.no_grad()
def rebuilt(editor: Edits, images: Images) -> Images:
    """The reconstructions: what the editor draws of the images' own codes."""
    return torch.cat([editor.decode(editor.encode(part)) for part in torch.split(images, BATCH)])


@torch.no_grad()
def readings(
    oracle: Oracle, images: Images, edited: Iterable[Images], attributes: Sequence[str], labels: Tensor
) -> Readings:
    """Have edited images read.

    Args:
        oracle: reads every one of ``attributes``, and whatever else should stay.
        images: as they were.
        edited: for each attribute the images with it at the opposite of its label, as of `switched`.
        attributes: their names.
        labels: ``(n, L)``, 1 present, 0 absent, -1 unknown.

    Raises ``UsageError`` for labels of another shape, an attribute that the oracle does not read, or a missing batch.
    """
    labels = _labels(labels, len(images), attributes)
    for name in attributes:
        if name not in oracle.attributes:
            raise UsageError(f"oracle: {nearest(name, oracle.attributes, 'attribute')}")
    before, *after = (_read(oracle, batch) for batch in (images, *edited))
    if [len(each) for each in after] != [len(images)] * len(attributes):
        raise UsageError(f"edited: expected {len(attributes)} batches of {len(images)} images, got {len(after)}")
    known = (labels >= 0).numpy()
    return Readings(
        attributes=tuple(attributes),
        read=tuple(oracle.attributes),
        target=np.where(known, 1 - labels.numpy(), -1),
        before=before,
        after=np.where(known[:, :, None], np.stack(after, 1), np.nan),
    )


def swap_success(readings: Readings, identity: ArrayLike) -> Drawn:
    """Share of the edits after which the oracle reads the class wanted, ``(1 + resamples, L, 2)`` by that class.

    ``[…, 0]`` are removals and ``[…, 1]`` additions; one figure for both is their mean.
    """
    said = readings.after[:, range(len(readings.attributes)), readings.own] > 0.5
    wanted = readings.target[:, :, None] == [0, 1]
    return means(np.where(wanted, said[:, :, None] == [False, True], np.nan), identity)


def leakage_matrix(readings: Readings) -> NDArray[np.float64]:
    """Mean absolute change of every probability, ``(L, M)``: attribute edited x attribute read, its own included."""
    return np.asarray(_moved(readings, np.full(len(readings.before), -1), resamples=0)[0])


def collateral(readings: Readings, identity: ArrayLike) -> Drawn:
    """Mean absolute change of the probabilities of all other attributes, by the one edited, ``(1 + resamples, L)``."""
    moved = _moved(readings, identity)
    others = np.array([[name != edited for name in readings.read] for edited in readings.attributes])
    if len(readings.read) < 2:
        raise UsageError("collateral: the oracle reads nothing but the edited attribute; use one that reads more")
    return np.asarray((moved * others).sum(2) / others.sum(1))


def leakage(editor: Edits, oracle: Oracle, images: Images, labels: Tensor) -> NDArray[np.float64]:
    """`leakage_matrix` of every image with each attribute at the opposite of its label; arguments as `readings`."""
    return leakage_matrix(readings(oracle, images, switched(editor, images, labels), editor.attributes, labels))


def _changed(editor: Edits, images: Tensor, before: Codes, i: int, code: Tensor) -> Tensor:
    codes = before.a.clone()
    codes[:, i] = code
    return editor.edit(images, before, before._replace(a=codes))


def _read(oracle: Callable[[Tensor], Tensor], images: Tensor) -> NDArray[np.float64]:
    read: NDArray[np.float64] = (
        torch.cat([oracle(part).sigmoid() for part in torch.split(images, BATCH)]).double().numpy()
    )
    return read


def _moved(readings: Readings, identity: ArrayLike, resamples: int = 1000) -> Drawn:
    return means(np.abs(readings.after - readings.before[:, None]), identity, resamples=resamples)


def _one_each(images: Tensor, values: Tensor, name: str) -> None:
    check_images(images)
    if len(values) != len(images) or not len(images):
        raise UsageError(f"{name}: expected one for each of one or more images, got {len(values)} for {len(images)}")


def _labels(labels: Tensor, images: int, attributes: Sequence[str]) -> Tensor:
    labels = torch.as_tensor(labels).long()
    if labels.shape != (images, len(attributes)) or not bool(((labels >= -1) & (labels <= 1)).all()):
        raise UsageError(
            f"labels: expected 1, 0 or -1 (unknown) of shape {(images, len(attributes))}, got {tuple(labels.shape)}"
        )
    return labels
