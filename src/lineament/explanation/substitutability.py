"""Substitutability (section 4.5.5): how much of a classifier's accuracy is left when it learns from made images.

Of the training images of one class, or of both, none is kept: as many images made *into* that class, from the training
images of the other one, take their place. A classifier is trained from scratch on that and tested on real images. Its
accuracy as a share of the ceiling, the accuracy of one that learned from the real images, is the measure.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from scipy.stats import t as student
from torch import Tensor

from lineament.classifier import AdaptedClassifier
from lineament.datasets.labelled import Labelled, floats
from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer
from lineament.explanation.small_classifiers import accuracy, train_small

__all__ = ["CEILING", "Made", "Maker", "Share", "made_from", "of_explainer", "substitutability", "substituted"]

CEILING = "ceiling"
"""The row of a classifier that learned from the real images alone."""

Made = Mapping[str, tuple[Tensor | None, Tensor | None]]
"""By kind (``"transformed"``, ``"composite"``): the images made into class 0 and into class 1, bytes
``(n, channels, height, width)``; None where a method makes none, as a one-way method does."""

Maker = Callable[[Tensor, int], Mapping[str, Tensor]]
"""An image batch and the class to make of it, to image batches by kind; to none where it cannot make that class."""


class Share(NamedTuple):
    """One cell of table 4.2 or 4.3.

    Attributes:
        accuracy: on the test images, the mean over retraining seeds.
        share: the mean over seeds of the accuracy divided by the ceiling's of the same seed; it can exceed 1.
        low, high: the 95 % interval of the share over seeds (Student). It tells of the retraining alone: the made
            images, the test images and the explained classifier are given.
    """

    accuracy: float
    share: float
    low: float
    high: float


def of_explainer(explainer: Explainer) -> Maker:
    """What an explainer of two classes makes: transformed images, and composites (equation 4.5) if it has a mask."""

    def make(images: Tensor, target: int) -> dict[str, Tensor]:
        targets = torch.full((len(images),), target)
        transformed, _, composite = explainer(images, 1 - targets, targets)
        return {"transformed": transformed} | ({"composite": composite} if explainer.masked else {})

    return make


@torch.no_grad()
def made_from(
    images: UInt8[Tensor, "n channels height width"], decisions: Decisions, make: Maker, *, batch_size: int = 256
) -> Made:
    """Make every image into the class that it is not in.

    Args:
        images: training images, bytes.
        decisions: of a classifier of two classes. What it decides, not the label, says which class an image is in
            (section 4.3.1).
        make: the method.
        batch_size: images handed to it at once.

    Raises ``UsageError`` for another number of classes, or if none of the images is in one of them.
    """
    if len(decisions.classes) != 2:
        raise UsageError(f"substitutability is of two classes, and this classifier has {len(decisions.classes)}")
    predicted = torch.cat([decisions.predict(floats(part)) for part in torch.split(images, batch_size)])
    into: list[dict[str, Tensor]] = []
    for target in (0, 1):
        sources = images[predicted == 1 - target]
        if not len(sources):
            name = decisions.classes[1 - target]
            raise UsageError(f"the classifier takes none of the {len(images)} images for {name!r}: nothing to cross")
        batches = [make(floats(part), target) for part in torch.split(sources, batch_size)]
        into.append({kind: torch.cat([_bytes(batch[kind]) for batch in batches]) for kind in batches[0]})
    return {kind: (into[0].get(kind), into[1].get(kind)) for kind in into[0] | into[1]}


def substituted(part: Labelled, made: Made) -> dict[str, Labelled]:
    """The training set of each cell: ``KIND_0``, ``KIND_1`` and ``both_KIND``, those for which there are images.

    A class keeps its number of images. Where fewer were made, they are taken again from the first; where more, the
    rest is left out.
    """
    sets = {}
    for kind, (into_0, into_1) in made.items():
        if into_0 is not None:
            sets[f"{kind}_0"] = _joined(_as_many(into_0, part.of(0)), part.of(1))
        if into_1 is not None:
            sets[f"{kind}_1"] = _joined(part.of(0), _as_many(into_1, part.of(1)))
        if into_0 is not None and into_1 is not None:
            sets[f"both_{kind}"] = _joined(_as_many(into_0, part.of(0)), _as_many(into_1, part.of(1)))
    return sets


def substitutability(
    sets: Mapping[str, Labelled],
    test: Labelled,
    seeds: Sequence[int],
    *,
    train: Callable[[Labelled, int], AdaptedClassifier] = lambda part, seed: train_small(part, 2, seed=seed),
) -> dict[str, Share]:
    """Train a classifier from scratch on each set, once a seed, and test it.

    Args:
        sets: training sets by name; the one named `CEILING` is what the others are shares of.
        test: real images.
        seeds: of the training; two or more.
        train: a training set and a seed to a classifier; the explained one's own recipe.
    """
    if len(seeds) < 2 or CEILING not in sets:
        raise UsageError(f"substitutability: expected two seeds or more and a set {CEILING!r}, got {len(seeds)} and "
                         f"the sets {', '.join(sets)}")  # fmt: skip
    reached = {name: np.array([accuracy(train(part, seed), test) for seed in seeds]) for name, part in sets.items()}
    return {name: _share(found, reached[CEILING]) for name, found in reached.items()}


def _share(found: np.ndarray, ceiling: np.ndarray) -> Share:
    shares = found / ceiling
    mean, spread = float(shares.mean()), float(shares.std(ddof=1)) / len(shares) ** 0.5
    margin = float(student.ppf(0.975, len(shares) - 1)) * spread
    return Share(float(found.mean()), mean, mean - margin, mean + margin)


def _as_many(images: Tensor, as_these: Tensor) -> Tensor:
    return images[torch.arange(len(as_these)) % len(images)]


def _joined(*classes: Tensor) -> Labelled:
    counts = torch.tensor([len(images) for images in classes])
    return Labelled(torch.cat(classes), torch.arange(len(classes)).repeat_interleave(counts))


def _bytes(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)
