"""What chapter 5 is measured with: images, generator, classifiers, attacked images, projections; taken up, or made.

A folder holds, for one data set, what others trained (``generator``, ``encoder``, ``classifiers/RECIPE/MODEL``) and
what is computed here. A killed measurement goes on where it was, and no projection is computed twice. The benchmarks
are measured with the same, so ``--out runs/benchmarks`` takes up theirs.
"""

from collections.abc import Sequence
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
from lineament.defense.autoencoder import NOISE as NOISE_TAKEN
from lineament.defense.autoencoder import AutoEncoder, load_autoencoder, train_autoencoder
from lineament.defense.classifiers import load_classifier, train_classifier
from lineament.defense.encoder import ENCODER, encoder_of, train_encoder
from lineament.defense.generator import load
from lineament.defense.intervals import share
from lineament.defense.judge import judge
from lineament.defense.magnet import reformer
from lineament.defense.modes import FAST, MODES, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.defense.presets import preset
from lineament.defense.reconstructions import reconstructed
from lineament.defense.shipped import shipped
from lineament.defense.training import train_generator
from lineament.defense.trivial import autoencoded, binarised, blurred
from lineament.errors import JobError
from lineament.reproduction.memory import VERSION, digest, kept, pieces, versioned
from lineament.reproduction.parts import Parts, parts
from lineament.reproduction.purifiers import PIECE, Known, facts, keep_through, projecting
from lineament.reproduction.trained import Trained, card_of, finished
from lineament.training.run import Device, Precision

__all__ = ["Material", "Trained", "accuracy"]

AUTOENCODERS = {"magnet": NOISE_TAKEN, "autoencoded": 0.0}
"""The noise that each learns to take away: MagNet's reformer some, a plain auto-encoder none."""

WIDTH = 32
"""Of both: half of table 5.7's, which takes a third of the time."""

FEW = 60
"""Training images of a quick schedule."""


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
    def memory(self) -> Path:
        """Where what is computed here is kept."""
        return self.made / "kept"

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
        found = encoder_of(self._generator_place, self.card)
        return found and found.to(self.where)

    @property
    def schedule(self) -> str:
        """How the generator was trained, in words."""
        return f"generator of {self.card.get('training', {}).get('steps', 'an unknown number of')} steps"

    def classifier(self, trained: Trained) -> AdaptedClassifier:
        """That classifier; from the folder, from the package, which has those that learnt images, or trained.

        Raises ``JobError`` for one that learnt on another schedule, or reconstructions by another generator, encoder or
        mode.
        """
        return self._moved(load_classifier(self.there(trained) or self._train(trained)))

    def there(self, trained: Trained) -> Path | None:
        """Where that classifier lies; None if none was trained to the end."""
        places = [self.made / "classifiers" / trained.place]
        if trained.recipe == "orig":
            places.append(shipped(self.data, f"classifiers/{trained.architecture}"))
        place = finished(*places)
        if place is None or place != places[0]:
            return place
        card, more = card_of(place), "; move it away, and another one is trained"
        if trained.recipe == "rec" and card.get("reconstructed_by") != self._reconstruction:
            raise JobError(
                f"{place}: did not learn what this generator, its encoder and the fast mode make of images{more}"
            )
        if training := card.get("training"):
            found = {"images": card.get("learnt"), "epochs": training["epochs"], "noise": card.get("noise", 0.0)}
            wanted = {"images": len(self.parts.train), "epochs": self._epochs(trained), "noise": trained.noise}
            told = [f"{key} {found[key]}, not {wanted[key]}" for key in wanted if found[key] not in (None, wanted[key])]
            if told:
                raise JobError(f"{place}: learnt with {', '.join(told)}{more}")
        return place

    def learnt(self, trained: Trained) -> dict[str, Any]:
        """What that classifier learnt, and how often it went through it, as JSON values."""
        card = card_of(self.there(trained) or self._train(trained))
        found = {"images": card.get("learnt", len(self.parts.train)), "epochs": card["training"]["epochs"]}
        return found | ({"reconstructed": "fast"} if trained.recipe == "rec" else {})

    def substitute(self, architecture: Architecture, target: AdaptedClassifier) -> AdaptedClassifier:
        """The black-box attacker's network, which learnt what ``target`` answered (Papernot et al. 2017); kept."""
        images = floats(self.parts.held_out.images).to(self.where)
        shape = (images.shape[1], images.shape[2], images.shape[3])
        empty = partial(build, architecture, shape, self.classes)
        rounds = 2 if self.quick else 6

        def make() -> dict[str, Tensor]:
            made = train_substitute(target, images, architecture=empty, rounds=rounds, seed=self.seed)
            return cast(nn.Module, made.module).state_dict()

        network, told = empty(), (digest(target.module), architecture, rounds, self.seed, images, VERSION)
        network.load_state_dict(kept(self.memory, make, "substitute", *told))
        return from_module(network.to(self.where))

    def attacked(self, attack: Attack, classifier: AdaptedClassifier) -> Tensor:
        """The test images, attacked on a bare classifier; kept."""
        weights = digest(classifier.module)

        def piece(start: int) -> dict[str, Tensor]:
            x, y, seed = self.images[start:][:PIECE], self.labels[start:][:PIECE], self.seed + start
            make = lambda: {"images": attack(classifier, x, y, seed=seed).images}  # noqa: E731
            named, *version = versioned(attack)
            return kept(self.memory, make, "attacked", weights, named, seed, x, y, *version)

        return pieces(self.n, PIECE, piece)["images"].to(self.where)

    def purifier(self, name: str | ProjectionConfig = "fast") -> Known:
        """A purifier by its name in the tables, or a projection of any settings, by Adam with the encoder's guess."""
        if not isinstance(name, ProjectionConfig) and name not in MODES:
            return self._simple(name)
        config = name if isinstance(name, ProjectionConfig) else MODES[name]
        return projecting(config, self.generator, self.encoder if config.optimiser == "adam" else None)

    def purified(self, known: Known, images: Tensor | None = None) -> Tensor:
        """What a purifier makes of images, or of the test images; kept if that is dear."""
        return known.purified(self.images if images is None else images, self.seed, self.memory)

    def project_through(self, config: ProjectionConfig, steps: Sequence[int], images: Tensor) -> None:
        """Keep projections of several numbers of steps, of rising ones, for the price of the last: see `purified`."""
        keep_through(config, steps, self.generator, images, self.seed, self.memory)

    def _simple(self, name: str) -> Known:
        if name in AUTOENCODERS:
            network = self._autoencoder(name)
            return Known((reformer if name == "magnet" else autoencoded)(network), digest(network))
        simple = {"binarised": binarised, "blurred": blurred}[name]()
        return Known(simple, simple.name)

    def _autoencoder(self, name: str) -> AutoEncoder:
        """Trained if there is none."""
        place = self.made / name
        if finished(place) is None:
            width = 4 if self.quick else WIDTH
            train_autoencoder(self.parts.train.images, place, noise=AUTOENCODERS[name], width=width, seed=self.seed,
                              device=self.device, precision=self.precision, card={"data": self.data})  # fmt: skip
        return load_autoencoder(place).to(self.where)

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
        generator, card = load(place)
        few = replace(ENCODER, steps=10, batch=16, width=8, evaluations=1)
        train_encoder(
            generator.to(self.where), train.images, held_out, self.made / "encoder",
            config=few if self.quick else ENCODER, seed=self.seed, device=self.device, precision=self.precision,
            card={"data": self.data, "generator_sha256": card["weights_sha256"]},
        )  # fmt: skip
        return place

    @property
    def _reconstruction(self) -> str:
        """What the images of a -Rec classifier follow from."""
        return facts(FAST, self.generator, self.encoder)

    def _epochs(self, trained: Trained) -> int:
        return 20 if self.quick else trained.epochs(len(self.parts.train))

    def _train(self, trained: Trained) -> Path:
        part, place = self.parts.train, self.made / "classifiers" / trained.place
        reconstructions, told = None, dict[str, Any]()
        if trained.recipe == "rec":
            told = {"reconstructed_by": self._reconstruction, "noise": trained.noise}
            reconstructions = reconstructed(
                self.purifier("fast").purifier, part.images, self.memory, facts=self._reconstruction,
                noise=trained.noise, device=self.where,
            )  # fmt: skip
        train_classifier(
            part, self.classes, place, architecture=trained.architecture, recipe=trained.recipe, eps=trained.eps,
            reconstructions=reconstructions, epochs=self._epochs(trained), seed=self.seed,
            device=self.device, precision=self.precision, card={"data": self.data, "learnt": len(part), **told},
        )  # fmt: skip
        return place

    def _moved(self, classifier: AdaptedClassifier) -> AdaptedClassifier:
        if classifier.module is not None:
            classifier.module.to(self.where)
        return classifier


def accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> tuple[float, float, float]:
    """The share of an image batch that a classifier, bare or defended, gets right, and its 95 % interval."""
    value, low, high = share((classifier(images).argmax(1) == labels).cpu().numpy())
    return value, low, high
