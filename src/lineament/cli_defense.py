"""The verbs of the defence wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

__all__ = ["VERBS"]


def train_generator(
    out: Path,
    data: str = "mnist",
    root: Path | None = None,
    preset: str = "cpu",
    steps: int | None = None,
    size: int | None = None,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    dry_run: bool = False,
) -> None:
    """Train a generator, onto whose images `lineament defend` projects. Killed and called again, it goes on.

    Args:
        out: folder of the run; the generator is written to its subfolder "generator".
        data: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        preset: cpu (one core, about an hour) or reference (the dissertation's, for a GPU).
        steps: instead of the preset's number.
        size: cut images to a square about their middle and bring it to so many pixels a side: 25 to 32, 49 to 64, ...;
            as they are unless given.
        seed: of weights and batches.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.defense.commands import generator

    generator(
        out=out, data=data, root=root, preset_name=preset, steps=steps, size=size, seed=seed,
        device=device, precision=precision, dry_run=dry_run,
    )  # fmt: skip


def train_encoder(
    generator: Path,
    data: str | None = None,
    root: Path | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    dry_run: bool = False,
) -> None:
    """Train the encoder of a generator, in three minutes: it guesses where a projection had best begin.

    It is written beside the generator, where `lineament defend` finds it.

    Args:
        generator: folder of a run of `lineament train generator`, or a generator's artifact.
        data: the data set that the generator was trained on, as its card says unless given.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        steps: instead of 4,000.
        seed: of weights, batches and noise.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.defense.commands import encoder

    encoder(
        generator_folder=generator, data=data, root=root, steps=steps, seed=seed, device=device, precision=precision,
        dry_run=dry_run,
    )  # fmt: skip


def train_classifier(
    out: Path,
    data: str = "mnist",
    root: Path | None = None,
    attribute: str | None = None,
    architecture: Literal["A", "B", "C", "D", "E", "F"] = "A",
    recipe: Literal["orig", "rec", "fgsm", "pgd"] = "orig",
    generator: Path | None = None,
    mode: Literal["fast", "reference"] = "fast",
    noise: float = 0.0,
    eps: float | None = None,
    epochs: int | None = None,
    n: int | None = None,
    size: int | None = None,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    dry_run: bool = False,
) -> None:
    """Train a classifier of table 5.5: on images, on what a generator makes of them, or against attacks.

    Killed and called again, it goes on.

    Args:
        out: folder of the run; the classifier is written to its subfolder "classifier".
        data: a data set that `lineament data list` names; each image of one class, unless --attribute is given.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        attribute: tell its absence from its presence.
        architecture: of table 5.5.
        recipe: orig learns images; rec what a generator makes of them; fgsm and pgd attacked images (adversarial
            training).
        generator: for rec, a run of `lineament train generator`; that of the package for the set unless given.
        mode: of the projection, for rec; reference is the dissertation's, and takes about 25 times as long.
        noise: for rec, learn also what becomes of images under noise of this greatest size, such as 0.3.
        eps: budget of the attacks, for fgsm and pgd, in which a value changes by at most this; 0.3 unless given.
        epochs: instead of the architecture's usual number.
        n: learn from so many images, drawn at random; all unless given, and projecting them is what takes long.
        size: cut images to a square about their middle and bring it to so many pixels a side.
        seed: of weights, batches and draws.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.defense.commands import classifier

    classifier(
        out=out, data=data, root=root, attribute=attribute, architecture=architecture, recipe=recipe,
        generator_folder=generator, mode=mode, noise=noise, eps=eps, epochs=epochs, n=n, size=size, seed=seed,
        device=device, precision=precision, dry_run=dry_run,
    )  # fmt: skip


def attack(
    images: Positional[tuple[Path, ...]] = (),
    attack: tuple[str, ...] = ("fgsm",),
    eps: tuple[float, ...] = (0.3,),
    settings: tuple[str, ...] = (),
    classifier: str | None = None,
    onnx: Path | None = None,
    classes: str = "",
    detector: Path | None = None,
    attribute: str | None = None,
    defense: Literal["defense_gan", "binarised", "blurred"] | None = None,
    generator: Path | None = None,
    mode: Literal["fast", "reference"] = "fast",
    data: str | None = None,
    root: Path | None = None,
    n: int = 100,
    fit: bool = False,
    out: Path | None = None,
    json: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: bool = False,
) -> None:
    """Attack a classifier, bare or behind a defence, and say how it stands; pictures of every attack on request.

    Pictures are taken to show what the bare classifier takes them for; test images have labels.

    Args:
        images: picture files, or folders of them.
        attack: one or several of fgsm, rand_fgsm, pgd, cw, square, noise and black_box; and of bpda, unrolled and
            on_manifold, which know the defence.
        eps: one or several budgets: the greatest change of a value, in [0, 1]. cw has none.
        settings: further ones of the attacks, such as steps=100 restarts=5; a wrong one is told which there are.
        classifier: a run of `lineament train classifier`, or one of the package, mnist/A to fashion_mnist/F; A of the
            data set unless given.
        onnx: instead, an ONNX file: a float batch of images in [0, 1] in, logits out. It has no gradient.
        classes: names of its classes, separated by commas, in the order of its logits; those of the set unless given.
        detector: of --attribute, an artifact or a run folder; the one that comes with the package unless given.
        attribute: instead, tell the presence of this attribute of a detector from its absence.
        defense: what stands before the classifier; nothing unless given.
        generator: of defense_gan, a run of `lineament train generator`; that of the package for the set unless given.
        mode: of the projection; reference is the dissertation's, and takes about 25 times as long.
        data: a data set; its test images are attacked where no pictures are named.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images.
        fit: cut and scale images to what the classifier takes, and make them grey if need be.
        out: write the adversarial pictures: as PNGs and a report.json into a new folder, or, if the name ends in .html,
            on a page.
        json: print the figures as JSON instead of a table.
        seed: of the images, the attacks and the defence.
        device: where to compute.
        dry_run: open all that is named, print what would be attacked as JSON and stop.
    """
    from lineament.defense.attack_commands import attack_images
    from lineament.defense.choices import Request

    request = Request(
        images=images, classifier=classifier, onnx=onnx, classes=classes, detector=detector, attribute=attribute,
        defense=defense, generator=generator, mode=mode, data=data, root=root, n=n, fit=fit, seed=seed, device=device,
    )  # fmt: skip
    attack_images(request, attacks=attack, eps=eps, settings=settings, out=out, json=json, dry_run=dry_run)


def defend(
    images: Positional[tuple[Path, ...]] = (),
    classifier: str | None = None,
    onnx: Path | None = None,
    classes: str = "",
    detector: Path | None = None,
    attribute: str | None = None,
    defense: Literal["defense_gan", "binarised", "blurred"] = "defense_gan",
    generator: Path | None = None,
    mode: Literal["fast", "reference"] = "fast",
    data: str | None = None,
    root: Path | None = None,
    n: int = 100,
    fit: bool = False,
    fpr: float = 0.05,
    out: Path | None = None,
    json: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: bool = False,
) -> None:
    """Purify images before a classifier looks: what is decided before and after, and which images look attacked.

    Args:
        images: picture files, or folders of them.
        classifier: a run of `lineament train classifier`, or one of the package, mnist/A to fashion_mnist/F; A of the
            data set unless given.
        onnx: instead, an ONNX file: a float batch of images in [0, 1] in, logits out.
        classes: names of its classes, separated by commas, in the order of its logits; those of the set unless given.
        detector: of --attribute, an artifact or a run folder; the one that comes with the package unless given.
        attribute: instead, tell the presence of this attribute of a detector from its absence.
        defense: what stands before the classifier.
        generator: of defense_gan, a run of `lineament train generator`; that of the package for the set unless given.
        mode: of the projection; reference is the dissertation's, takes about 25 times as long, and first purifies 200
            development images of --data, for each mode has a threshold of its own.
        data: a data set; its test images are meant where no pictures are named.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images.
        fit: cut and scale images to what the classifier takes, and make them grey if need be.
        fpr: flag an image whose error is greater than all but this share of clean development images have.
        out: write the purified pictures: as PNGs and a report.json into a new folder, or, if the name ends in .html, on
            a page.
        json: print the figures as JSON instead of a table.
        seed: of the images and the defence.
        device: where to compute.
        dry_run: open all that is named, print what would be defended as JSON and stop.
    """
    from lineament.defense.choices import Request
    from lineament.defense.defend_commands import defend_images

    request = Request(
        images=images, classifier=classifier, onnx=onnx, classes=classes, detector=detector, attribute=attribute,
        defense=defense, generator=generator, mode=mode, data=data, root=root, n=n, fit=fit, seed=seed, device=device,
    )  # fmt: skip
    defend_images(request, fpr=fpr, out=out, json=json, dry_run=dry_run)


VERBS: dict[str, Callable[..., Any]] = {
    "train generator": train_generator,
    "train encoder": train_encoder,
    "train classifier": train_classifier,
    "attack": attack,
    "defend": defend,
}
"""Train what defends, attack classifiers, defend them."""
