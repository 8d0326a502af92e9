"""Processor time to project one image, and what the classifier behind then gets right: fast, reference, and one by one.

``reference`` is the dissertation's schedule (L 200, R 10), all restarts of all images in one batch. ``sequential`` is
how the public PyTorch versions do it, written down literally: 32 images at a time in float32, one restart after the
other, a rate that falls at every step, the mean over the batch as the loss, and one restart kept for the whole batch.
All project the same images in the same run, in turns, on one thread. Accuracy is that of classifier A, which learnt
reconstructions, on clean images and under FGSM 0.3 against it alone.
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

from benchmarks.harness import ROOT, benchmark, data_root
from lineament.attacks.gradient_sign import FGSM
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.defense.projection import project
from lineament.reproduction.material import Material, Trained, accuracy

BATCH = 32
"""Images that are timed, and a batch of the sequential way."""

SEQUENTIAL = 96
"""Images that the sequential way's accuracy is of: it takes seconds for each."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, help="test images behind the accuracies: 1,000, or 8 if quick")


def measure(*, quick: bool, seed: int, n: int | None) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    rows = []
    for data in ("mnist", "fashion_mnist")[: 1 if quick else 2]:
        folder = ROOT / "runs" / "benchmarks" / "defense" / data
        material = Material(data, folder, data_root(), n or (8 if quick else 1000), seed, quick, "cpu")
        rows += compared(material, quick)
    return summary(rows), rows


def compared(material: Material, quick: bool) -> list[dict[str, Any]]:
    """A row a way of projecting."""
    few = 2 if quick else None
    images, generator = material.images[:BATCH][:few], material.generator
    public = replace(REFERENCE, deviation=1.0)
    ways: dict[str, Callable[[], object]] = {
        "fast": lambda: project(generator, images, FAST, encoder=material.encoder, seed=material.seed),
        "fast, no encoder": lambda: project(generator, images, FAST, seed=material.seed),
        "reference": lambda: project(generator, images, REFERENCE, seed=material.seed),
        "sequential": lambda: sequential(generator, images, public, seed=material.seed),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 if quick else 3):
        for name, way in ways.items():
            started = time.process_time()
            way()
            spent[name].append((time.process_time() - started) / len(images))
    target = Trained("D" if quick else "A", "rec")
    attacked, classifier = material.attacked(FGSM(eps=0.3), target), material.classifier(target)
    purify: dict[str, Callable[[Tensor], Tensor]] = {
        "fast": lambda x: material.purifier(FAST)(x, seed=material.seed),
        "fast, no encoder": lambda x: project(generator, x, FAST, seed=material.seed).images,
        "reference": lambda x: material.purifier(REFERENCE)(x, seed=material.seed),
        "sequential": lambda x: in_batches(x, functools.partial(sequential, generator, config=public)),
    }
    rows = []
    for name, seconds in spent.items():
        print(f"{material.data}: {name}", flush=True)
        most = (few or SEQUENTIAL) if name == "sequential" else None
        row: dict[str, Any] = {"data": material.data, "way": name, "ms": 1000 * statistics.median(seconds)}
        for condition, batch in (("clean", material.images), ("fgsm", attacked)):
            made, given = purify[name](batch[:most]), batch[:most]
            row[f"{condition}_accuracy"], row[f"{condition}_low"], row[f"{condition}_high"] = accuracy(
                classifier, made, material.labels[:most]
            )
            row[f"{condition}_error"] = float((made - given).square().mean())
        rows.append(row | {"n": len(made), "classifier": target.place})
    return rows


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
    """The worst data set's ratios, and how much the fast mode gains or loses in accuracy."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["data"], {})[row["way"]] = row
    metrics = {
        f"ratio_{slow}": min(ways[slow]["ms"] / ways["fast"]["ms"] for ways in found.values())
        for slow in ("reference", "sequential")
    }
    for condition in ("clean", "fgsm"):
        key = f"{condition}_accuracy"
        metrics[f"{condition}_gain"] = min(ways["fast"][key] - ways["reference"][key] for ways in found.values())
    return metrics | {f"{data}_fast_ms": ways["fast"]["ms"] for data, ways in found.items()}


if __name__ == "__main__":
    benchmark(
        "projection_speed",
        "the fast projection takes a tenth of the reference's time at equal or better accuracy",
        measure,
        arguments=flags,
    )
