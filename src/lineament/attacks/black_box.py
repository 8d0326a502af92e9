"""Attacks that see nothing but answers: a substitute learns them, and what fools it is sent on (Papernot et al. 2017).

The substitute begins with a few images of its own. After each round of training, every image is moved to where its
class changes most, and the classifier is asked what it takes the moved one for (Jacobian-based augmentation), so that
the substitute learns the boundary and not the images.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lineament.attacks.base import Attack, gradient, title
from lineament.attacks.gradient_sign import for_others
from lineament.classifier import AdaptedClassifier, Classifier, from_module
from lineament.errors import JobError, UsageError
from lineament.images import check_images

__all__ = ["BlackBox", "augmented", "train_substitute"]

BATCH, RATE = 128, 1e-3
"""Of the substitute's training, by Adam, as in the dissertation's source."""

AT_ONCE = 256
"""Images asked about, or moved, in one piece."""


@dataclass(frozen=True)
class BlackBox(Attack):
    """What an attack makes of a substitute, sent to the classifier, of which it needs nothing.

    Attributes:
        substitute: stands in for the classifier; `train_substitute` makes one.
        attack: carried out on the substitute.
    """

    name: ClassVar[str] = "black_box"
    needs_gradient: ClassVar[bool] = False
    substitute: Classifier
    attack: Attack

    def __post_init__(self) -> None:
        super().__post_init__()
        self.attack.check_target(self.substitute)
        object.__setattr__(self, "attack", for_others(self.attack))

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Adversarial images of one batch."""
        return self.attack.run(self.substitute, images, labels, generator)

    def project(self, adversarial: Tensor, images: Tensor) -> Tensor:
        """``adversarial`` brought into the budget of the attack."""
        return self.attack.project(adversarial, images)


def train_substitute(
    classifier: Classifier,
    images: Tensor,
    *,
    architecture: Callable[[], nn.Module],
    rounds: int = 6,
    epochs: int = 10,
    lambda_: float = 0.1,
    limit: int | None = None,
    seed: int = 0,
) -> AdaptedClassifier:
    """Train a stand-in for ``classifier`` on its answers alone; nothing but the class of an image is asked of it.

    The defaults are those of chapter 5: from its 150 images they make 4,800, each asked about once.

    Args:
        classifier: what is imitated, gradient or not; behind a purifier, every question is one projection.
        images: ``(n, channels, height, width)`` float32 in [0, 1], what the attacker begins with; of several classes,
            and none that the attack is tried on.
        architecture: makes the untrained substitute, with as many logits; it need not be like the classifier.
        rounds: of training; after each but the last, images are moved and asked about.
        epochs: passes over all images in a round.
        lambda_: how far an image is moved, in every value.
        limit: the most images that a round adds, drawn at random (the reservoir, 400 in the paper); None doubles them.
        seed: of weights, batches, dropout and draws; the global generator is left as it was.

    Raises:
        UsageError: images that are none, settings out of range, or a substitute of other classes.
        JobError: the classifier takes all images for one class, so that there is no boundary to learn.
    """
    _check_settings(images, rounds=rounds, epochs=epochs, lambda_=lambda_, limit=limit)
    images = images.detach()
    with torch.random.fork_rng([images.device] if images.is_cuda else []):
        torch.manual_seed(seed)
        network = architecture().to(images.device)
        substitute = replace(from_module(network), name=f"substitute of {title(classifier)}")
        answers = _answers(classifier, images)
        _check_start(title(classifier), answers, substitute(images[:1]))
        labels = answers.argmax(1)
        for left in reversed(range(rounds)):
            _fit(network, images, labels, epochs)
            if left:
                chosen = torch.randperm(len(images))[:limit].to(images.device)
                moved = augmented(substitute, images[chosen], labels[chosen], lambda_)
                images, labels = torch.cat([images, moved]), torch.cat([labels, _answers(classifier, moved).argmax(1)])
    return substitute


def augmented(
    substitute: Classifier,
    images: Float32[Tensor, "n channels height width"],
    labels: Int64[Tensor, " n"],
    lambda_: float,
) -> Float32[Tensor, "n channels height width"]:
    """Images moved by ``lambda_`` in every value, up what the substitute gives for their class, and cut to [0, 1].

    Only the sign of the probability's gradient counts, so that of the log-odds, which rise with it, is taken: it does
    not vanish where the substitute is certain.
    """
    parts = zip(torch.split(images, AT_ONCE), torch.split(labels, AT_ONCE), strict=True)
    return torch.cat([(part + lambda_ * _rise(substitute, part, of).sign()).clamp_(0, 1) for part, of in parts])


@torch.enable_grad()
def _rise(substitute: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the log-odds of each image's class."""
    images, true = images.detach().requires_grad_(), labels[:, None]
    logits = substitute(images)
    odds = logits.gather(1, true)[:, 0] - logits.scatter(1, true, -torch.inf).logsumexp(1)
    return gradient(substitute, logits, odds, images)


@torch.no_grad()
def _answers(classifier: Classifier, images: Tensor) -> Tensor:
    """Logits, of which only the greatest is ever looked at: an attacker may get no more than the class."""
    return torch.cat([classifier(part) for part in torch.split(images, AT_ONCE)])


@torch.enable_grad()
def _fit(network: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    adam = torch.optim.Adam(network.parameters(), lr=RATE)
    network.train()
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(images)).to(images.device), BATCH):
            adam.zero_grad()
            torch.autograd.backward(cross_entropy(network(images[chosen]), labels[chosen]))
            adam.step()


def _check_settings(images: Tensor, *, lambda_: float, **counts: int | None) -> None:
    check_images(images)
    if not len(images):
        raise UsageError("images: expected some for the substitute to begin with, got none")
    if wrong := [f"{name}: {value}" for name, value in counts.items() if value is not None and value < 1]:
        raise UsageError(f"{', '.join(wrong)}: expected at least 1")
    if not 0 <= lambda_ <= 1:
        raise UsageError(f"lambda_: expected a number in [0, 1], got {lambda_}")


def _check_start(name: str, answers: Tensor, first: Tensor) -> None:
    classes = answers.shape[1]
    if classes < 2:
        raise UsageError(f"{name}: expected a logit for each of two or more classes, got {classes} logit(s)")
    if first.shape[1] != classes:
        raise UsageError(f"architecture: expected {classes} logits, as {name} has, got {first.shape[1]}")
    labels = answers.argmax(1)
    if bool((labels == labels[0]).all()):
        raise JobError(
            f"{name} takes all {len(answers)} images for class {labels[0]}, so a substitute would learn no boundary; "
            "begin with images of several classes"
        )
