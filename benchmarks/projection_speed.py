"""Processor time to project one image, and what the classifier behind then gets right: fast, reference, and one by one.

``reference`` is the dissertation's schedule (L 200, R 10), all restarts of all images in one batch. ``sequential`` is
how the public PyTorch versions do it, written down literally: 32 images at a time in float32, one restart after the
other, a rate that falls at every step, the mean over the batch as the loss, and one restart kept for the whole batch.
All project the same images in the same run, in turns, on one thread. What is gained or lost in accuracy is that of
classifier A that learnt the images, clean and under FGSM 0.3 against it alone; beside it stands the one that learnt
reconstructions, which favours the fast mode that made them. Gains are image for image, with 95 % intervals.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.defense_task import DATA, RUNS
from benchmarks.harness import benchmark, data_root
from benchmarks.intervals import paired
from lineament.attacks.gradient_sign import FGSM
from lineament.classifier import AdaptedClassifier
from lineament.defense.intervals import share
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.defense.projection import project
from lineament.reproduction.material import Material
from lineament.reproduction.purifiers import projecting
from lineament.reproduction.trained import Trained

BATCH = 32
"""Images that are timed, and a batch of the sequential way."""

SEQUENTIAL = 96
"""Images that the sequential way's accuracy is of: it takes seconds for each."""


PUBLIC = replace(REFERENCE, deviation=1.0)

ENDS = ("", "_low", "_high")


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, help="test images behind the accuracies: 1,000, or 8 if quick")


def measure(*, quick: bool, seed: int, n: int | None) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    rows = []
    for data in DATA[: 1 if quick else 2]:
        material = Material(data, RUNS / data, data_root(), n or (8 if quick else 1000), seed, quick, "cpu")
        rows += compared(material, quick)
    return summary(rows), rows


def compared(material: Material, quick: bool) -> list[dict[str, Any]]:
    """A row a classifier and a way of projecting; the sequential way for the neutral classifier alone."""
    spent, rows = times(material, quick), []
    for recipe in ("orig", "rec"):
        target = Trained("D" if quick else "A", recipe)
        classifier = material.classifier(target)
        sets = {"clean": material.images, "fgsm": material.attacked(FGSM(0.3), classifier)}
        found: dict[str, dict[str, Any]] = {}
        for way, (base, most, purify) in ways(material, quick).items():
            if recipe == "orig" or not most:
                print(f"{material.data}, classifier {target.place}: {way}", flush=True)
                given = {key: images[: most or None] for key, images in sets.items()}
                found[way] = scores(classifier, given, purify, material.labels[: most or None], found.get(base))
                rows.append({"data": material.data, "classifier": recipe, "way": way, "against": base,
                             "ms": spent[way.partition(" on")[0]], "n": len(given["clean"]), **found[way]})  # fmt: skip
    return [{key: value for key, value in row.items() if not isinstance(value, Tensor)} for row in rows]


def ways(material: Material, quick: bool) -> dict[str, tuple[str, int, Callable[[Tensor], Tensor]]]:
    """Ways to project: on the same images beside which one, of how many images (0 for all), and how."""
    kept = lambda known: functools.partial(material.purified, known)  # noqa: E731
    one_by_one = functools.partial(sequential, material.generator, config=PUBLIC)
    few, fast = 2 if quick else SEQUENTIAL, kept(material.purifier(FAST))
    return {
        "reference": ("", 0, kept(material.purifier(REFERENCE))),
        "fast": ("reference", 0, fast),
        "fast, no encoder": ("reference", 0, kept(projecting(FAST, material.generator))),
        "sequential": ("", few, lambda images: in_batches(images, one_by_one)),
        "fast on the sequential's images": ("sequential", few, fast),
    }


def scores(
    classifier: AdaptedClassifier, sets: Mapping[str, Tensor], purify: Callable[[Tensor], Tensor], labels: Tensor,
    base: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """Of each set the accuracy with its interval, the error, and the gain over ``base``, image for image."""
    found: dict[str, Any] = {}
    for key, images in sets.items():
        made = purify(images)
        right = classifier(made).argmax(1) == labels
        value, low, high = share(right)
        found |= {f"{key}_right": right, f"{key}_accuracy": value, f"{key}_low": low, f"{key}_high": high,
                  f"{key}_error": float((made - images).square().mean())}  # fmt: skip
        if base:
            found[f"{key}_gain"] = paired(right.tolist(), base[f"{key}_right"].tolist())
    return found


def times(material: Material, quick: bool) -> dict[str, float]:
    """Milliseconds of a core that each way takes for an image, the ways in turns."""
    images, generator, encoder = material.images[: 2 if quick else BATCH], material.generator, material.encoder
    project(generator, images, FAST, encoder=encoder)  # what is done once is not counted
    work: dict[str, Callable[[], object]] = {
        "fast": lambda: project(generator, images, FAST, encoder=encoder, seed=material.seed),
        "fast, no encoder": lambda: project(generator, images, FAST, seed=material.seed),
        "reference": lambda: project(generator, images, REFERENCE, seed=material.seed),
        "sequential": lambda: sequential(generator, images, PUBLIC, seed=material.seed),
    }
    spent: dict[str, list[float]] = {way: [] for way in work}
    for _ in range(1 if quick else 3):
        for way, call in work.items():
            started = time.process_time()
            call()
            spent[way].append((time.process_time() - started) / len(images))
    return {way: 1000 * statistics.median(seconds) for way, seconds in spent.items()}


def sequential(
    generator: nn.Module, images: Tensor, config: ProjectionConfig, *, seed: int = 0, falls: float = 3.0
) -> Tensor:
    """The images ``(batch, ...)`` that the public versions make of a batch, slow and literal.

    Args:
        generator: of the images.
        images: one batch.
        config: one stage of L steps and R restarts, with its rate, momentum and deviation of the starts.
        seed: of the starts.
        falls: by how many powers of ten the rate falls in the first 0.8 L steps; 0 keeps it.
    """
    ((steps, restarts),) = config.stages
    drawn = torch.Generator().manual_seed(seed)
    kept, least = images, float("inf")
    for _ in range(restarts):
        latents = config.deviation * torch.randn(len(images), generator.latent, generator=drawn)  # type: ignore[arg-type]
        latents.requires_grad_()
        optimizer = torch.optim.SGD([latents], lr=config.rate, momentum=config.momentum)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = config.rate * 10 ** (-falls * step / (0.8 * steps))
            optimizer.zero_grad()
            nn.functional.mse_loss(generator(latents), images).backward()
            optimizer.step()
        with torch.no_grad():
            made = generator(latents)
            error = nn.functional.mse_loss(made, images).item()
        if error < least:
            kept, least = made, error
    return kept


def in_batches(images: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([work(batch) for batch in torch.split(images, BATCH)])


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The worst data set's ratios, and gains in accuracy with their intervals: of the neutral classifier, then of -Rec.

    A gain is of the fast mode over the reference, and over the sequential way on the images that it projected.
    """
    at = {(row["data"], row["classifier"], row["way"]): row for row in rows}
    sets = list(dict.fromkeys(row["data"] for row in rows))
    metrics = {
        f"ratio_{slow}": min(at[data, "orig", slow]["ms"] / at[data, "orig", "fast"]["ms"] for data in sets)
        for slow in ("reference", "sequential")
    }
    for condition in ("clean", "fgsm"):
        for suffix, recipe, way in (
            ("", "orig", "fast"), ("_rec", "rec", "fast"), ("_sequential", "orig", "fast on the sequential's images")
        ):  # fmt: skip
            worst = min(at[data, recipe, way][f"{condition}_gain"] for data in sets)
            metrics |= {f"{condition}_gain{suffix}{end}": value for end, value in zip(ENDS, worst, strict=True)}
    return metrics | {f"{data}_fast_ms": at[data, "orig", "fast"]["ms"] for data in sets}


if __name__ == "__main__":
    benchmark(
        "projection_speed",
        "the fast projection takes a tenth of the reference's time at equal or better accuracy",
        measure,
        arguments=flags,
    )
