"""What the verbs `train generator`, `train encoder`, `train classifier` do. The command line parses and calls these."""

import json as json_module
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from lineament.artifacts import check_writable
from lineament.datasets.base import SPLITS, AttributeDataset, Split
from lineament.datasets.framing import framed
from lineament.datasets.labelled import Labelled
from lineament.datasets.registry import open_dataset
from lineament.defense.architectures import Architecture, build
from lineament.defense.choices import check_seed, levels
from lineament.defense.classifiers import Recipe, train_classifier
from lineament.defense.encoder import ENCODER, train_encoder
from lineament.defense.flagging import calibrate
from lineament.defense.folders import named
from lineament.defense.generator import load
from lineament.defense.judge import judge
from lineament.defense.networks import Generator
from lineament.defense.pictures import labelled, truth
from lineament.defense.presets import PRESETS
from lineament.defense.reconstructions import reconstructed
from lineament.defense.shields import compute_on, shield
from lineament.defense.training import train_generator
from lineament.errors import UsageError
from lineament.training.run import Device, Precision

__all__ = ["classifier", "encoder", "generator"]


ADVERSARIAL = ("fgsm", "pgd")
"""Recipes that learn attacked images."""

VALIDATED = 500
"""Development images at most that a classifier's accuracy is measured on: those of -Rec must be purified first."""


@dataclass(frozen=True)
class _Material:
    """A set to learn from: its images of one size, the class of each (-1 unknown), and the classes' names."""

    dataset: AttributeDataset
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    flags: str

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, channels = self.dataset.read(0).shape
        return channels, height, width

    def part(self, split: Split) -> Labelled:
        return labelled(self.dataset, split, self.labels)

    def count(self, split: Split) -> int:
        """Images of one part whose class is known."""
        return int((self.dataset.split[self.labels >= 0] == SPLITS.index(split)).sum())

    def facts(self, **more: Any) -> dict[str, Any]:
        """What a dry run tells of it, and ``more``."""
        told = {"data": self.dataset.name, "shape": list(self.shape), "classes": list(self.classes)}
        return told | {"train": self.count("train"), "development": self.count("development")} | more


def generator(
    *, out: Path, data: str, root: Path | None, preset_name: str, steps: int | None, size: int | None, seed: int,
    device: Device, precision: Precision, dry_run: bool,
) -> None:  # fmt: skip
    """Train a generator, note how far clean images lie from it, say where it is; arguments as on the command line."""
    check_seed(seed)
    if preset_name not in PRESETS:
        raise UsageError(f"--preset: expected {' or '.join(PRESETS)}, got {preset_name!r}")
    _check_counts({"--steps": steps})
    config = PRESETS[preset_name] if steps is None else replace(PRESETS[preset_name], steps=steps)
    material = _material(data, root, size, any_attribute=True)
    try:  # tells a size that no generator makes
        Generator(material.shape, latent=config.latent, width=config.width)
    except UsageError as error:
        raise UsageError(f"{error} with --size") from None
    if dry_run:
        return _print(material.facts(out=str(out), seed=seed, config=asdict(config)))
    check_writable(out)
    part, held_out = material.part("train"), material.part("development")
    train_generator(
        part.images, held_out.images, judge(part, seed=seed), config, out, seed=seed, device=device,
        precision=precision, card={"data": data, "licence": material.dataset.licence},
    )  # fmt: skip
    _calibrate(out, held_out, device)
    _say(f"The generator is in {out / 'generator'}. Next: lineament train encoder --generator {out} {material.flags}")


def encoder(
    *, generator_folder: Path, data: str | None, root: Path | None, steps: int | None, seed: int, device: Device,
    precision: Precision, dry_run: bool,
) -> None:  # fmt: skip
    """Train the encoder of a generator, beside it, and say where it is; arguments as on the command line."""
    check_seed(seed)
    _check_counts({"--steps": steps})
    network, card = load(named("--generator", generator_folder, "generator"))
    material = _material(data or _data(card, generator_folder), root, network.shape[1], any_attribute=True)
    if material.shape != network.shape:
        made, came = (" x ".join(map(str, shape)) for shape in (network.shape, material.shape))
        raise UsageError(f"{generator_folder}: makes images of {made}, and those of {material.dataset.name} are {came}")
    config = ENCODER if steps is None else replace(ENCODER, steps=steps)
    place = named("--generator", generator_folder, "generator").parent / "encoder"
    if dry_run:
        facts = {"generator": str(generator_folder), "out": str(place), "seed": seed, "config": asdict(config)}
        return _print(material.facts(**facts))
    check_writable(place)
    part, held_out = material.part("train"), material.part("development")
    told = {"data": card.get("data", "unknown"), "licence": material.dataset.licence}
    train_encoder(
        network, part.images, held_out.images, place, config=config, seed=seed, device=device, precision=precision,
        card=told | {"generator_sha256": card["weights_sha256"]},
    )  # fmt: skip
    _calibrate(generator_folder, held_out, device)
    _say(
        f"The encoder is in {place}. Next: lineament train classifier --recipe rec --generator {generator_folder} "
        f"{material.flags} --out runs/rec"
    )


def classifier(
    *, out: Path, data: str, root: Path | None, attribute: str | None, architecture: str, recipe: str,
    generator_folder: Path | None, mode: str, noise: float, eps: float | None, epochs: int | None, n: int | None,
    size: int | None, seed: int, device: Device, precision: Precision, dry_run: bool,
) -> None:  # fmt: skip
    """Train a classifier, for ``rec`` on what the generator makes of images; arguments as on the command line."""
    check_seed(seed)
    eps = 0.3 if eps is None and recipe in ADVERSARIAL else eps
    _check_recipe(recipe, generator_folder, noise, eps)
    _check_counts({"--n": n, "--epochs": epochs})
    material = _material(data, root, size, attribute)
    build(architecture, material.shape, len(material.classes))  # tells an architecture that does not fit the images
    stood_before = None
    if recipe == "rec":
        stood_before = shield("defense_gan", shape=material.shape, data=data, generator=generator_folder, mode=mode,
                              device=compute_on(device))  # fmt: skip
    there = material.count("train")
    if n is not None and n > there:
        _say(f"--n {n}: {data} has {there:,} training images of the classes, which are all taken")
    if dry_run:
        settings = {"architecture": architecture, "recipe": recipe, "eps": eps, "noise": noise, "epochs": epochs,
                    "n": n, "purifier": None if stood_before is None else stood_before.purifier.name}  # fmt: skip
        return _print(material.facts(out=str(out), seed=seed, **settings))
    check_writable(out)
    part, held_out = _some(material.part("train"), n, seed), _some(material.part("development"), VALIDATED, seed)
    card: dict[str, Any] = {"data": data, "licence": material.dataset.licence, "attributes": list(material.classes)}
    learnt = None
    if stood_before is not None:
        card |= {"purifier": stood_before.purifier.name, "purifier_sha256": list(stood_before.weights), "noise": noise}
        make = partial(reconstructed, stood_before.purifier, folder=out / "reconstructions",
                       facts=stood_before.facts, seed=seed, device=compute_on(device))  # fmt: skip
        learnt, held_out = make(part.images, noise=noise), replace(held_out, images=make(held_out.images))
    train_classifier(
        part, len(material.classes), out, architecture=cast(Architecture, architecture), recipe=cast(Recipe, recipe),
        reconstructions=learnt, eps=eps, epochs=epochs, validation=held_out, seed=seed, device=device,
        precision=precision, card=card,
    )  # fmt: skip
    behind = f" --defense defense_gan --generator {generator_folder}" if generator_folder else ""
    _say(
        f"The classifier is in {out / 'classifier'}. Next: lineament attack --classifier {out} {material.flags}{behind}"
    )


def _material(
    data: str, root: Path | None, size: int | None, attribute: str | None = None, *, any_attribute: bool = False
) -> _Material:
    """A set with its classes: those that each image shows one of, else the absence and presence of ``attribute``.

    With ``any_attribute`` that need not be named: the most evenly shared one is taken.
    """
    if size is not None and not 8 <= size <= 512:
        raise UsageError(f"--size: expected 8 to 512 pixels, got {size}")
    dataset = open_dataset(data, root)
    if not dataset.attributes:
        raise UsageError(f"{data}: has no labels, which a classifier learns, or judges generated images by")
    single = len(dataset.attributes) > 1 and bool(((dataset.labels == 1).sum(1) == 1).all())
    if attribute is None and not single:
        if not any_attribute:
            raise UsageError(f"{data}: its images have several attributes or none; name one to detect with --attribute")
        attribute = _evenly_shared(dataset)
    classes = (f"no {attribute}", attribute) if attribute else dataset.attributes
    labels = truth(dataset, dataset.attributes, attribute)
    framing = dataset if size is None else framed(dataset, (size, size))
    flags = f"--data {data}" + (f" --root {shlex.quote(str(root))}" if root else "")
    material = _Material(framing, labels, classes, flags)
    if not (material.count("train") and material.count("development")):
        raise UsageError(
            f"{data}: shows none of the classes in its train or development part; name another set or --attribute"
        )
    return material


def _evenly_shared(dataset: AttributeDataset) -> str:
    known = (dataset.labels >= 0).sum(0)
    shares = (dataset.labels == 1).sum(0) / np.maximum(known, 1)
    return dataset.attributes[int(np.abs(shares - 0.5).argmin())]


def _some(part: Labelled, n: int | None, seed: int) -> Labelled:
    """Up to ``n`` images drawn at random; None keeps all."""
    if n is None or n >= len(part):
        return part
    index = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))[:n]
    return Labelled(part.images[index], part.labels[index])


def _check_recipe(recipe: str, generator_folder: Path | None, noise: float, eps: float | None) -> None:
    """``UsageError`` for a flag that the recipe has no use for, or a value out of range: before any image is read."""
    if recipe != "rec" and (generator_folder is not None or noise):
        raise UsageError(f"--generator and --noise: are for --recipe rec; {recipe} learns without a generator")
    if recipe not in ADVERSARIAL and eps is not None:
        raise UsageError(
            f"--eps: is the budget of attacks, which {recipe} learns nothing of; take --recipe fgsm or pgd"
        )
    if not 0 <= noise <= 1:
        raise UsageError(f"--noise: expected a change of a value in [0, 1], such as 0.3, got {noise:g}")
    if eps is not None and not 0 < eps <= 1:
        got = f"{eps:g}{levels(eps)}"
        raise UsageError(f"--eps: expected the greatest change of a value, in (0, 1], such as 0.3, got {got}")


def _check_counts(given: Mapping[str, int | None]) -> None:
    """``UsageError`` for the first flag whose number is below 1."""
    for flag, value in given.items():
        if value is not None and value < 1:
            raise UsageError(f"{flag}: expected at least 1, got {value}")


def _calibrate(folder: Path, held_out: Labelled, device: Device) -> None:
    """Note on a generator's card what errors clean images have in the fast mode, by which `defend` flags others."""
    where = compute_on(device)
    stands = shield(
        "defense_gan", shape=held_out.images.shape[1:], data=None, generator=folder, mode="fast", device=where
    )
    calibrate(stands, held_out.images, where)


def _data(card: Mapping[str, Any], folder: Path) -> str:
    if not (data := card.get("data")):
        raise UsageError(f"{folder}: its card does not say what it was trained on; name the set with --data")
    return str(data)


def _print(facts: Mapping[str, Any]) -> None:
    print(json_module.dumps(facts, indent=1))


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, soft_wrap=True, markup=False)
