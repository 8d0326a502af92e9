"""Edits of a dossier's own test images, and what its detector answers to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor
from torch.nn.functional import interpolate

from lineament.datasets.base import AttributeDataset
from lineament.datasets.framing import framed
from lineament.detectors.evaluation import people
from lineament.editing.editor import composed
from lineament.editing.intervals import interval, means
from lineament.editing.operations import AnyEditor, Edit, edit

if TYPE_CHECKING:
    from lineament.subject import Readings, Subject

__all__ = ["KINDS", "SWAPS", "Material", "Rows", "measured", "share"]

SWAPS = ("put_on", "taken_off")
KINDS = (*SWAPS, "drawn", "borrowed")

Rows = Int64[NDArray[np.int64], " n"]
Images = Float[Tensor, "n 3 height width"]
Answers = Float[NDArray[np.float64], "n attributes"]

AT_ONCE = 64
"""Images that the detector reads at a time."""


@dataclass(frozen=True)
class Material:
    """What is edited, by what, and who reads it.

    Attributes:
        subject: its detector reads, at the size of its images.
        test: its test part.
        editor: of an attribute at least that the subject knows.
    """

    subject: "Subject"
    test: "Readings"
    editor: AnyEditor

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Those of the editor that detector and data know, too, and that the detector reads rightly somewhere."""
        known = (name for name in self.editor.attributes if name in self.subject.attributes)
        return tuple(name for name in known if self.right[:, self.column(name)].any())

    @cached_property
    def decisions(self) -> Bool[NDArray[np.bool_], "images attributes"]:
        """What the detector decides about each test image."""
        return self.decided(self.test.probabilities)

    @cached_property
    def right(self) -> Bool[NDArray[np.bool_], "images attributes"]:
        """Whether the detector's decision about each test image is its label."""
        return np.asarray(self.test.labels == self.decisions)

    def decided(self, answers: Answers) -> Bool[NDArray[np.bool_], "n attributes"]:
        """Which attributes count as present at the detector's probabilities."""
        return np.asarray(answers >= self.subject.thresholds)

    def column(self, name: str) -> int:
        """Where an attribute stands in labels and answers."""
        return self.subject.attributes.index(name)

    @cached_property
    def order(self) -> Rows:
        """All test images, at random."""
        return np.random.default_rng(self.subject.seed).permutation(len(self.test.dataset))

    def alone(self, rows: Rows) -> Int64[NDArray[np.int64], " people"]:
        """The rows without all but the first image of each person."""
        person = people(self.test.dataset.identity)[rows]
        return np.asarray(rows[np.sort(np.unique(person, return_index=True)[1])])

    def rows(self, name: str, present: bool, most: int) -> Rows:
        """Test images with or without an attribute that the detector reads rightly; one of a person, at random."""
        j = self.column(name)
        wanted = self.right[:, j] & (self.test.labels[:, j] == present)
        return self.alone(self.order[wanted[self.order]])[:most]

    def images(self, rows: Rows) -> Images:
        """Test images as the editor takes them: squares about their middle, in colour, of its size."""
        return framed(self.test.dataset, self.editor.shape[1:], colour=True).images(rows)

    @torch.inference_mode()
    def answers(self, squares: Images, edited: Images, rows: Rows) -> Answers:
        """The detector's probabilities for the test images ``rows``, changed as their squares were by an edit."""
        dataset, detector = self.test.dataset, self.subject.detector
        images = _set_back(dataset, squares, edited, rows)
        eyes = None if dataset.eyes is None else torch.from_numpy(dataset.eyes[rows])
        parts = [slice(start, start + AT_ONCE) for start in range(0, len(images), AT_ONCE)]
        found = [detector.probabilities(images[at], None if eyes is None else eyes[at]).double().cpu() for at in parts]
        return torch.cat(found).numpy()[:, [detector.attributes.index(name) for name in self.subject.attributes]]


def measured(material: Material, name: str, most: int) -> dict[str, Any]:
    """How the detector reads edits of one attribute, as JSON values.

    Args:
        material: what is edited.
        name: one of its attributes.
        most: images with and without the attribute at most.

    Returns:
        ``put_on``, ``taken_off``, ``drawn``, ``borrowed``: the share of the swaps either way, of Diverse Swaps and of
        Borrows that the detector reads as meant (`share`); ``images``: how many were swapped; ``moved``: by how much a
        swap moves each of its probabilities, mean of absolute values; ``collateral``: the mean of that over the other
        attributes, with its 95 % interval over people.
    """
    j, made = material.column(name), _edits(material, name, most)
    after = {key: material.answers(one.originals, one.images, rows) for key, (rows, _, one) in made.items()}
    read = {key: share(material.decided(after[key])[:, j] == on) for key, (_, on, _) in made.items()}
    swaps = [key for key in SWAPS if key in made]
    rows = np.concatenate([made[key][0] for key in swaps])
    moved = np.abs(np.concatenate([after[key] for key in swaps]) - material.test.probabilities[rows])
    others = np.delete(moved, j, 1).mean(1) if moved.shape[1] > 1 else np.full(len(moved), np.nan)
    spread = means(
        others, material.test.dataset.identity[rows], resamples=material.subject.resamples, seed=material.subject.seed
    )
    return {
        "attribute": name,
        **dict.fromkeys(KINDS, share([])),
        **read,
        "images": len(moved),
        "moved": dict(zip(material.subject.attributes, moved.mean(0).tolist(), strict=True)),
        "collateral": [None if np.isnan(bound) else bound for bound in interval(spread).tolist()],
    }


def share(hits: NDArray[np.bool_] | Sequence[bool]) -> list[float | None]:
    """``[share, low, high]``: how many are hits, with the 95 % interval (Wilson 1927); None of none."""
    if not len(hits):
        return [None, None, None]
    found = binomtest(int(np.sum(hits)), len(hits))
    return [float(found.statistic), *map(float, found.proportion_ci(method="wilson"))]


def _edits(material: Material, name: str, most: int) -> dict[str, tuple[Rows, bool, Edit]]:
    """By kind, the test images edited, whether the attribute shall then be there, and the edit."""
    made: dict[str, tuple[Rows, bool, Edit]] = {}
    without, having = (material.rows(name, present, most) for present in (False, True))
    if len(having):
        worn = edit(material.images(having), material.editor)
        made["taken_off"] = having, False, worn.swap(name, False)
    if len(without):
        bare = edit(material.images(without), material.editor)
        made["put_on"] = without, True, bare.swap(name)
        made["drawn"] = without, True, bare.sample(name, seed=material.subject.seed)
    if len(having) and len(without):
        references = worn.originals[torch.arange(len(without)) % len(having)]
        made["borrowed"] = without, True, bare.borrow(name, references, force=True)
    return made


def _set_back(
    dataset: AttributeDataset, squares: Images, edited: Images, rows: Rows
) -> Float[Tensor, "n 3 whole_height whole_width"]:
    """The whole images ``rows``, changed where the edit changed their squares; an edit that does nothing gives them."""
    if dataset.read(int(rows[0])).shape[:2] == squares.shape[2:]:
        return edited  # nothing was cut or scaled
    whole = dataset.images(rows).expand(-1, 3, -1, -1).clone()
    side = min(whole.shape[2:])
    top, left = ((length - side) // 2 for length in whole.shape[2:])
    inside = whole[:, :, top : top + side, left : left + side]
    before, after = (interpolate(images, (side, side), mode="bilinear", antialias=True) for images in (squares, edited))
    inside[:] = composed(inside, before, after)
    return whole
