"""What an attack is: settings that print themselves, and one call that says of each image whether it was fooled.

A subclass is a frozen dataclass of settings that writes only ``run``. The base checks what comes, cuts it into
batches, keeps the result in [0, 1] and inside the budget, and then asks the attacked classifier what it makes of just
these images: no success is claimed for an image that is not returned.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor
from torch.nn.functional import softplus

from lineament.classifier import Classifier
from lineament.errors import JobError, UsageError
from lineament.images import check_images

__all__ = ["Adversarial", "Attack", "Slope", "gradient", "margin", "not_finite", "slope", "title", "within"]


@dataclass(frozen=True)
class Adversarial:
    """What an attack made of images, in their order.

    Attributes:
        images: ``(n, channels, height, width)`` in [0, 1]; where the attack failed, its best try.
        success: ``(n,)``; the attacked classifier gets the adversarial image wrong.
        predictions: ``(n,)``; what it takes the adversarial image for.
        l2: ``(n,)``; Euclidean distance to the image.
        linf: ``(n,)``; greatest change of a value.
        clean: ``(n,)``; the classifier got the image right before the attack.
        attack: its settings, as it prints them.
    """

    images: Float32[Tensor, "n channels height width"]
    success: Bool[Tensor, " n"]
    predictions: Int64[Tensor, " n"]
    l2: Float32[Tensor, " n"]
    linf: Float32[Tensor, " n"]
    clean: Bool[Tensor, " n"]
    attack: str


@dataclass(frozen=True)
class Attack(ABC):
    """An attack that wants any class but the true one.

    A setting annotated ``int`` must be a whole number of at least 1, one annotated ``float`` a finite number of at
    least 0; ``eps``, where there is one, is the greatest change of a value (L-infinity) and at most 1.

    Attributes:
        name: for the command line and tables.
        needs_gradient: whether it differentiates the classifier.
    """

    name: ClassVar[str]
    needs_gradient: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for setting in fields(self):
            _check_setting(f"{self.name}: {setting.name}", setting.type, getattr(self, setting.name))
        if (eps := getattr(self, "eps", 0)) > 1:
            raise UsageError(
                f"{self.name}: eps: expected at most 1, for values are in [0, 1]; {eps} of 255 is {eps}/255"
            )

    @abstractmethod
    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch; autograd is off here, `slope` turns it on.

        Args:
            classifier: what is attacked; `check_target` let it pass.
            images: ``(batch, channels, height, width)``, never to be written to.
            labels: ``(batch,)``, the true classes.
            generator: of all that is random; on the processor, so that every device gives the same.
        """

    def check_target(self, classifier: Classifier) -> None:
        """Raise ``UsageError``, saying what to do instead, if this attack cannot work on ``classifier``."""
        if self.needs_gradient and not classifier.differentiable:
            raise UsageError(
                f"{title(classifier)} has no gradient, which {self.name} needs: attack it with square or through a "
                "substitute, or with BPDA if it is Defended, a classifier behind a purifier"
            )

    def project(self, adversarial: Tensor, images: Tensor) -> Tensor:
        """``adversarial`` brought into [0, 1] and, if there is an ``eps``, to within it of ``images``."""
        return within(adversarial, images, getattr(self, "eps", 1.0))

    def __call__(
        self, classifier: Classifier, images: Tensor, labels: Tensor, *, seed: int = 0, batch_size: int = 256
    ) -> Adversarial:
        """Attack ``images``; neither they nor the classifier are changed.

        Args:
            classifier: image batch to logits ``(batch, classes)``.
            images: ``(n, channels, height, width)`` float32 in [0, 1].
            labels: ``(n,)`` int64, the true classes.
            seed: of all that is random. An attack that draws nothing makes the same of an image whatever stands
                beside it; one that draws does so by the image's place.
            batch_size: images attacked at once.

        Raises ``UsageError`` for what is no image batch, labels that are not the classifier's, and a classifier that
        lacks the gradient the attack needs; ``JobError`` where a gradient is not finite.
        """
        images = check_images(images).detach()
        _check_labels(labels, images)
        self.check_target(classifier)
        if batch_size < 1:
            raise UsageError(f"batch_size: expected at least 1, got {batch_size}")
        batches = list(zip(torch.split(images, batch_size), torch.split(labels, batch_size), strict=True))
        # a seed a batch: what one draws does not move what the next one draws
        seeds = torch.randint(2**62, (len(batches),), generator=torch.Generator().manual_seed(seed)).tolist()
        with torch.no_grad():
            parts = [self._batch(classifier, *batch, each) for batch, each in zip(batches, seeds, strict=True)]
        made, success, predictions, l2, linf, clean = map(torch.cat, zip(*parts, strict=True))
        return Adversarial(made, success, predictions, l2, linf, clean, repr(self))

    def _batch(self, classifier: Classifier, images: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, ...]:
        before = classifier(images)
        _check_classes(classifier, before.shape[1], labels)
        made = self.run(classifier, images, labels, torch.Generator().manual_seed(seed))
        made = self.project(made.detach(), images)
        predictions = classifier(made).argmax(1)
        change = (made - images).flatten(1)
        norms = change.norm(dim=1), change.abs().amax(1)
        return made, predictions != labels, predictions, *norms, before.argmax(1) == labels


class Slope(NamedTuple):
    """How the loss of each image rises.

    Attributes:
        gradient: of its loss with respect to the image, ``(batch, channels, height, width)``.
        loss: ``(batch,)`` cross-entropy of the true class, in nats.
        wrong: ``(batch,)``; the classifier takes it for another class.
    """

    gradient: Float32[Tensor, "batch channels height width"]
    loss: Float32[Tensor, " batch"]
    wrong: Bool[Tensor, " batch"]


def slope(classifier: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, *, finite: bool = True) -> Slope:
    """The cross-entropy of each image and its gradient; it is summed over the batch, so no image sees its neighbours.

    Args:
        classifier: image batch to logits ``(batch, classes)``, with a gradient; any function.
        images: where to differentiate.
        labels: ``(batch,)``, the true classes.
        finite: see `gradient`.

    Raises what `gradient` raises.
    """
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        logits = classifier(images)
        others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1)
        # cross-entropy, written so that its gradient does not vanish where the classifier is all but certain
        loss = softplus(others - logits.gather(1, labels[:, None])[:, 0])
        rise = gradient(classifier, logits, loss, images, finite=finite)
    return Slope(rise, loss.detach(), logits.detach().argmax(1) != labels)


def gradient(classifier: object, logits: Tensor, loss: Tensor, at: Tensor, *, finite: bool = True) -> Tensor:
    """The gradient of each image's ``loss``, made of the ``logits``, with respect to ``at``.

    Raises ``UsageError`` if the classifier's logits carry no gradient, ``JobError`` if it is not finite, unless
    ``finite`` is False: then the caller sees to it.
    """
    if not logits.requires_grad:
        raise UsageError(f"{title(classifier)} says that it is differentiable, but its logits carry no gradient")
    (found,) = torch.autograd.grad(loss.sum(), at)
    # isfinite().all(), but ten times as fast: only what is not finite times 0 is not 0
    if finite and (found * 0).sum() != 0:
        raise not_finite(classifier)
    return found


def not_finite(classifier: object) -> JobError:
    """What to raise where no gradient of ``classifier`` can be followed."""
    return JobError(f"{title(classifier)}: the gradient of the loss is not finite, so no attack can follow it")


def margin(logits: Float32[Tensor, "batch classes"], labels: Int64[Tensor, " batch"]) -> Float32[Tensor, " batch"]:
    """How far the true class's logit lies above the best other one; below 0 the image is taken for another class."""
    true = labels[:, None]
    others = logits.scatter(1, true, -torch.inf)
    return logits.gather(1, true)[:, 0] - others.amax(1)


def within(adversarial: Tensor, images: Tensor, eps: float) -> Tensor:
    """``adversarial`` clipped to differ from ``images`` by at most ``eps`` in each value, and to [0, 1]."""
    return adversarial.clamp(images - eps, images + eps).clamp_(0, 1)


def title(classifier: object) -> str:
    """What to call a classifier in messages."""
    return str(getattr(classifier, "name", type(classifier).__name__))


def _check_labels(labels: Tensor, images: Tensor) -> None:
    wanted = f"labels: expected the true class of each image, int64 of shape ({len(images)},)"
    if labels.dtype != torch.int64 or labels.shape != (len(images),):
        raise UsageError(f"{wanted}, got {labels.dtype} of shape {tuple(labels.shape)}")
    if len(labels) and labels.min() < 0:
        raise UsageError(f"{wanted}, each 0 or more, got {labels.min()}")


def _check_classes(classifier: Classifier, classes: int, labels: Tensor) -> None:
    if classes < 2:
        raise UsageError(
            f"{title(classifier)}: expected a logit for each of two or more classes, got {classes} logit(s)"
        )
    if len(labels) and labels.max() >= classes:
        raise UsageError(f"labels: {title(classifier)} has the classes 0 to {classes - 1}, got {labels.max()}")


def _check_setting(name: str, kind: Any, value: Any) -> None:
    if kind is int and not (isinstance(value, int) and value >= 1):
        raise UsageError(f"{name}: expected a whole number of at least 1, got {value!r}")
    if kind is float and not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
        raise UsageError(f"{name}: expected a number of at least 0, got {value!r}")
