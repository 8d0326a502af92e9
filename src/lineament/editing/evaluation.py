"""What an edit does to an image, as an independent network reads it: was the label reached, and what else moved?

An editor makes the images, `readings` has them read once, and the figures are taken from that; so images from
elsewhere, rendered again with the truth or merely copied, are measured by the same functions.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float32
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lineament.editing.intervals import Drawn, means
from lineament.editing.operations import AnyEditor, Edit, edit
from lineament.errors import UsageError, nearest
from lineament.images import check_images

__all__ = [
    "Oracle",
    "Readings",
    "collateral",
    "leakage",
    "leakage_matrix",
    "readings",
    "rebuilt",
    "swap_success",
    "swapped",
    "switched",
]

Images = Float32[Tensor, "n channels height width"]
BATCH = 256


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


def swapped(begun: Edit, attribute: str, target: Tensor) -> Images:
    """Swap images each to a class of its own.

    Args:
        begun: as of ``operations.edit``, which encodes the images once for all attributes.
        attribute: one of the editor's.
        target: ``(n,)``, 1 to put it on and 0 to take it off.
    """
    if target.shape != (len(begun),) or not bool(((target == 0) | (target == 1)).all()):
        raise UsageError(f"target: expected 1 or 0 for each of {len(begun)} images, got shape {tuple(target.shape)}")
    images = torch.empty_like(begun.originals)
    for c in (0, 1):
        if bool((chosen := target == c).any()):
            images[chosen] = begun[chosen].swap(attribute, bool(c)).images
    return images


def switched(editor: AnyEditor, images: Images, labels: Tensor) -> Iterator[Images]:
    """For each attribute the images with it at the opposite of its label; an unknown one (-1) is put there."""
    labels, begun = _labels(labels, len(images), editor.attributes), edit(images, editor)
    for attribute, label in zip(editor.attributes, labels.T, strict=True):
        yield swapped(begun, attribute, (label != 1).long())


def rebuilt(editor: AnyEditor, images: Images) -> Images:
    """The reconstructions: what the editor draws of the images' own codes."""
    return torch.cat([editor.decode(editor.encode(part)) for part in torch.split(check_images(images), BATCH)])


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


def swap_success(readings: Readings, identity: ArrayLike, *, thresholds: ArrayLike = 0.5) -> Drawn:
    """Share of the edits after which the oracle reads the class wanted, ``(1 + resamples, L, 2)`` by that class.

    ``[…, 0]`` are removals and ``[…, 1]`` additions; one figure for both is their mean.

    Args:
        readings: of edited images.
        identity: ``(n,)``.
        thresholds: the probability from which the oracle counts an attribute as there: one, or one for each it reads.
    """
    said = (readings.after > np.asarray(thresholds, dtype=float))[:, range(len(readings.attributes)), readings.own]
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


def leakage(editor: AnyEditor, oracle: Oracle, images: Images, labels: Tensor) -> NDArray[np.float64]:
    """`leakage_matrix` of every image with each attribute at the opposite of its label; arguments as `readings`."""
    return leakage_matrix(readings(oracle, images, switched(editor, images, labels), editor.attributes, labels))


def _read(oracle: Oracle, images: Tensor) -> NDArray[np.float64]:
    read: NDArray[np.float64] = (
        torch.cat([oracle(part).sigmoid() for part in torch.split(images, BATCH)]).double().numpy()
    )
    return read


def _moved(readings: Readings, identity: ArrayLike, resamples: int = 1000) -> Drawn:
    return means(np.abs(readings.after - readings.before[:, None]), identity, resamples=resamples)


def _labels(labels: Tensor, images: int, attributes: Sequence[str]) -> Tensor:
    labels = torch.as_tensor(labels).long()
    if labels.shape != (images, len(attributes)) or not bool(((labels >= -1) & (labels <= 1)).all()):
        raise UsageError(
            f"labels: expected 1, 0 or -1 (unknown) of shape {(images, len(attributes))}, got {tuple(labels.shape)}"
        )
    return labels
