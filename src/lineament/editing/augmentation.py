"""Edited images of rare combinations: what chapter 1 wants editing for.

A detector that never saw a hat with glasses may learn that hats go without. Training images that lack the glasses get
them; they keep their other labels, their person and their day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.datasets.framing import framed
from lineament.editing.combinations import Indices, named, sources
from lineament.editing.operations import MOST_SCALE, AnyEditor, Edit, edit
from lineament.errors import JobError, UsageError
from lineament.images import to_batch, to_uint8
from lineament.training.run import step_seed

__all__ = ["Edited", "Operation", "augment", "check_wishes"]

Operation = Literal["swap", "sample", "borrow"]

AT_ONCE = 128
"""Images that are edited at a time."""

MOST = 100_000
"""Edited images of 64 px at most, of other sizes as many as have so many pixels: they lie in memory, 1.2 GB."""


@dataclass(frozen=True)
class Edited:
    """Edited images and what they were made of.

    Attributes:
        images: ``(n, height, width, 3)`` uint8.
        labels: ``(n, attributes)`` int8 in the set's order; -1 where the edit moved what it should not have.
        source: ``(n,)`` the image of the set that each was made of.
        provenance: a JSON object for each: its source, the operation, what was switched, whence it was borrowed, and
            which labels are no longer known.
        tried: how many edits were made, with those that did not take.
    """

    images: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int8] = field(repr=False)
    source: Indices = field(repr=False)
    provenance: list[dict[str, Any]] = field(repr=False)
    tried: int

    def __len__(self) -> int:
        return len(self.source)


def augment(
    dataset: AttributeDataset,
    editor: AnyEditor,
    combination: Mapping[str, bool],
    count: int,
    *,
    operation: Operation = "sample",
    scale: float = 1.0,
    seed: int = 0,
) -> Edited:
    """Edit training images until ``count`` more of them show a combination.

    Those that lack least of it come first; after the last one, Diverse Swap and Borrow begin again with the first. An
    edit counts if the editor finds the whole combination in its result, as far as it knows the attributes, and did not
    find what was switched before, for then the label or the editor errs. Where it reads another attribute otherwise
    than before, that label becomes unknown.

    Args:
        dataset: any with labels; its images are edited as `framing.framed` has them, at the editor's size.
        editor: what it cannot draw of the combination, a source image must have already.
        combination: attribute to whether it shall be there, ``{"Eyeglasses": True, "Wearing_Hat": True}``.
        count: how many.
        operation: ``"swap"`` puts on the mean of a class, ``"sample"`` a draw of it, ``"borrow"`` what another
            training image of that class has.
        scale: of the spread of ``"sample"``, above 0.
        seed: of sources, draws and references.

    Returns:
        ``count`` images; fewer if of twice as many edits not enough take, or if Swap runs out of sources.

    Raises:
        UsageError: an unknown attribute or operation, a count below 1 or beyond memory (`MOST`), a seed below 0, a
            scale that is not above 0, no image to edit or to borrow from.
        JobError: no edit took, or an image cannot be read.
    """
    if operation not in get_args(Operation):
        raise UsageError(f"operation: expected {', '.join(get_args(Operation))}, got {operation!r}")
    check_wishes(count, scale, seed, editor.shape[1])
    order, lacking = sources(dataset, editor.attributes, combination, seed)
    workshop = _Workshop(framed(dataset, editor.shape[1:], colour=True), editor, dict(combination), operation, scale)
    turns = np.arange(2 * count if operation != "swap" else min(2 * count, len(order))) % len(order)
    made = tried = 0
    found: list[Edited] = []
    while made < count and tried < len(turns):
        turn = turns[tried : tried + min(AT_ONCE, count - made)]
        for pattern in np.unique(lacking[turn], axis=0):
            alike = order[turn[(lacking[turn] == pattern).all(1)]]
            switched = {name: on for (name, on), lacks in zip(combination.items(), pattern, strict=True) if lacks}
            found.append(workshop.edited(alike, switched, step_seed(seed, len(found))))
        tried += len(turn)
        made = sum(map(len, found))
    if not made:
        raise JobError(
            f"{dataset.name}: of {tried} edited images, the editor finds {named(combination)} in none that lacked it "
            "before; another combination or operation, or a better trained editor, may do"
        )
    images, labels, source = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("images", "labels", "source")
    )
    return Edited(images, labels, source, [line for each in found for line in each.provenance], tried)


def check_wishes(count: int, scale: float, seed: int, size: int) -> None:
    """Refuse, before any image is decoded, what `augment` cannot do with images of ``size`` pixels."""
    most = MOST * 64**2 // size**2
    if not 1 <= count <= most:
        raise UsageError(f"count: expected 1 to {most:,} images of {size} x {size} pixels, got {count}")
    if not 0 < scale <= MOST_SCALE:
        raise UsageError(
            f"scale: expected more than 0 and at most {MOST_SCALE}, got {scale}; 1 is the spread of the class itself"
        )
    if seed < 0:
        raise UsageError(f"seed: expected 0 or more, got {seed}")


@dataclass(frozen=True)
class _Workshop:
    """What all edits of one call have in common; the set is at the editor's size."""

    dataset: AttributeDataset
    editor: AnyEditor
    combination: dict[str, bool]
    operation: Operation
    scale: float

    def edited(self, rows: Indices, switched: Mapping[str, bool], seed: int) -> Edited:
        """The images at ``rows`` with some attributes switched, without those in which that did not take."""
        begun = edit(self.dataset.images(rows), self.editor)
        done, references = begun, {}
        for i, (name, on) in enumerate(switched.items()):
            done, references[name] = self._switched(done, name, on, step_seed(seed, i))
        pixels = to_uint8(done.images)  # what is read below is what will be stored
        before, after = (self._readings(each) for each in (begun, edit(to_batch(pixels), self.editor)))
        took = np.all([after[name] == on for name, on in self.combination.items() if name in after], axis=0)
        took &= np.all([before[name] != on for name, on in switched.items()], axis=0)
        labels = self.dataset.labels[rows]
        moved = np.zeros(labels.shape, dtype=bool)
        for column, name in enumerate(self.dataset.attributes):
            if name in self.combination:
                labels[:, column] = self.combination[name]
            elif name in after:
                moved[:, column] = before[name] != after[name]
        labels[moved] = -1
        told = [self._told(k, row, switched, references, moved[k]) for k, row in enumerate(rows) if took[k]]
        return Edited(pixels[took], labels[took], rows[took], told, len(rows))

    def _told(
        self,
        k: int,
        row: int,
        switched: Mapping[str, bool],
        references: Mapping[str, Indices],
        moved: NDArray[np.bool_],
    ) -> dict[str, Any]:
        """The provenance of image ``k`` of a call."""
        names = self.dataset.names
        return {
            "source": names[row],
            "operation": self.operation,
            "switched": dict(switched),
            "references": {name: names[lenders[k]] for name, lenders in references.items() if len(lenders)},
            "unknown": np.array(self.dataset.attributes)[moved].tolist(),
        }

    def _switched(self, done: Edit, name: str, on: bool, seed: int) -> tuple[Edit, Indices]:
        """One attribute switched in all images, and the images that it was borrowed from."""
        nobody = np.array([], dtype=np.int64)
        if self.operation == "swap":
            return done.swap(name, on), nobody
        if self.operation == "sample":
            return done.sample(name, on, scale=self.scale, seed=seed), nobody
        pool = np.flatnonzero((self.dataset.column(name) == int(on)) & (self.dataset.split == 0))
        if not len(pool):
            raise UsageError(f"{self.dataset.name}: no training image has {named({name: on})}, so none can lend it")
        found = np.random.default_rng(seed).choice(pool, len(done))
        # of a reference in which the editor finds nothing it takes what is there; often that does not take
        return done.borrow(name, self.dataset.images(found), force=True), found

    def _readings(self, done: Edit) -> dict[str, NDArray[np.bool_]]:
        """What the editor itself finds in the edited images, by attribute."""
        found = done.presence.cpu().numpy() > 0.5
        return dict(zip(self.editor.attributes, found.T, strict=True))
