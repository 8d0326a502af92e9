"""The networks of the benchmarks of the defence, found or trained, and what they make of images, computed once.

Generators, encoders and classifiers are those of ``runs/benchmarks/defense/DATA``, else those that come with the
package; a classifier that is in neither is trained there, a generator is not.
"""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from benchmarks.defense_task import CLASSES, Task, kept, parts, pieces
from lineament.attacks.base import Attack
from lineament.attacks.black_box import train_substitute
from lineament.classifier import AdaptedClassifier, from_module
from lineament.datasets.labelled import Labelled, floats
from lineament.defense import generator as generators
from lineament.defense.architectures import Architecture, build
from lineament.defense.autoencoder import NOISE as NOISE_TAKEN
from lineament.defense.autoencoder import AutoEncoder, train_autoencoder
from lineament.defense.classifiers import EPOCHS, load_classifier, train_classifier
from lineament.defense.defense_gan import defense_gan
from lineament.defense.encoder import load_encoder
from lineament.defense.intervals import share
from lineament.defense.magnet import reformer
from lineament.defense.modes import MODES, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.defense.reconstructions import reconstructed
from lineament.defense.shipped import shipped
from lineament.defense.trivial import autoencoded, binarised, blurred
from lineament.purifier import Purifier
from lineament.reproduction.material import PIECE, RECONSTRUCTED, RESERVOIR, finished
from lineament.reproduction.memory import digest

RECIPES: dict[str, dict[str, Any]] = {
    "orig": {"recipe": "orig"},
    "rec": {"recipe": "rec"},
    "rec-noisy": {"recipe": "rec"},
    "fgsm-0.3": {"recipe": "fgsm", "eps": 0.3},
    "fgsm-0.15": {"recipe": "fgsm", "eps": 0.15},
    "pgd": {"recipe": "pgd", "eps": 0.3},
}
"""How classifiers are trained, by the name of their folder; "rec-noisy" learns images with noise, too."""

NOISE = 0.3
"""Greatest change by the noise on half of what "rec-noisy" learns."""

AUTOENCODERS = {"magnet": NOISE_TAKEN, "autoencoded": 0.0}
"""The noise that each learns to take away: MagNet's reformer some, a plain auto-encoder none."""


def found(task: Task, what: str, *, in_package: bool = True) -> Path | None:
    """The artifact (or the run that made it) under ``runs``, else the one in the package; nothing half-trained."""
    places = [task.networks / what, *([shipped(task.data, what)] if in_package else [])]
    return finished(*places)


@functools.cache
def generator(task: Task) -> tuple[Generator, dict[str, Any]]:
    """The generator of a set and its card."""
    if (place := found(task, "generator")) is None:
        sys.exit(
            f"no generator of {task.data}: lineament train generator --data {task.data} --preset cpu "
            f"--out {task.networks / 'generator'}"
        )
    return generators.load(place)


@functools.cache
def encoder(task: Task) -> Encoder | None:
    """What guesses the latents of the fast mode, if there is one."""
    place = found(task, "encoder")
    return load_encoder(place) if place else None


def there(task: Task, recipe: str, model: str) -> Path | None:
    """Where a classifier of table 5.5 lies; none if none was trained to the end."""
    plain = found(task, f"classifiers/{model}") if recipe == "orig" else None
    return found(task, f"classifiers/{recipe}/{model}", in_package=False) or plain


@functools.cache
def classifier(task: Task, recipe: str, model: str) -> AdaptedClassifier:
    """A classifier of table 5.5, trained if there is none."""
    place = there(task, recipe, model)
    return load_classifier(place) if place else trained(task, recipe, model)


def trained(task: Task, recipe: str, model: str) -> AdaptedClassifier:
    """Train a classifier; to save hours, under attack for a third of the usual epochs, and -Rec on some images."""
    place = task.home / "classifiers" / recipe / model
    part, settings = parts(task).train, RECIPES[recipe]
    rec = settings["recipe"] == "rec"
    limit = (100 if rec else 1000) if task.quick else RECONSTRUCTED if rec else len(part)
    part = Labelled(part.images[:limit], part.labels[:limit])
    epochs = 5000 // len(part) if task.quick else max(1, EPOCHS[model] // 3) if "eps" in settings else None
    print(f"{task.data}: training classifier {model} {recipe} on {len(part)} images", flush=True)
    learnt = None
    if rec:
        fast, noise = cleaner(task, "fast"), NOISE if recipe == "rec-noisy" else 0.0
        learnt = reconstructed(fast.purifier, part.images, task.home / "kept", facts=fast.facts[0], noise=noise)
    return train_classifier(
        part, CLASSES, place, architecture=cast(Architecture, model), reconstructions=learnt, epochs=epochs,
        seed=task.seed, device="cpu", card={"data": task.data}, **settings,
    )  # fmt: skip


class Cleaner(NamedTuple):
    """A purifier, what its images follow from but the given ones, and whether they are dear enough to be kept."""

    purifier: Purifier
    facts: tuple[str, ...]
    kept: bool = False


@functools.cache
def cleaner(task: Task, name: str) -> Cleaner:
    """A purifier by its name in the tables: a mode of Defense-GAN, or a baseline."""
    if name in MODES:
        return projecting(MODES[name], generator(task)[0], encoder(task) if name == "fast" else None)
    if name in AUTOENCODERS:
        network = autoencoder(task, name)
        return Cleaner((reformer if name == "magnet" else autoencoded)(network), (digest(network),))
    simple = {"binarised": binarised, "blurred": blurred}[name]()
    return Cleaner(simple, (simple.name,))


def projecting(config: ProjectionConfig, G: Generator, E: Encoder | None = None) -> Cleaner:
    """Defense-GAN of any settings."""
    networks = [G] if E is None else [G, E]
    return Cleaner(defense_gan(G, config, encoder=E), (digest(config, *networks),), kept=True)


def autoencoder(task: Task, name: str) -> AutoEncoder:
    """Trained if there is none: half as wide as table 5.7's, to save time."""
    images = parts(task).train.images[: 500 if task.quick else None]
    width, epochs = (4, 1) if task.quick else (32, 3)
    return train_autoencoder(
        images, task.home / name, noise=AUTOENCODERS[name], width=width, epochs=epochs, seed=task.seed, device="cpu"
    )


def purified(task: Task, cleaner: Cleaner, images: Tensor) -> Tensor:
    """What a purifier makes of an image batch; kept if that is dear."""
    if not cleaner.kept:
        return cleaner.purifier(images, seed=task.seed)

    def piece(start: int) -> Mapping[str, Tensor]:
        some = images[start : start + PIECE]
        make = lambda: {"images": cleaner.purifier(some, seed=task.seed)}  # noqa: E731
        return kept(task, make, "purified", *cleaner.facts, task.seed, some)

    return pieces(f"{task.data} {cleaner.purifier.name}", len(images), piece)["images"]


def attacked(task: Task, classifier: AdaptedClassifier, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
    """Adversarial images against a bare classifier, of which nothing but the attack is known; kept."""
    weights = digest(classifier.module)

    def piece(start: int) -> Mapping[str, Tensor]:
        x, y = (each[start : start + PIECE] for each in (images, labels))
        make = lambda: {"images": attack(classifier, x, y, seed=task.seed + start).images}  # noqa: E731
        return kept(task, make, "attacked", weights, attack, task.seed + start, x, y)

    return pieces(f"{task.data} {attack.name} on {classifier.name}", len(images), piece)["images"]


def substitute(task: Task, target: AdaptedClassifier, model: str) -> AdaptedClassifier:
    """What a black-box attacker learns of a classifier from its answers to 150 images and those made of them; kept."""
    images = floats(parts(task).held_out.images)
    channels, height, width = images.shape[1:]
    empty = functools.partial(build, model, (channels, height, width), CLASSES)
    rounds = 2 if task.quick else 6

    def make() -> Mapping[str, Tensor]:
        print(f"{task.data}: training substitute {model} of {target.name}", flush=True)
        made = train_substitute(target, images, architecture=empty, rounds=rounds, limit=RESERVOIR, seed=task.seed)
        assert made.module is not None
        return made.module.state_dict()

    network, facts = empty(), (digest(target.module), model, rounds, RESERVOIR, task.seed, images)
    network.load_state_dict(kept(task, make, "substitute", *facts))
    return from_module(network)


@torch.no_grad()
def right(classifier: AdaptedClassifier, images: Tensor, labels: Tensor) -> list[float]:
    """The share of images that a classifier gets right, and its 95 % interval."""
    return share(classifier(images).argmax(1) == labels)
