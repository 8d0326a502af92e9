"""What chapter 5 is measured with: images, generator, classifiers, attacked images, projections; taken up, or made.

A folder holds, for one data set, what others trained (``generator``, ``encoder``, ``classifiers/RECIPE/MODEL``) and
what is computed here. A killed measurement goes on where it was, and no projection is computed twice; that of the
benchmarks is laid out alike, so ``--out runs/benchmarks`` takes up theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from lineament.attacks.base import Attack
from lineament.attacks.black_box import train_substitute
from lineament.classifier import AdaptedClassifier, Classifier, from_module
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.architectures import Architecture, build
from lineament.defense.autoencoder import load_autoencoder, train_autoencoder
from lineament.defense.classifiers import Recipe, load_classifier, train_classifier
from lineament.defense.defense_gan import defense_gan
from lineament.defense.encoder import load_encoder
from lineament.defense.generator import load
from lineament.defense.intervals import share
from lineament.defense.judge import judge
from lineament.defense.magnet import reformer
from lineament.defense.modes import FAST, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.defense.presets import preset
from lineament.defense.reconstructions import reconstructed
from lineament.defense.shipped import shipped
from lineament.defense.training import train_generator
from lineament.purifier import Purifier
from lineament.reproduction.memory import digest, kept
from lineament.reproduction.parts import Parts, parts
from lineament.training.run import Device, Precision

__all__ = ["Material", "Trained", "accuracy"]

RECONSTRUCTED = 10_000
"""Training images whose reconstructions a -Rec classifier learns, by the fast mode: some ten minutes of a core."""

RESERVOIR = 400
"""Images that a black-box attacker adds in one round, at most."""

FEW = 60
"""Training images of a quick schedule."""

PIECE = 50
"""Images that are projected or attacked, and kept, at a time: a kill costs seconds."""


@dataclass(frozen=True)
class Trained:
    """Which classifier: one of table 5.5, and what it learnt from.

    Attributes:
        architecture: A to F.
        recipe: ``orig``, ``rec``, ``fgsm`` or ``pgd``, see `train_classifier`.
        eps: of the attack it was trained under, None for none.
    """

    architecture: Architecture
    recipe: Recipe = "orig"
    eps: float | None = None

    @property
    def place(self) -> str:
        """Its folder below ``classifiers``."""
        return self.recipe + (f"-{self.eps:g}" if self.eps else "") + f"/{self.architecture}"


@dataclass(frozen=True)
class Material:
    """One data set and what chapter 5 is measured with on it.

    Attributes:
        data: ``mnist``, ``fashion_mnist``, or ``celeba``: men and women, 64 px.
        folder: where it is kept; what lies there is taken before what comes with the package.
        root: of the data, see `open_dataset`.
        n: test images, the first of a seeded permutation.
        seed: of the permutation and of all that is trained, attacked or projected.
        quick: train on a few hundred images: to see that it runs, not to compare.
        device, precision: see `Run`.
    """

    data: str
    folder: Path
    root: Path | None = None
    n: int = 1000
    seed: int = 0
    quick: bool = False
    device: Device = "auto"
    precision: Precision = "auto"

    @property
    def made(self) -> Path:
        """Where what is trained here goes; quick trainings lie apart, or a full schedule would take them up."""
        return self.folder / "quick" if self.quick else self.folder / f"seed{self.seed}" if self.seed else self.folder

    @property
    def where(self) -> torch.device:
        """Where projections and attacks are computed."""
        return torch.device("cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu")

    @property
    def classes(self) -> int:
        """How many its classifiers tell apart."""
        return 2 if self.data == "celeba" else 10

    @cached_property
    def parts(self) -> Parts:
        """Its images; of training and development images a few for a quick schedule."""
        found = parts(self.data, self.root, self.n, seed=self.seed)
        if not self.quick:
            return found
        train, development = (Labelled(part.images[:FEW], part.labels[:FEW]) for part in found[:2])
        return found._replace(train=train, development=development)

    @cached_property
    def images(self) -> Tensor:
        """The test images as a batch, where they are computed on."""
        return floats(self.parts.test.images).to(self.where)

    @cached_property
    def labels(self) -> Tensor:
        """Their classes."""
        return self.parts.test.labels.to(self.where)

    @cached_property
    def generator(self) -> Generator:
        """The one in the folder or the package; where there is none, one is trained by the preset for a CPU."""
        return load(self._generator_place)[0].to(self.where)

    @cached_property
    def card(self) -> dict[str, Any]:
        """Of the generator: how it was trained, and how near its images come to real ones."""
        return load(self._generator_place)[1]

    @cached_property
    def encoder(self) -> Encoder | None:
        """Of the generator, from beside it, for the fast mode; None where there is none."""
        place = finished(self._generator_place.parent / "encoder")
        return load_encoder(place).to(self.where) if place else None

    @property
    def schedule(self) -> str:
        """How the generator was trained, in words."""
        return f"generator of {self.card.get('training', {}).get('steps', 'an unknown number of')} steps"

    def classifier(self, trained: Trained) -> AdaptedClassifier:
        """That classifier; from the folder, from the package, or trained."""
        places = [self.made / "classifiers" / trained.place]
        if trained.recipe == "orig":
            places.append(shipped(self.data, f"classifiers/{trained.architecture}"))
        return self._moved(load_classifier(finished(*places) or self._train(trained)))

    def substitute(self, architecture: Architecture, target: Trained) -> AdaptedClassifier:
        """The black-box attacker's network, which learnt what ``target`` answered (Papernot et al. 2017); kept."""
        classifier, images = self.classifier(target), floats(self.parts.held_out.images).to(self.where)
        shape = (images.shape[1], images.shape[2], images.shape[3])
        empty = partial(build, architecture, shape, self.classes)
        rounds = 2 if self.quick else 6

        def make() -> dict[str, Tensor]:
            made = train_substitute(
                classifier, images, architecture=empty, rounds=rounds, limit=RESERVOIR, seed=self.seed
            )
            return cast(nn.Module, made.module).state_dict()

        network, facts = empty(), (digest(classifier.module), architecture, rounds, RESERVOIR, self.seed, images)
        network.load_state_dict(kept(self.folder / "kept", make, "substitute", *facts))
        return from_module(network.to(self.where))

    def attacked(self, attack: Attack, target: Trained, *, substitute: Architecture | None = None) -> Tensor:
        """The test images, attacked on the bare classifier, or on a substitute for it; kept."""
        classifier = self.substitute(substitute, target) if substitute else self.classifier(target)
        weights = digest(classifier.module)

        def piece(start: int) -> Tensor:
            x, y, seed = self.images[start:][:PIECE], self.labels[start:][:PIECE], self.seed + start
            make = lambda: {"images": attack(classifier, x, y, seed=seed).images}  # noqa: E731
            return kept(self.folder / "kept", make, "attacked", weights, attack, seed, x, y)["images"]

        return self._joined(piece, self.n)

    def purifier(self, config: ProjectionConfig = FAST) -> Purifier:
        """Projection on the generator, in the fast mode with the encoder, its results kept.

        It has no gradient to hand out: it serves against attacks that do not know of it.
        """
        encoder = self.encoder if config == FAST else None
        projection = defense_gan(self.generator, config, encoder=encoder)
        facts = digest(config, self.generator, *([encoder] if encoder else []))

        def purify(images: Tensor, seed: int) -> Tensor:
            def piece(start: int) -> Tensor:
                make = lambda: {"images": projection(images[start:][:PIECE], seed=seed)}  # noqa: E731
                return kept(self.folder / "kept", make, "purified", facts, seed, images[start:][:PIECE])["images"]

            return self._joined(piece, len(images))

        return replace(projection, purify=purify, gradients={})

    @cached_property
    def reformer(self) -> Purifier:
        """MagNet's, trained if there is none."""
        place = self.made / "magnet"
        if finished(place) is None:
            train_autoencoder(self.parts.train.images, place, width=4 if self.quick else 32, seed=self.seed,
                              device=self.device, precision=self.precision, card={"data": self.data})  # fmt: skip
        return reformer(load_autoencoder(place).to(self.where))

    @cached_property
    def _generator_place(self) -> Path:
        places = self.folder / "generator", shipped(self.data, "generator"), self.made / "generator"
        if (found := finished(*places)) is not None:
            return found
        train, held_out, place = self.parts.train, self.parts.development.images, self.made / "generator"
        config, features = preset("cpu"), None if self.quick else judge(train)
        if features is None:
            config = replace(config, steps=10, batch=16, width=8, evaluations=1)
            features = lambda x: avg_pool2d(x, 7).flatten(1)  # noqa: E731
        train_generator(train.images, held_out, features, config, place, seed=self.seed, device=self.device,
                        precision=self.precision, card={"data": self.data})  # fmt: skip
        return place

    def _train(self, trained: Trained) -> Path:
        part, place = self.parts.train, self.made / "classifiers" / trained.place
        reconstructions = None
        if trained.recipe == "rec":
            part = Labelled(part.images[:RECONSTRUCTED], part.labels[:RECONSTRUCTED])
            facts = digest(FAST, self.generator, *([self.encoder] if self.encoder else []))
            purifier = defense_gan(self.generator, FAST, encoder=self.encoder)
            reconstructions = reconstructed(purifier, part.images, self.folder / "kept", facts=facts, device=self.where)
        train_classifier(
            part, self.classes, place, architecture=trained.architecture, recipe=trained.recipe,
            reconstructions=reconstructions, eps=trained.eps, epochs=20 if self.quick else None, seed=self.seed,
            device=self.device, precision=self.precision, card={"data": self.data},
        )  # fmt: skip
        return place

    def _joined(self, piece: Callable[[int], Tensor], total: int) -> Tensor:
        return torch.cat([piece(start).to(self.where) for start in range(0, total, PIECE)])

    def _moved(self, classifier: AdaptedClassifier) -> AdaptedClassifier:
        if classifier.module is not None:
            classifier.module.to(self.where)
        return classifier


def finished(*places: Path) -> Path | None:
    """The first place that holds an artifact, or the folder of the run that made one."""
    return next((each for each in places if any(each.glob("card.json")) or any(each.glob("*/card.json"))), None)


def accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> tuple[float, float, float]:
    """The share of an image batch that a classifier, bare or defended, gets right, and its 95 % interval."""
    value, low, high = share((classifier(images).argmax(1) == labels).cpu().numpy())
    return value, low, high
