"""Attacks along the sign of the gradient, in one step or many, within an L-infinity budget.

A value whose gradient is zero does not move, for sign(0) = 0. So through a defence that cuts the gradient, FGSM
returns the image it was given and every accuracy after it is the clean one: it says nothing about the defence.
Such a defence is attacked with the adaptive attacks and held against `Square`, which needs no gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from lineament.attacks.base import Attack, Slope, slope, within
from lineament.classifier import Classifier
from lineament.errors import UsageError

__all__ = ["FGSM", "PGD", "RandFGSM", "for_others", "projected_ascent"]


@dataclass(frozen=True)
class FGSM(Attack):
    """One step of ``eps`` along the sign of the gradient (Goodfellow et al. 2015; eq. 5.1).

    Attributes:
        eps: greatest change of a value, in [0, 1].
    """

    name: ClassVar[str] = "fgsm"
    eps: float

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        return images + self.eps * slope(classifier, images, labels).gradient.sign()


@dataclass(frozen=True)
class RandFGSM(Attack):
    """A random step of ``alpha``, then FGSM with what is left of the budget (Tramèr et al. 2018; eq. 5.2, 5.3).

    Attributes:
        eps: greatest change of a value in all, in [0, 1].
        alpha: size of the random step, at most ``eps``.
    """

    name: ClassVar[str] = "rand_fgsm"
    eps: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha > self.eps:
            raise UsageError(
                f"{self.name}: alpha: expected at most eps = {self.eps}, of which it is a part; got {self.alpha}"
            )

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        drawn = torch.randn(images.shape, generator=generator).to(images.device)
        moved = within(images + self.alpha * drawn.sign(), images, self.alpha)
        return moved + (self.eps - self.alpha) * slope(classifier, moved, labels).gradient.sign()


@dataclass(frozen=True)
class PGD(Attack):
    """Many steps along the sign of the gradient, each brought back into the budget (Madry et al. 2018).

    A step is 2.5 ``eps`` / ``steps``. An image is left alone once it is taken for another class, from the first on: one
    that is wrong as it is comes back as it is.

    Attributes:
        eps: greatest change of a value, in [0, 1].
        steps: of one restart.
        restarts: how often an image is begun anew while it withstands; more never make the attack weaker.
        random_start: begin anywhere in the budget, not at the image; without it all restarts are the same.
        until_wrong: leave an image alone from then on. Shown to another classifier than was attacked (`for_others`), an
            image that is barely wrong is hardly an attack: then every step is taken, and of all points at which it is
            wrong the one of most loss is kept.
    """

    name: ClassVar[str] = "pgd"
    eps: float
    steps: int = 40
    restarts: int = 1
    random_start: bool = True
    until_wrong: bool = True

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        return projected_ascent(
            partial(slope, classifier), images, labels, generator,
            eps=self.eps, steps=self.steps, restarts=self.restarts, random_start=self.random_start,
            until_wrong=self.until_wrong,
        )  # fmt: skip


def for_others(attack: Attack) -> Attack:
    """The attack as it is to be carried out if its images are shown to another classifier than it is aimed at."""
    return replace(attack, until_wrong=False) if isinstance(attack, PGD) else attack


def projected_ascent(
    slope_at: Callable[[Tensor, Tensor], Slope], images: Tensor, labels: Tensor, generator: torch.Generator, *,
    eps: float, steps: int, restarts: int = 1, random_start: bool = True, until_wrong: bool = True,
) -> Tensor:  # fmt: skip
    """Ascend each image's loss within ``eps`` of it until it is wrong; of one that withstands, the point of most loss.

    The image itself is the first point, so one that is wrong already is left as it is, unless not ``until_wrong``.

    Args:
        slope_at: images and their labels to the slope of their loss; gets only those still worked on.
        images: ``(batch, channels, height, width)``, the middle of the budget.
        labels: ``(batch,)``, the true classes.
        generator: of the starts.
        eps: greatest change of a value.
        steps: of one restart; each is 2.5 eps / steps.
        restarts: how often an image is begun anew.
        random_start: begin anywhere in the budget.
        until_wrong: see `PGD`.
    """
    best = images.clone()
    peak = torch.full_like(images[:, 0, 0, 0], -torch.inf)
    lost = torch.zeros_like(peak, dtype=torch.bool)
    climb = partial(_climb, slope_at, images, labels, best=best, peak=peak, lost=lost, until_wrong=until_wrong, eps=eps)
    left = torch.arange(len(images), device=images.device)
    if random_start:  # without it, the first restart begins with the images
        left = climb(images, left, steps=0)
    for _ in range(restarts):
        # drawn for all, so that no start depends on which images were lost before
        drawn = torch.rand(images.shape, generator=generator).to(images.device) * 2 - 1
        start = within(images + eps * drawn, images, eps) if random_start else images
        left = climb(start, left, steps=steps)
    return best


def _climb(
    slope_at: Callable[[Tensor, Tensor], Slope], images: Tensor, labels: Tensor, start: Tensor, left: Tensor, *,
    best: Tensor, peak: Tensor, lost: Tensor, until_wrong: bool, eps: float, steps: int,
) -> Tensor:  # fmt: skip
    """One restart of the images at ``left``; returns which of them are to be begun anew.

    Writes to ``best`` the point of most loss, of those at which the image is wrong if there are such, to ``peak`` that
    loss and to ``lost`` whether it is wrong.
    """
    begun, current = left, start[left]
    for step in range(steps + 1):
        if not len(left):
            break
        found = slope_at(current, labels[left])
        better = (found.wrong & ~lost[left]) | ((found.wrong | ~lost[left]) & (found.loss > peak[left]))
        best[left[better]], peak[left[better]] = current[better], found.loss[better]
        lost[left[found.wrong]] = True
        on = ~found.wrong if until_wrong else torch.ones_like(found.wrong)
        left, current = left[on], current[on]
        if step < steps:
            raised = current + 2.5 * eps / steps * found.gradient[on].sign()
            current = within(raised, images[left], eps)
    return begun[~lost[begun]] if until_wrong else begun
