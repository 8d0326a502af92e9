"""Attacks that know the defence: forward through the purifier, backward along a gradient that stands for its own.

Both ascend what the defended classifier itself makes of an image, purified again at every step (Athalye et al. 2018).
Where the purifier draws, the attacker knows the seed in force, as in section 5.4 ("white-box attacks, revisited"), and
averages over further seeds the direction of the gradient: one start's descent may lead nowhere, the expectation over
starts need not. Directions, for the size of a gradient through a long descent says how wild that descent was, and the
wildest seed would rule a mean of gradients.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, cast

import torch
from torch import Tensor

from lineament.attacks.base import Attack, Slope, not_finite, slope, title
from lineament.attacks.gradient_sign import projected_ascent
from lineament.classifier import Classifier
from lineament.errors import UsageError, nearest
from lineament.purifier import Defended

__all__ = ["BPDA", "Unrolled", "check_defended", "expected_slope"]


@dataclass(frozen=True)
class BPDA(Attack):
    """Backward pass differentiable approximation: PGD whose way back leaves the purifier out, or takes an encoder's.

    An image is left alone once the defended classifier takes it for another class.

    Attributes:
        eps: greatest change of a value, in [0, 1].
        steps: of one restart; each is 2.5 ``eps`` / ``steps``.
        route: which of the purifier's gradients stands for its own: ``"identity"``, or one that it names.
        average: seeds over which the gradient's direction is averaged, the one in force among them; 1 where nothing is
            drawn.
        restarts: how often an image is begun anew while it withstands; more never make the attack weaker.
    """

    name: ClassVar[str] = "bpda"
    eps: float
    steps: int = 40
    route: str = "identity"
    average: int = 4
    restarts: int = 1

    def check_target(self, classifier: Classifier) -> None:
        """Raise ``UsageError`` unless ``classifier`` stands behind a purifier that has the gradient ``route``."""
        purifier = check_defended(classifier, self.name).purifier
        if self.route not in purifier.routes:
            has = ", ".join(map(repr, purifier.routes))
            told = nearest(self.route, purifier.routes, "gradient")
            raise UsageError(f"{self.name}: {purifier.name} can be gone back through by {has}: {told}")

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        target = cast(Defended, classifier)
        return projected_ascent(
            partial(expected_slope, target, route=self.route, average=self.average, generator=generator),
            images, labels, generator, eps=self.eps, steps=self.steps, restarts=self.restarts,
        )  # fmt: skip


@dataclass(frozen=True)
class Unrolled(BPDA):
    """PGD along the defence's true gradient, through every step of the purifier's own loop (section 5.6)."""

    name: ClassVar[str] = "unrolled"
    route: str = field(default="exact", init=False)


@dataclass(frozen=True)
class _Through:
    """A defended classifier with the gradient of one route and the draws of one seed."""

    target: Defended
    route: str
    seed: int

    @property
    def name(self) -> str:
        return self.target.name

    def __call__(self, images: Tensor) -> Tensor:
        return self.target.classifier(self.target.purifier.through(images, self.route, seed=self.seed))


def expected_slope(
    target: Defended, images: Tensor, labels: Tensor, *, route: str, average: int, generator: torch.Generator
) -> Slope:
    """How the loss rises through a defence: the mean direction over seeds, loss and verdict of the one in force.

    Before the mean, the gradient of each seed and image is divided by the mean of its absolute values. One that is not
    finite, as may come of a long descent, counts as 0, except along ``"identity"``, where it is the classifier's own.

    Args:
        target: the classifier behind its purifier.
        images: ``(batch, channels, height, width)``, where to differentiate.
        labels: ``(batch,)``, the true classes.
        route: the gradient that stands for the purifier's.
        average: seeds; all but the one in force are drawn from ``generator``. A purifier that draws nothing has one.
        generator: of the seeds.

    Raises ``JobError`` for an image of which no seed gives a finite gradient; along ``"identity"``, of which one does
    not.
    """
    more = average - 1 if target.purifier.randomised else 0
    seeds = [target.seed, *torch.randint(2**31, (more,), generator=generator).tolist()]
    found = [slope(_Through(target, route, seed), images, labels, finite=route == "identity") for seed in seeds]
    directions, finite = zip(*(_direction(each.gradient) for each in found), strict=True)
    if not torch.stack(finite).any(0).all():
        raise not_finite(target)
    wrong, claimed = found[0].wrong.clone(), found[0].wrong
    if claimed.any():  # an unrolled loop rounds otherwise than the defence, by whose verdict alone an image is lost
        wrong[claimed] = target(images[claimed]).argmax(1) != labels[claimed]
    return found[0]._replace(gradient=torch.stack(directions).mean(0), wrong=wrong)


def _direction(gradients: Tensor) -> tuple[Tensor, Tensor]:
    """Each image's gradient over the mean of its absolute values, 0 if it is not finite; and which are finite."""
    finite = gradients.isfinite().flatten(1).all(1)
    kept = gradients.where(finite[:, None, None, None], 0)
    return kept / kept.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-30), finite


def check_defended(classifier: Classifier, name: str) -> Defended:
    """``classifier``, if it stands behind a purifier and the attack ``name`` can differentiate what is behind it.

    Raises ``UsageError`` that says what to do instead.
    """
    if not isinstance(classifier, Defended):
        raise UsageError(
            f"{title(classifier)} has no purifier, which {name} attacks: put it behind one with purifier.defended, or "
            "attack it with PGD, or with square if it has no gradient"
        )
    if not classifier.classifier.differentiable:
        raise UsageError(
            f"{title(classifier.classifier)}, behind {classifier.purifier.name}, has no gradient, which {name} needs: "
            "attack the two with square, or through a substitute"
        )
    return classifier
