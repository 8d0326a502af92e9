"""How a case stands under attack, bare and behind a purifier: which threats, how much is tried, what gives it away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Attack
from lineament.attacks.gradient_sign import PGD
from lineament.attacks.manifold import OnManifold
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.defense.cases import Case
from lineament.defense.detection import disagreement, error
from lineament.defense.threats import Trial, trials
from lineament.purifier import Purifier, defended

__all__ = [
    "KNOWN", "OBLIVIOUS", "STANDS", "TELLING", "Effort", "Scores", "effort", "flank", "oblivious", "scores", "stand",
    "strongest",
]  # fmt: skip

EPS = tuple(round(levels / 255, 6) for levels in (1, 2, 4, 8))
"""Budgets: a grey level is 1/255, and 8/255 is hardly seen in a photograph. Rounded, for they are printed."""

TELLING = EPS[2]
"""The budget of findings, of detection and of the pictures."""

STANDS = 0.8
"""Accuracy under attack from which on it counts as a strength: the lower end of its interval, not the share itself."""

OBLIVIOUS, STRAIGHT, THROUGH, MANIFOLD, BY_QUERIES, RANDOM = (
    "oblivious", "BPDA", "exact gradient", "on the manifold", "queries alone", "random noise",
)  # fmt: skip

KNOWN = {
    OBLIVIOUS: "the detector, not that anything stands before it",
    STRAIGHT: "both, and leaves the purifier out on the way back",
    THROUGH: "both, and goes back through the purifier's own arithmetic",
    MANIFOLD: "both, and searches the images that the generator can make",
    BY_QUERIES: "neither: asks the two about many images (greatest budget only)",
    RANDOM: "nothing: a control",
}
"""What each attacker knows."""


@dataclass(frozen=True)
class Effort:
    """How much is tried; every step of an attack costs what one look at the image through the purifier does.

    Attributes:
        images: of each attribute.
        development: clean images that detection's threshold is chosen on.
        eps: budgets, `TELLING` among them.
        steps: of the attacks along a gradient.
        unrolled: of the one through the purifier's own arithmetic.
        queries: of the one without a gradient, at the greatest budget.
    """

    images: int
    development: int
    eps: tuple[float, ...]
    steps: int
    unrolled: int
    queries: int


FULL = Effort(images=12, development=60, eps=EPS, steps=10, unrolled=10, queries=50)
QUICK = Effort(images=6, development=30, eps=EPS[2:], steps=10, unrolled=10, queries=20)
PROJECTED = Effort(images=2, development=20, eps=EPS[2:], steps=5, unrolled=2, queries=10)
"""Behind a generator, where one look is a descent of a hundred steps or more."""


@dataclass(frozen=True)
class Scores:
    """What tells attacked images from clean ones, ``(n,)`` each; greater is more suspicious."""

    error: Tensor
    disagreement: Tensor

    @staticmethod
    def of(parts: "Sequence[Scores]") -> "Scores":
        """Those of several sets of images, one after the other."""
        return Scores(*(torch.cat([getattr(part, name) for part in parts]) for name in ("error", "disagreement")))


def effort(purifier: Purifier, quick: bool) -> Effort:
    """What an evaluation of some minutes at most can try."""
    return PROJECTED if purifier.manifold is not None else QUICK if quick else FULL


def flank(accuracy: Sequence[float], doubts: Sequence[str] = ()) -> Literal["strength", "weak flank"]:
    """What an accuracy under attack, with its interval, is worth; attacks that are doubted prove no strength."""
    return "strength" if accuracy[1] >= STANDS and not doubts else "weak flank"


def stand(case: Case, purifier: Purifier, effort: Effort, *, seed: int = 0) -> list[Trial]:
    """One case under every threat that its classifier and its purifier allow; images as they are come first."""
    target, eps = defended(case.classifier, purifier, seed=seed), effort.eps
    blind = Square(1.0, queries=effort.queries)
    if case.classifier.differentiable:
        found = trials(target, case.images, case.labels, _along_gradients(purifier, effort), eps, seed=seed)
    else:
        unaware = {OBLIVIOUS: blind, RANDOM: Noise(1.0)}
        found = trials(target, case.images, case.labels, unaware, eps, oblivious=[OBLIVIOUS], seed=seed)
    return found + trials(target, case.images, case.labels, {BY_QUERIES: blind}, eps[-1:], seed=seed)[1:]


def scores(case: Case, images: Tensor, purified: Tensor) -> Scores:
    """How far images lie from their purified ones, and how differently the case's classifier answers to the two."""
    with torch.no_grad():
        return Scores(error(images, purified), disagreement(case.classifier, images, purified))


def strongest(found: Sequence[Trial], eps: float) -> Trial:
    """Of the attacks at ``eps`` the one that the defence stands least; of equals, one that knows it."""
    at = [trial for trial in found if trial.eps == eps and trial.threat != RANDOM]
    return min(at, key=lambda trial: (int(trial.correct.sum()), trial.oblivious))


def oblivious(found: Sequence[Trial], eps: float) -> Trial:
    """The attack at ``eps`` that does not know the defence."""
    return next(trial for trial in found if trial.threat == OBLIVIOUS and trial.eps == eps)


def _along_gradients(purifier: Purifier, effort: Effort) -> dict[str, Attack]:
    """Attacks whose budget is set by who runs them; one with a gradient of its own that draws nothing needs no BPDA."""
    found: dict[str, Attack] = {OBLIVIOUS: PGD(1.0, steps=effort.steps)}
    if "exact" not in purifier.routes or purifier.randomised:
        found[STRAIGHT] = BPDA(1.0, steps=effort.steps, average=1)
    if "exact" in purifier.routes:
        found[THROUGH] = Unrolled(1.0, steps=effort.unrolled, average=1)
    if purifier.manifold is not None:
        found[MANIFOLD] = OnManifold(1.0, steps=5 * effort.steps, restarts=1)
    return found | {RANDOM: Noise(1.0)}
