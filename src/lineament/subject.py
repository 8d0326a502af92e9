"""What a dossier is about: one detector on one data set, with its answers computed once and shared by all sections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset, Split
from lineament.detectors.loading import AttributeDetector
from lineament.errors import JobError, UsageError
from lineament.images import to_batch

__all__ = ["AttributeDetector", "ImageError", "Readings", "Subject"]

QUICK_IMAGES = 400
"""A quick dossier reads about this many images of each part, all those of some people."""

BATCH = 64


class ImageError(JobError):
    """An image of the subject cannot be read: no section is worth anything without it, so the whole job stops."""


@dataclass(frozen=True)
class Readings:
    """A part of the data and what the detector says about it; columns follow ``Subject.attributes``.

    Attributes:
        dataset: the part.
        labels: ``(n, attributes)`` int8, 1, 0 or -1 for unknown.
        probabilities: ``(n, attributes)`` float64 in [0, 1].
    """

    dataset: AttributeDataset
    labels: NDArray[np.int8] = field(repr=False)
    probabilities: NDArray[np.float64] = field(repr=False)


@dataclass
class Subject:
    """A data set and a detector, matched by attribute names.

    Attributes:
        dataset: with labels; its development part tunes, its test part is what is reported.
        detector: any `AttributeDetector`.
        seed: of everything drawn at random.
        quick: fewer images and resamples; a first look, not a measurement.
        explainers: folders of explainers of the detector, beside those that come with the package.
        generator: folder of a generator of such images, on which a defence projects them.
        editor: folder of an editor of such images, instead of the one that comes with the package for portraits.
        computed: the parts whose `readings` are known by now.
    """

    dataset: AttributeDataset
    detector: AttributeDetector
    seed: int = 0
    quick: bool = False
    explainers: Sequence[Path] = ()
    generator: Path | None = None
    editor: Path | None = None
    computed: dict[Split, Readings] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.dataset = replace(self.dataset, read=_insisting(self.dataset.read))

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The names that both know, in the detector's order; ``UsageError`` if there are none."""
        shared = tuple(name for name in self.detector.attributes if name in self.dataset.attributes)
        if not shared:
            raise UsageError(
                f"detector and data share no attribute: the detector knows {', '.join(self.detector.attributes)}; "
                f"{self.dataset.name} has {', '.join(self.dataset.attributes)}"
            )
        return shared

    @property
    def unmatched(self) -> tuple[list[str], list[str]]:
        """Attributes of the data that the detector lacks, and attributes of the detector that the data lack."""
        found = set(self.attributes)
        return (
            [name for name in self.dataset.attributes if name not in found],
            [name for name in self.detector.attributes if name not in found],
        )

    @cached_property
    def thresholds(self) -> NDArray[np.float64]:
        """The detector's thresholds for ``attributes``."""
        return np.asarray(self.detector.thresholds, dtype=float)[self._columns(self.detector.attributes)]

    @property
    def resamples(self) -> int:
        """How often a bootstrap draws people anew."""
        return 200 if self.quick else 1000

    def labels(self, dataset: AttributeDataset) -> NDArray[np.int8]:
        """The columns ``attributes`` of a part's labels."""
        return dataset.labels[:, self._columns(dataset.attributes)]

    def readings(self, split: Split, progress: Callable[[float], None] | None = None) -> Readings:
        """The detector's answers on one part, computed on the first call; ``progress`` hears the share done."""
        if split not in self.computed:
            dataset = self.dataset.part(split)
            if self.quick:
                dataset = _some_people(dataset, QUICK_IMAGES, self.seed)
            if not len(dataset):
                raise JobError(f"{self.dataset.name}: its {split} part is empty; a dossier needs development and test")
            probabilities = self._detect(dataset, progress or (lambda share: None))
            self.computed[split] = Readings(dataset, self.labels(dataset), probabilities)
        return self.computed[split]

    def _columns(self, names: tuple[str, ...]) -> list[int]:
        return [names.index(name) for name in self.attributes]

    @torch.inference_mode()
    def _detect(self, dataset: AttributeDataset, progress: Callable[[float], None]) -> NDArray[np.float64]:
        found = np.empty((len(dataset), len(self.detector.attributes)))
        for start in range(0, len(dataset), BATCH):
            chunk = np.arange(start, min(start + BATCH, len(dataset)))
            pixels = [dataset.read(int(i)) for i in chunk]
            for shape in {image.shape for image in pixels}:  # images of one size go together
                same = [k for k, image in enumerate(pixels) if image.shape == shape]
                images = to_batch(np.stack([pixels[k] for k in same]))
                images = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
                eyes = None if dataset.eyes is None else torch.from_numpy(dataset.eyes[chunk[same]])
                found[chunk[same]] = self.detector.probabilities(images, eyes).double().cpu().numpy()
            progress((chunk[-1] + 1) / len(dataset))
        if not (found.min() >= 0 and found.max() <= 1):
            raise JobError("the detector gave numbers outside [0, 1], or NaN, as probabilities; train it again")
        return found[:, self._columns(self.detector.attributes)]


def _insisting(read: Callable[[int], NDArray[np.uint8]]) -> Callable[[int], NDArray[np.uint8]]:
    def insisting(i: int) -> NDArray[np.uint8]:
        try:
            return read(i)
        except JobError as error:
            raise ImageError(f"{error}; mend or remove it ('lineament data check' lists all such)") from None

    return insisting


def _some_people(dataset: AttributeDataset, images: int, seed: int) -> AttributeDataset:
    """Whole people, drawn at random, until there are ``images`` images; in the set's own order."""
    alone = np.where(dataset.identity < 0, -1 - np.arange(len(dataset)), dataset.identity)
    _, person, counts = np.unique(alone, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(counts))
    enough = int(np.searchsorted(counts[order].cumsum(), images)) + 1
    return dataset.subset(np.isin(person, order[:enough]))
