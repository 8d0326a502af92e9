"""Train and keep classifiers A to F of table 5.5: on images, on their reconstructions, or on attacked images."""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jaxtyping import UInt8
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lineament.attacks.base import slope, within
from lineament.classifier import AdaptedClassifier, Classifier, from_module
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.architectures import ARCHITECTURES, Architecture, build
from lineament.defense.kept_network import load_network, save_network
from lineament.errors import UsageError, nearest
from lineament.training import Run
from lineament.training.run import Device, Precision, step_seed

__all__ = [
    "EPOCHS",
    "KIND",
    "RECIPES",
    "Recipe",
    "accuracy",
    "load_classifier",
    "save_classifier",
    "train_classifier",
    "usual_epochs",
]

Recipe = Literal["orig", "rec", "fgsm", "pgd"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)

KIND = "classifier"
"""Of the artifact."""

EPOCHS = {"A": 6, "B": 8, "C": 4, "D": 30, "E": 15, "F": 6}
"""Passes over 50,000 images. On one core in bfloat16 a pass takes 32, 13, 57, 1, 1 and 13 seconds at 28 x 28, so that
all six classifiers of one data set take 11 minutes; ``"fgsm"`` takes three times as long, ``"pgd"`` six times."""

FULL = 50_000
"""Images that `EPOCHS` is for; fewer are gone through more often, up to four times."""

PGD_STEPS = 7
"""Steps of projected gradient descent for each step of training."""


@dataclass(frozen=True)
class _Schedule:
    architecture: Architecture
    recipe: Recipe
    eps: float | None
    epochs: int
    batch: int = 128
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UsageError(nearest(self.architecture, ARCHITECTURES, "architecture"))
        if self.recipe not in RECIPES:
            raise UsageError(nearest(self.recipe, RECIPES, "recipe"))
        if self.recipe in ("orig", "rec") and self.eps is not None:
            raise UsageError(f"eps: recipe {self.recipe!r} attacks nothing and takes none, got {self.eps}")
        if self.recipe in ("fgsm", "pgd") and not 0 < (self.eps or 0) <= 1:
            raise UsageError(f"eps: recipe {self.recipe!r} takes a budget in (0, 1], such as 0.3; got {self.eps}")
        if self.epochs < 1:
            raise UsageError(f"epochs: expected at least 1, got {self.epochs}")


def train_classifier(
    part: Labelled,
    classes: int,
    folder: str | Path,
    *,
    architecture: Architecture,
    recipe: Recipe = "orig",
    reconstructions: UInt8[Tensor, "m channels height width"] | None = None,
    eps: float | None = None,
    epochs: int | None = None,
    validation: Labelled | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> AdaptedClassifier:
    """Train a classifier of table 5.5 and write the artifact ``folder/classifier``; a killed call, repeated, goes on.

    Adam at 1e-3 as in the dissertation, but falling to 0 over the second half, so that fewer than its ten epochs do.

    Args:
        part: images and classes to learn from.
        classes: how many logits.
        folder: of the run: metrics, checkpoints, the artifact.
        architecture: A to F.
        recipe: ``"orig"`` learns the images (Defense-GAN-Orig); ``"rec"`` their reconstructions (Defense-GAN-Rec);
            ``"fgsm"`` half images, half FGSM against the decisions of the moment (Goodfellow et al. 2014, as the
            dissertation's source did); ``"pgd"`` only images under PGD (Madry et al. 2018).
        reconstructions: for ``"rec"``, one of each image in the order of ``part``, or several sets of them one after
            another (of the images and of the images with noise).
        eps: the attacks' budget in the L-infinity norm, for ``"fgsm"`` and ``"pgd"``.
        epochs: passes over the images; None for those of `EPOCHS`.
        validation: held-out images as the classifier will see them; the accuracy on them goes onto the card.
        seed: of weights, batches and dropout.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        What the artifact holds, as `load_classifier` gives it.

    Raises:
        UsageError: no images, labels that are no classes, reconstructions that do not fit, an eps that the recipe does
            not take, or a folder that holds another run.
    """
    images = _images(part, classes, recipe, reconstructions)
    epochs = usual_epochs(architecture, len(images)) if epochs is None else epochs
    config = _Schedule(architecture, recipe, eps, epochs)
    budget = eps or 0.0
    channels, height, width = images.shape[1:]
    shape = (channels, height, width)
    torch.manual_seed(seed)
    network: nn.Module = build(architecture, shape, classes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(
        folder, config, data=_fingerprint(images, part.labels, classes), seed=seed, device=device, precision=precision
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    network, optimizer = run.prepare(network, optimizer)
    run.track(network=network, optimizer=optimizer)
    place, batches = Path(folder) / "classifier", -(-len(images) // config.batch)
    steps = epochs * batches
    if run.finished(steps) and place.is_dir():
        return load_classifier(place)
    images, labels = images.to(run.device), part.labels.to(run.device)

    for step in run.steps(steps, f"training classifier {architecture}-{recipe}"):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / steps))
        index = _order(len(images), seed, step // batches)[step % batches * config.batch :][: config.batch]
        x = floats(images[index]).contiguous(memory_format=torch.channels_last)
        y = labels[index % len(labels)]
        if recipe == "pgd":  # at full strength from the start, some networks learn nothing but to name one class
            x = _pgd(network, x, y, budget * min(1.0, 3 * step / steps))
        logits = network(x)
        loss = cross_entropy(logits, y)
        if recipe == "fgsm":  # led by the labels, an attack tells them to the network (Kurakin et al. 2017)
            attacked = _stepped(network, x, x, logits.detach().argmax(1), budget, budget)
            loss = (loss + cross_entropy(network(attacked), y)) / 2
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        run.log(loss=loss)

    if run.is_main:
        trained = build(architecture, shape, classes)
        kept = run.accelerator.unwrap_model(network).state_dict()
        trained.load_state_dict({name: value.half() for name, value in kept.items()})  # what the artifact can hold
        metrics = {} if validation is None else {"accuracy": accuracy(from_module(trained), validation)}
        told = {"training": {"seed": seed, **asdict(config)}, "metrics": metrics, **(card or {})}
        save_classifier(trained, place, architecture=architecture, recipe=recipe, shape=shape, **told)
    run.accelerator.wait_for_everyone()
    return load_classifier(place)


def usual_epochs(architecture: str, images: int) -> int:
    """Passes over so many images: those of `EPOCHS`, over fewer than `FULL` up to four times as many."""
    return round(EPOCHS.get(architecture, 1) * min(4, max(1, FULL / max(1, images))))


def save_classifier(
    network: nn.Sequential,
    folder: str | Path,
    *,
    architecture: Architecture,
    shape: tuple[int, int, int],
    recipe: str = "orig",
    **card: Any,
) -> Path:
    """Write a network of `architectures.build` as an artifact, its weights as float16.

    Args:
        network: what ``build(architecture, shape, classes)`` gave.
        folder: where to; see `artifacts.save`.
        architecture: A to F.
        shape: channels, height and width of one image.
        recipe: how it was trained; becomes part of its name.
        card: further entries of the card (data, licence, metrics).
    """
    config = {"architecture": architecture, "classes": network[-1].out_features, "recipe": recipe}
    return save_network(network, folder, kind=KIND, shape=shape, config=config, **card)


def load_classifier(folder: str | Path) -> AdaptedClassifier:
    """The classifier in an artifact, or in the folder of the run that made it; its name is ``"A-orig"`` and the like.

    Images of another size, or other channels, it refuses with ``UsageError``. ``JobError`` says what is missing, torn
    or of another kind.
    """

    def again(shape: tuple[int, int, int], config: dict[str, Any]) -> nn.Sequential:
        named.append(f"{config['architecture']}-{config['recipe']}")
        return build(config["architecture"], shape, int(config["classes"]))

    named: list[str] = []
    network, card = load_network(folder, kind=KIND, build=again)
    channels, height, width = card["config"]["shape"]
    return _sized(replace(from_module(network), name=named[0]), (channels, height, width))


def _sized(made: AdaptedClassifier, shape: tuple[int, int, int]) -> AdaptedClassifier:
    """The same, saying what it takes instead of what torch could not multiply."""

    def compute(images: Tensor) -> ArrayLike | Tensor:
        if images.shape[1:] != shape:
            takes, came = (" x ".join(map(str, each)) for each in (shape, images.shape[1:]))
            raise UsageError(f"{made.name}: takes {takes} (channels, height, width), got {came}; bring images to that")
        return made.compute(images)

    return replace(made, compute=compute)


@torch.no_grad()
def accuracy(classifier: Classifier, part: Labelled) -> float:
    """The share of images, in [0, 1], whose greatest logit is that of their label."""
    if not len(part):
        raise UsageError("part: expected images to measure the accuracy on, got none")
    decided = [classifier(floats(images)).argmax(1) for images in torch.split(part.images, 1000)]
    return float((torch.cat(decided) == part.labels).double().mean())


def _images(part: Labelled, classes: int, recipe: Recipe, reconstructions: Tensor | None) -> Tensor:
    """What to learn from: the images, or one or several reconstructions of each."""
    if not len(part):
        raise UsageError("part: expected images to learn from, got none")
    if classes < 2 or not 0 <= int(part.labels.min()) <= int(part.labels.max()) < classes:
        low, high = int(part.labels.min()), int(part.labels.max())
        raise UsageError(f"classes: expected at least 2, and labels from 0 below it; got {classes}, {low} to {high}")
    if (recipe == "rec") != (reconstructions is not None):
        raise UsageError("reconstructions: recipe 'rec' learns from them and needs some, the others take none")
    if reconstructions is None:
        return part.images
    came, wanted = tuple(reconstructions.shape), tuple(part.images.shape)
    if came[1:] != wanted[1:] or not came[0] or came[0] % wanted[0]:
        raise UsageError(f"reconstructions: expected one or several of each image {wanted}, got shape {came}")
    return reconstructions


def _fingerprint(images: Tensor, labels: Tensor, classes: int) -> dict[str, Any]:
    digest = hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes())
    return {"images": list(images.shape), "classes": classes, "sha256": digest.hexdigest()}


@lru_cache(maxsize=1)
def _order(n: int, seed: int, epoch: int) -> Tensor:
    """The images of one epoch, shuffled: the same whether or not the run was killed in between."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(step_seed(seed, epoch)))


def _pgd(network: nn.Module, images: Tensor, labels: Tensor, eps: float) -> Tensor:
    moved = within(images + torch.empty_like(images).uniform_(-eps, eps), images, eps)
    for _ in range(PGD_STEPS):
        moved = _stepped(network, moved, images, labels, eps, 2.5 * eps / PGD_STEPS)
    return moved


def _stepped(network: nn.Module, moved: Tensor, images: Tensor, labels: Tensor, eps: float, length: float) -> Tensor:
    """One step up the loss by the sign of its gradient, which dropout would blur, back to within eps of the images."""
    network.eval()
    gradient = slope(network, moved, labels).gradient
    network.train()
    return within(moved + length * gradient.sign(), images, eps)
