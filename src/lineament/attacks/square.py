"""The square attack (Andriushchenko et al. 2020, L-infinity): random search that sees logits and no gradient.

It is what shows a masked gradient: where it does better than the gradient attacks, they were blind, not the classifier
robust. All images of a batch are tried at once; one that is taken for another class, be it unattacked, is left alone.
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor

from lineament.attacks.base import Attack, margin, within
from lineament.classifier import Classifier

__all__ = ["Square"]

SHARE = 0.8
"""Of the image that the first square covers, as in AutoAttack."""

HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Queries of 10,000 after which the share is halved; scaled to the number of queries there are."""


@dataclass(frozen=True)
class Square(Attack):
    """Squares of the whole budget at random places, kept where they lower the margin.

    Attributes:
        eps: greatest change of a value, in [0, 1].
        queries: tries that the classifier sees of an image, beside the image itself; the first is vertical stripes.
    """

    name: ClassVar[str] = "square"
    needs_gradient: ClassVar[bool] = False
    eps: float
    queries: int = 1000

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        count, channels, height, width = images.shape
        best, stripes = images.clone(), torch.ones(count, 1, height, width, dtype=torch.bool)
        least, standing = _judge(classifier, best, labels)
        left = standing.nonzero()[:, 0]
        for query in range(self.queries):
            if not len(left):
                break
            # drawn for all, so that an image's squares do not depend on how its neighbours fare
            size = side(height * width, query / self.queries)
            inside = _squares(count, height, width, size, generator) if query else stripes
            signs = _signs((count, channels, 1, 1 if query else width), generator)
            inside, signs = inside.to(images.device)[left], signs.to(images.device)[left]
            filled = within(images[left] + self.eps * signs, images[left], self.eps)
            tried = torch.where(inside, filled, best[left])
            found, standing = _judge(classifier, tried, labels[left])
            better = ~standing | (found < least[left])
            best[left[better]], least[left[better]] = tried[better], found[better]
            left = left[standing]
        return best


def side(pixels: int, done: float) -> int:
    """Pixels on a side of the square, after the share ``done`` of the queries of an image of so many pixels."""
    halvings = sum(done * 10_000 > after for after in HALVED_AFTER)
    return max(round(sqrt(SHARE / 2**halvings * pixels)), 1)


def _judge(classifier: Classifier, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The margin of each image and whether it still is taken for its true class."""
    logits = classifier(images)
    return margin(logits, labels), logits.argmax(1) == labels


def _signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(2, shape, generator=generator).float() * 2 - 1


def _squares(count: int, height: int, width: int, side: int, generator: torch.Generator) -> Tensor:
    """``(count, 1, height, width)`` bool, True in a square that lies anywhere within the image."""
    spans = []
    for extent in (height, width):
        length = min(side, extent)
        first = torch.randint(extent - length + 1, (count, 1), generator=generator)
        place = torch.arange(extent)
        spans.append((place >= first) & (place < first + length))
    return (spans[0][:, :, None] & spans[1][:, None, :])[:, None]
