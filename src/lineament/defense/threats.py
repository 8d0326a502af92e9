"""How a defended classifier stands under attackers who know more of it or less.

A threat model is a name and an attack. An attack that can work on the classifier behind its purifier is aimed at that;
one that needs a gradient, which that has not, is aimed at the bare classifier: it does not know the defence, and is
*oblivious*. An image counts as lost at a budget if any attack at all got it wrong within that budget (Carlini et al.
2019), so the worst case is taken per image and not per attack.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lineament.attacks.base import Adversarial, Attack
from lineament.attacks.black_box import BlackBox
from lineament.attacks.gradient_sign import for_others
from lineament.classifier import Classifier
from lineament.defense.intervals import share
from lineament.errors import UsageError
from lineament.images import check_images
from lineament.purifier import Defended

__all__ = ["CLEAN", "WORST", "Trial", "evaluate", "joined", "lost_at", "rows", "trials"]

CLEAN, WORST = "no attack", "worst case"
"""Threats that every evaluation has: images as they are, and each image under whichever attack it stands least."""

TOLERANCE = 1e-6
"""What a budget may be overstepped by: 0.3 has no exact float32."""


ADVERSARIAL = ("images", "success", "predictions", "l2", "linf", "clean")
"""What an `Adversarial` has of each image."""


@dataclass(frozen=True)
class Trial:
    """One attack at one budget.

    Attributes:
        threat: the name of its threat model.
        attack: with its settings.
        oblivious: whether it was aimed at the bare classifier.
        adversarial: what it made; where it was aimed at the bare classifier, ``success`` is over that.
        correct: ``(n,)``; the defended classifier gets the adversarial image right.
        seconds: that it took.
    """

    threat: str
    attack: Attack
    oblivious: bool
    adversarial: Adversarial
    correct: Bool[Tensor, " n"]
    seconds: float

    @property
    def eps(self) -> float | None:
        """Its budget; None for an attack without one."""
        attack = self.attack.attack if isinstance(self.attack, BlackBox) else self.attack
        return getattr(attack, "eps", None)


@dataclass(frozen=True)
class _Nothing(Attack):
    """Images as they are, as an attack of no budget, so that they go the way of all others."""

    eps: float = 0.0

    name: ClassVar[str] = CLEAN
    needs_gradient: ClassVar[bool] = False

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return images


def evaluate(
    defended: Defended,
    images: Tensor,
    labels: Tensor,
    threats: Mapping[str, Attack],
    eps: Sequence[float] = (),
    **settings: Any,
) -> list[dict[str, Any]]:
    """Accuracy under each threat model and in the worst case: the `rows` of `trials`, whose arguments it has."""
    return rows(trials(defended, images, labels, threats, eps, **settings), eps)


def trials(
    defended: Defended,
    images: Tensor,
    labels: Tensor,
    threats: Mapping[str, Attack],
    eps: Sequence[float] = (),
    *,
    oblivious: Collection[str] = (),
    seed: int = 0,
    batch_size: int = 256,
) -> list[Trial]:
    """Run every threat at every budget; the first trial is of the images as they are.

    Args:
        defended: what is evaluated. Bare classifiers are, behind a purifier that changes nothing.
        images: ``(n, channels, height, width)`` in [0, 1], n at least 1.
        labels: ``(n,)`` int64, the true classes.
        threats: names to attacks. The ``eps`` of an attack that has one is replaced by each of ``eps`` in turn.
        eps: budgets in [0, 1], rising; none leaves each attack at its own.
        oblivious: names of those aimed at the bare classifier although they could be aimed at the defence.
        seed: of the attacks.
        batch_size: images attacked at once.

    Raises ``UsageError`` for budgets that do not rise, no images, reserved names, and what the attacks refuse.
    """
    check_images(images)
    if not len(images):
        raise UsageError("images: expected at least one to attack, got none")
    if list(eps) != sorted(set(eps)):
        raise UsageError(f"eps: expected rising budgets, got {', '.join(map(str, eps))}")
    if taken := {CLEAN, WORST} & threats.keys():
        raise UsageError(f"threats: {taken.pop()!r} is reserved; give that attack another name")
    planned = [(threat, one) for threat, attack in threats.items() for one in _at_each(attack, eps)]
    return [
        _trial(threat, attack, defended, images, labels, seed=seed, batch_size=batch_size,
               oblivious=threat in {CLEAN, *oblivious} or _must_be_oblivious(attack, defended))
        for threat, attack in [(CLEAN, _Nothing()), *planned]
    ]  # fmt: skip


def rows(found: Sequence[Trial], eps: Sequence[float] = ()) -> list[dict[str, Any]]:
    """One dictionary a trial, then the worst case at every budget, as JSON values.

    Keys: ``threat``; ``eps``, None for an attack without a budget; ``n``; ``accuracy`` of the defended classifier and
    its 95 % interval; ``undefended``, the same of the bare classifier where that was attacked, else None; ``l2``, the
    median distance from an image, and ``linf``, the greatest; the ``attack`` with its settings, None
    where there is none; ``seconds``.

    Args:
        found: the trials; images in one order.
        eps: budgets of the worst case; none takes those of the trials.
    """
    budgets = list(eps) or sorted({trial.eps for trial in found if trial.eps is not None and trial.threat != CLEAN})
    lost = lost_at(found).cpu()
    return [_row(trial) for trial in found] + [
        {"threat": WORST, "eps": budget, "n": len(lost), "accuracy": share(lost > budget + TOLERANCE),
         "undefended": None, "l2": None, "linf": budget, "attack": "any of the above", "seconds": None}
        for budget in budgets
    ]  # fmt: skip


def lost_at(found: Sequence[Trial]) -> Float[Tensor, " n"]:
    """The least change of a value by which any trial got each image wrong, ``(n,)``; inf if none did."""
    distances = [torch.where(trial.correct, torch.inf, trial.adversarial.linf) for trial in found]
    return torch.stack(distances).amin(0)


def joined(found: Sequence[Sequence[Trial]]) -> list[Trial]:
    """The same threats on several sets of images, or of several classifiers, as trials on all of them together.

    Args:
        found: results of `trials` with the same threats and budgets.
    """
    return [_together(parts) for parts in zip(*found, strict=True)]


def _together(parts: Sequence[Trial]) -> Trial:
    made = [part.adversarial for part in parts]
    columns = {key: torch.cat([getattr(one, key) for one in made]) for key in ADVERSARIAL}
    return replace(parts[0], adversarial=Adversarial(**columns, attack=made[0].attack),
                   correct=torch.cat([part.correct for part in parts]),
                   seconds=sum(part.seconds for part in parts))  # fmt: skip


def _trial(
    threat: str, attack: Attack, defended: Defended, images: Tensor, labels: Tensor, *, oblivious: bool, seed: int,
    batch_size: int,
) -> Trial:  # fmt: skip
    target, attack = (defended.classifier, for_others(attack)) if oblivious else (defended, attack)
    start = time.perf_counter()
    made = attack(target, images, labels, seed=seed, batch_size=batch_size)
    correct = _right(defended, made.images, labels, batch_size) if oblivious else ~made.success
    return Trial(threat, attack, oblivious, made, correct, time.perf_counter() - start)


def _right(defended: Defended, images: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    with torch.no_grad():
        said = [defended(part).argmax(1) for part in torch.split(images, batch_size)]
    return torch.cat(said) == labels


def _at_each(attack: Attack, eps: Sequence[float]) -> list[Attack]:
    """The attack at each budget; as it is if it has none, or none is given."""
    if isinstance(attack, BlackBox):
        return [replace(attack, attack=one) for one in _at_each(attack.attack, eps)]
    if not eps or not hasattr(attack, "eps"):
        return [attack]
    return [replace(attack, eps=budget) for budget in eps]  # type: ignore[call-arg]


def _must_be_oblivious(attack: Attack, defended: Defended) -> bool:
    """Whether an attack can work on the bare classifier alone; ``UsageError`` if it can on neither."""
    try:
        attack.check_target(defended)
    except UsageError as error:
        try:
            attack.check_target(defended.classifier)
        except UsageError:
            raise error from None
        return True
    return False


def _row(trial: Trial) -> dict[str, Any]:
    made = trial.adversarial
    return {
        "threat": trial.threat, "eps": trial.eps, "n": len(trial.correct), "accuracy": share(trial.correct.cpu()),
        "undefended": share(~made.success.cpu()) if trial.oblivious else None, "l2": float(made.l2.median()),
        "linf": float(made.linf.max()), "attack": None if trial.threat == CLEAN else made.attack,
        "seconds": trial.seconds,
    }  # fmt: skip
