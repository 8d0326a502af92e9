"""The attack of Carlini and Wagner (2017) of least L2 distance (eq. 5.4), all images and their constants at once.

minimise ||x' - x||^2 + c max(margin(x') + confidence, 0) over w, where x' = (tanh(w) + 1) / 2 stays in [0, 1] by
itself and margin is the true class's logit less the best other one. Constants as in the authors' code: images are
shrunk by 0.999999 before atanh, so that black and white pixels can move too.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from lineament.attacks.base import Attack, gradient, margin
from lineament.classifier import Classifier

__all__ = ["CarliniWagner"]

SHRINK = 0.999999


class _Best(NamedTuple):
    """The best try so far: of those that reached the confidence the nearest, else the one of least margin."""

    images: Tensor
    l2: Tensor
    """``(batch,)`` squared distance; infinite where the confidence was not reached."""
    margin: Tensor

    def take(self, images: Tensor, l2: Tensor, margin: Tensor, reached: Tensor) -> None:
        """Keep what is better, image by image."""
        better = torch.where(reached, l2 < self.l2, self.l2.isinf() & (margin < self.margin))
        self.images[better], self.margin[better] = images[better], margin[better]
        self.l2[better & reached] = l2[better & reached]


@dataclass(frozen=True)
class CarliniWagner(Attack):
    """Least L2 distance at which an image is taken for another class, by Adam.

    The defaults are those of chapter 5. Its rate of 10 throws pixels from end to end of [0, 1]; for small distances
    take ``rate=0.01`` and some ``searches``.

    Attributes:
        c: what the margin weighs against the squared distance; where the searches begin.
        steps: of Adam in each search.
        rate: of Adam.
        confidence: how far, in logits, another class must lie above the true one.
        searches: each after the first goes on with a c of its own for every image: halfway between the greatest that
            failed and the least that did not, or ten times greater if none has yet.
    """

    name: ClassVar[str] = "cw"
    c: float = 100.0
    steps: int = 100
    rate: float = 10.0
    confidence: float = 0.0
    searches: int = 1

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        best = _Best(images.clone(), *torch.full((2, len(images)), torch.inf, device=images.device))
        c = torch.full_like(best.l2, self.c)
        low, high = torch.zeros_like(c), torch.full_like(c, torch.inf)
        for _ in range(self.searches):
            reached = self._search(classifier, images, labels, c, best)
            low, high = torch.where(reached, low, c), torch.where(reached, c, high)
            c = torch.where(high.isinf(), 10 * c, (low + high) / 2)
        return best.images

    def _search(self, classifier: Classifier, images: Tensor, labels: Tensor, c: Tensor, best: _Best) -> Tensor:
        """Minimise with one ``c`` an image; returns which reached the confidence, ``(batch,)``."""
        w = torch.atanh((2 * images - 1) * SHRINK).requires_grad_()
        adam = torch.optim.Adam([w], self.rate)
        ever = torch.zeros_like(labels, dtype=torch.bool)
        for _ in range(self.steps):
            with torch.enable_grad():
                tried = (torch.tanh(w) + 1) / 2
                l2 = (tried - images).square().flatten(1).sum(1)
                logits = classifier(tried)
                above = margin(logits, labels)
                cost = l2 + c * (above + self.confidence).clamp(min=0)
                w.grad = gradient(classifier, logits, cost, w)
            reached = (logits.argmax(1) != labels) & (above <= -self.confidence)
            best.take(tried.detach(), l2.detach(), above.detach(), reached)
            ever |= reached
            adam.step()
        return ever
