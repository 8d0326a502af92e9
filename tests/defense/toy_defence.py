"""A defence that can be worked out by hand: one pixel, which must be above a half, and a purifier that rounds it."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from lineament.attacks.base import Attack, slope
from lineament.classifier import from_module
from lineament.errors import UsageError
from lineament.purifier import Defended, Purifier, defended

__all__ = ["NOTHING", "Blind", "Down", "Knowing", "Lazy", "Stuck", "bare", "behind", "pixels"]

NOTHING = Purifier("nothing", lambda images, seed: images)


class Above(nn.Module):
    """Class 1 where the mean of an image is above a half."""

    def forward(self, images):
        rise = 20 * (images.mean((1, 2, 3)) - 0.5)
        return torch.stack([-rise, rise], 1)


def bare():
    return from_module(Above())


def rounded(images, seed):
    """Below 0.4 to 0.2, below 0.8 to 0.6, else to 1: class 1 begins at 0.4 behind it."""
    return (images * 2.5).floor().clamp(max=2) * 0.4 + 0.2


def behind(purifier=None):
    return defended(bare(), purifier or Purifier("rounded", rounded))


def pixels(*values):
    """Images of one grey each, and their true classes."""
    images = torch.tensor(values)[:, None, None, None].expand(-1, 1, 2, 2).clone()
    return images, (images.mean((1, 2, 3)) > 0.5).long()


@dataclass(frozen=True)
class Down(Attack):
    """One step along the gradient, of a classifier that has one."""

    eps: float
    name: ClassVar[str] = "down"

    def run(self, classifier, images, labels, generator):
        return images + self.eps * slope(classifier, images, labels).gradient.sign()


@dataclass(frozen=True)
class Stuck(Down):
    """Several steps that lead nowhere."""

    steps: int = 3
    name: ClassVar[str] = "stuck"

    def run(self, classifier, images, labels, generator):
        return images


@dataclass(frozen=True)
class Knowing(Attack):
    """Works on the defence alone: towards the other side, as far as the budget goes."""

    eps: float
    name: ClassVar[str] = "knowing"

    def check_target(self, classifier):
        if not isinstance(classifier, Defended):
            raise UsageError("has no purifier")

    def run(self, classifier, images, labels, generator):
        return images - self.eps * (2 * labels - 1)[:, None, None, None]


@dataclass(frozen=True)
class Lazy(Knowing):
    """Does nothing."""

    name: ClassVar[str] = "lazy"

    def run(self, classifier, images, labels, generator):
        return images


@dataclass(frozen=True)
class Blind(Knowing):
    """Without gradient, on anything."""

    name: ClassVar[str] = "blind"
    needs_gradient: ClassVar[bool] = False

    def check_target(self, classifier):
        pass
