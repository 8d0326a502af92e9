"""The attack that no projection can undo: an image of the generator itself, near the given one and taken for another.

A purifier that projects leaves what its generator can make as it is, so latents are searched directly (Athalye et al.
2018, section 5.4). Over latents z, as in equation 5.4 with the distance beyond the budget in place of the distance,

    minimise ||G(z) - x'||^2 + max(margin(G(z)) + confidence, 0),   x' = G(z) clipped to within eps of x,

where x' is the adversarial image and margin is of the bare classifier, for the defence is taken to give back G(z). What
the defence does make of x' is asked along the way, and alone decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor

from lineament.attacks.adaptive import check_defended
from lineament.attacks.base import Attack, gradient, margin, within
from lineament.classifier import Classifier
from lineament.errors import UsageError
from lineament.purifier import Defended

__all__ = ["OnManifold"]

LOOKS = 10
"""How often the defence is asked in one search; each time costs what a step of BPDA does."""


@dataclass(frozen=True)
class OnManifold(Attack):
    """Search the latents of the purifier's generator, by Adam.

    The first restart begins where the images lie on the manifold, if the purifier can tell; the others, from N(0, I).

    Attributes:
        eps: greatest change of a value, in [0, 1].
        steps: of one restart.
        restarts: how often an image is begun anew while it withstands; more never make the attack weaker.
        rate: of Adam.
        confidence: how far, in logits, another class should lie above the true one, so that it still does once the
            defence has projected the image.
    """

    name: ClassVar[str] = "on_manifold"
    eps: float
    steps: int = 200
    restarts: int = 4
    rate: float = 0.1
    confidence: float = 5.0

    def check_target(self, classifier: Classifier) -> None:
        """Raise ``UsageError`` unless ``classifier`` stands behind a purifier that projects on a manifold."""
        purifier = check_defended(classifier, self.name).purifier
        if purifier.manifold is None:
            raise UsageError(f"{purifier.name} has no manifold for {self.name} to search: attack it with BPDA")

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        target = cast(Defended, classifier)
        best, least = images.clone(), _judged(target, images, labels)
        for restart in range(self.restarts):
            # drawn for all, so that no start depends on which images were lost before
            start = torch.randn(len(images), target.purifier.latent, generator=generator).to(images.device)
            left = _withstanding(least)
            if not len(left):
                break
            if restart == 0 and target.purifier.guess is not None:
                start[left] = target.purifier.guess(images[left], target.seed)
            best[left], least[left] = self._search(
                target, images[left], labels[left], start[left], best[left], least[left]
            )
        return best

    def _search(
        self, target: Defended, images: Tensor, labels: Tensor, latents: Tensor, best: Tensor, least: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One restart; returns the images that the defence gives the least margin, and that margin."""
        manifold = cast(Callable[[Tensor], Tensor], target.purifier.manifold)
        latents = latents.requires_grad_()
        adam = torch.optim.Adam([latents], self.rate)
        for step in range(1, self.steps + 1):
            with torch.enable_grad():
                made = manifold(latents)
                near = within(made.detach(), images, self.eps)
                logits = target.classifier(made)
                beyond = (made - near).square().flatten(1).sum(1)
                cost = beyond + (margin(logits, labels) + self.confidence).clamp(min=0)
                latents.grad = gradient(target.classifier, logits, cost, latents)
            adam.step()
            if step % max(1, self.steps // LOOKS) == 0 or step == self.steps:
                left = _withstanding(least)
                found = _judged(target, near[left], labels[left])
                better = found < least[left]
                best[left[better]], least[left[better]] = near[left][better], found[better]
        return best, least


def _judged(target: Defended, images: Tensor, labels: Tensor) -> Tensor:
    """The margin of each image behind the defence; of one that is taken for another class, less than all others."""
    logits = target(images)
    return margin(logits, labels).masked_fill(logits.argmax(1) != labels, -torch.inf)


def _withstanding(least: Tensor) -> Tensor:
    """The places of images that no try has lost yet."""
    return (least > -torch.inf).nonzero()[:, 0]
