"""What a purifier is: from image batch to image batch, before a classifier looks; and a classifier behind one.

A purifier says what gradient an attacker who knows it can take through it. So every attack of `lineament.attacks`
works on any of them, and no defence looks strong only because its gradient was never asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lineament.classifier import Classifier
from lineament.errors import UsageError, nearest
from lineament.images import check_images

__all__ = ["Defended", "Purifier", "defended"]

Purify = Callable[[Tensor, int], Tensor]
"""An image batch and a seed to an image batch of the same shape."""


@dataclass(frozen=True)
class Purifier:
    """A purifier.

    Attributes:
        name: for tables and messages, with its settings.
        purify: what it does; the same seed gives the same images, and no image depends on its neighbours in the batch.
        gradients: functions of the same kind whose gradient stands for the purifier's, by name. ``"exact"`` is the
            purifier itself, differentiated. ``"identity"`` need not be named, every purifier has it.
        randomised: whether the seed matters; if so, an attacker averages over seeds.
        manifold: latents ``(batch, latent)`` of N(0, I) to the images that the purifier can give, where it projects;
            differentiable.
        latent: how many latents the manifold has.
        guess: images and a seed to the latents of what the purifier makes of them, where it projects.
    """

    name: str
    purify: Purify = field(repr=False)
    gradients: Mapping[str, Purify] = field(default_factory=dict, repr=False)
    randomised: bool = False
    manifold: Callable[[Tensor], Tensor] | None = field(default=None, repr=False)
    latent: int = 0
    guess: Callable[[Tensor, int], Tensor] | None = field(default=None, repr=False)

    def __call__(self, images: Tensor, *, seed: int = 0) -> Tensor:
        """The purified image batch, without gradient. Raises ``UsageError`` if ``images`` is no image batch."""
        check_images(images)
        with torch.no_grad():
            return self.purify(images, seed).clamp(0, 1)

    @property
    def routes(self) -> tuple[str, ...]:
        """The gradients that can be taken through it: ``identity``, and what it names itself."""
        return tuple(dict.fromkeys(["identity", *self.gradients]))

    def through(self, images: Tensor, route: str = "identity", *, seed: int = 0) -> Tensor:
        """The purified images, with the gradient of ``route`` (BPDA: Athalye et al. 2018).

        Along ``"exact"`` value and gradient are one computation; along any other the value is the purifier's.
        """
        if route not in self.routes:
            raise UsageError(nearest(route, self.routes, "gradient"))
        if route == "exact":
            return self.gradients[route](images, seed)
        stand_in = self.gradients[route](images, seed) if route in self.gradients else images
        return self(images.detach(), seed=seed) + (stand_in - stand_in.detach())


@dataclass(frozen=True)
class Defended:
    """A classifier behind a purifier: a classifier again, without gradient.

    Attackers who know the defence take the gradient of ``classifier(purifier.through(images, route))``; those who do
    not attack ``classifier``.
    """

    classifier: Classifier
    purifier: Purifier
    seed: int = 0
    differentiable: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """Of both, for tables and messages."""
        return f"{self.purifier.name} before {getattr(self.classifier, 'name', type(self.classifier).__name__)}"

    def __call__(self, images: Tensor) -> Tensor:
        """Logits ``(batch, classes)`` of the purified images."""
        return self.classifier(self.purifier(images, seed=self.seed))


def defended(classifier: Classifier, purifier: Purifier, *, seed: int = 0) -> Defended:
    """``classifier``, looking at what ``purifier`` makes of an image; ``seed`` of the purifier, where it draws."""
    return Defended(classifier, purifier, seed)
