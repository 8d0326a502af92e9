"""Train an explainer: one loop, read top to bottom, in the symbols of chapter 4."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import UInt8
from rich.console import Console
from torch import Tensor

from lineament.datasets.labelled import floats
from lineament.errors import JobError, UsageError
from lineament.explanation import objective
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, load
from lineament.explanation.fingerprint import fingerprint
from lineament.explanation.networks import Discriminator, Transformer
from lineament.explanation.presets import ExplainerConfig
from lineament.explanation.small_classifiers import shifted
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["train_explainer"]

VALIDATION_IMAGES = 1000
"""At most as many images score a checkpoint."""

ENOUGH = 0.99
"""Validity from which a checkpoint wins by changing less, rather than by another image that happens to cross."""


def train_explainer(
    images: UInt8[Tensor, "n channels height width"],
    validation: UInt8[Tensor, "m channels height width"],
    decisions: Decisions,
    config: ExplainerConfig,
    folder: str | Path,
    *,
    stand_in: Decisions | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Explainer:
    """Train ``config`` and write the artifact ``folder/explainer``; a killed call, repeated, goes on.

    Args:
        images: what to learn from; labels are not needed, the classifier's decisions sort them.
        validation: chooses the checkpoint; its decisions must show two classes too.
        decisions: the classifier; it sorts the images and scores the checkpoints.
        config: what to train.
        folder: of the run: metrics, checkpoints, the artifact.
        stand_in: gives the gradient where ``decisions`` has none; `student.imitate` trains one.
        seed: of weights and batches.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence, the classifier's sha256).

    Returns:
        The explainer of the best checkpoint, on the CPU.

    Raises:
        UsageError: a classifier without gradient, images of a size that cannot be halved often enough, more than two
            classes without ``label``, or a folder that holds another run.
        JobError: a class that the classifier never decides for, so that there is nothing to explain.
    """
    C = stand_in or decisions
    if config.mask and not config.count:
        told = "count: its weight is 0, so nothing but the other priors keeps the mask small; it may cover everything"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
    _check(C, config)
    pools, judged = (_sides(part, decisions, name) for part, name in ((images, "images"), (validation, "validation")))
    run = Run(folder, config, data=fingerprint(images, decisions), seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    channels, height, across = images.shape[1:]
    size: dict[str, Any] = {"levels": config.levels, "shared": config.shared, "label": config.label}
    drawing = {"width": config.width, "skips": config.skips} | size
    G = Transformer((channels, height, across), len(decisions.classes), **drawing)
    D = Discriminator((channels, height, across), len(decisions.classes), width=config.discriminator_width, **size)
    for network in (G, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(G, config.averaging).to(run.device)
    optimizers = [torch.optim.Adam(net.parameters(), lr=config.learning_rate, betas=(0.0, 0.99)) for net in (G, D)]
    G, D, *optimizers = run.prepare(G, D, *optimizers)
    run.track(G=G, D=D, average=average, G_optimizer=optimizers[0], D_optimizer=optimizers[1])
    if run.finished(config.steps) and (Path(folder) / "explainer").is_dir():
        return load(folder)

    for step in run.steps(config.steps, "training explainer"):
        for group in chain(*(optimizer.param_groups for optimizer in optimizers)):
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / config.steps))
        x, source, target = _batch(*pools, config.batch, run.device)
        with run.accelerator.autocast():
            crossing = G(x, source, target)
        r, t, m = crossing if config.mask else crossing._replace(mask=torch.ones_like(crossing.mask))
        c = objective.composed(x, t, m)
        fakes = [(r, source), (t, target), (c, target)][: 3 if config.mask else 2]
        if not config.reconstruction:
            fakes = fakes[1:]

        if not bool(c.isfinite().all()):
            raise JobError(
                f"{folder}: training diverged at step {step}; delete the folder and lower the rate, or raise penalty"
            )

        logged: dict[str, Tensor] = {}
        if config.gan:
            D.requires_grad_(True)
            with run.accelerator.autocast():
                real, *fake = _judged(D, [(x, source), *((image.detach(), of) for image, of in fakes)])
            adversary = objective.discrimination(real, *fake)
            if config.penalty and step % config.penalty_every == 0:
                seen = x.clone().requires_grad_(True)
                weight = config.penalty / 2 * config.penalty_every
                adversary = adversary + weight * objective.gradient_penalty(D(seen, source), seen)
            run.backward(adversary)
            optimizers[1].step()
            optimizers[1].zero_grad()
            D.requires_grad_(False)
            logged["adversary"] = adversary

        terms: dict[str, Tensor] = {}
        if config.gan:
            with run.accelerator.autocast():
                terms["gan"] = objective.realism(*_judged(D, fakes))
        if config.classifier:
            terms["classifier"] = objective.classification(C(_disturbed(c, config)), target)
        if config.reconstruction:
            terms["reconstruction"] = objective.reconstruction(x, r)
        if config.mask:
            terms["consistency"] = objective.consistency(x, t, m)
            terms["count"] = objective.count(m, config.kappa)
            terms["smoothness"] = objective.smoothness(m)
            terms["entropy"] = objective.entropy(m)
        run.backward(torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum())
        optimizers[0].step()
        optimizers[0].zero_grad()
        average.update_parameters(G)
        run.log(**logged, **terms)
        if (step + 1) % max(1, config.steps // config.evaluations) == 0 or step + 1 == config.steps:
            candidate = Explainer(cast(Transformer, average.module), decisions.classes, masked=config.mask)
            run.keep_best(_score(candidate, decisions, judged, run), average.module.state_dict())

    best = Transformer((channels, height, across), len(decisions.classes), **drawing)
    best.load_state_dict({name: _rounded(value) for name, value in run.best_state().items()})
    explainer = Explainer(best, decisions.classes, masked=config.mask)
    if run.is_main:
        explainer.save(
            Path(folder) / "explainer",
            training={"seed": seed, "steps": run.step, "schedule": asdict(config)},
            metrics=_measured(explainer, decisions, *judged),
            **(card or {}),
        )
    run.accelerator.wait_for_everyone()
    return load(folder)


def _check(decisions: Decisions, config: ExplainerConfig) -> None:
    if len(decisions.classes) > 2 and not config.label:
        raise UsageError(f"{len(decisions.classes)} classes need one network with the class as input: set label=True")
    if config.classifier and not decisions.differentiable:
        raise UsageError(
            "this classifier has no gradient; train a stand-in on its answers (student.imitate) and explain that"
        )
    if not (config.gan or config.classifier):
        raise UsageError("gan, classifier: both weights are 0, so nothing would draw an image over the boundary")


def _sides(images: Tensor, decisions: Decisions, name: str) -> tuple[Tensor, list[Tensor]]:
    """The images and, for each class, the indices of those decided for it."""
    parts = [decisions.predict(floats(part)) for part in torch.split(images, 256)]
    predicted = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)
    pools = [(predicted == j).nonzero()[:, 0] for j in range(len(decisions.classes))]
    if missing := [label for label, pool in zip(decisions.classes, pools, strict=True) if not len(pool)]:
        raise JobError(
            f"{name}: the classifier decides for {', '.join(map(repr, missing))} on none of {len(images):,} images, so "
            "there is no boundary to explain; use images of both classes, or another threshold"
        )
    return images, pools


def _batch(images: Tensor, pools: list[Tensor], each: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """As many images of every class, their classes, and for each another class to cross to."""
    k = len(pools)
    each = each if k == 2 else -(-2 * each // k)
    drawn = [pool[torch.randint(len(pool), (each,))] for pool in pools]
    source = torch.arange(k).repeat_interleave(each)
    target = (source + torch.randint(1, k, (k * each,))) % k
    x = floats(images[torch.cat(drawn)]).contiguous(memory_format=torch.channels_last)
    return x.to(device), source.to(device), target.to(device)


def _disturbed(images: Tensor, config: ExplainerConfig) -> Tensor:
    """Moved and made noisy a little, so that what crosses the boundary is no pattern of single pixels."""
    moved = shifted(images, config.shift) if config.shift else images
    return (moved + config.noise * torch.randn_like(moved)).clamp(0, 1) if config.noise else moved


def _judged(D: torch.nn.Module, kinds: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """The discriminators' log-odds of several batches, in one pass."""
    images, classes = (torch.cat(parts) for parts in zip(*kinds, strict=True))
    found: Tensor = D(images, classes)
    return list(torch.split(found, [len(part) for part, _ in kinds]))


def _score(explainer: Explainer, decisions: Decisions, judged: tuple[Tensor, list[Tensor]], run: Run) -> float:
    """Validity of the direction that crosses least often, up to `ENOUGH`, less the mean change of a pixel."""
    measured = _measured(explainer, decisions, *judged, run.accelerator.autocast)
    run.record(**measured)
    return min(measured["validity"], ENOUGH) - measured["change"]


@torch.no_grad()
def _measured(
    explainer: Explainer,
    decisions: Decisions,
    images: Tensor,
    pools: list[Tensor],
    precision: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> dict[str, float]:
    """On validation images: the validity of the direction that crosses least often, and the mean change of a pixel."""
    valid, changed = [], []
    device = next(explainer.parameters()).device
    for j, pool in enumerate(pools):
        x = floats(images[pool[: VALIDATION_IMAGES // len(pools)]]).to(device)
        source = torch.full((len(x),), j, device=device)
        for other in range(1, len(pools)):
            target = (source + other) % len(pools)
            with precision():
                _, _, c = explainer(x, source, target)
            valid.append((decisions.predict(c) == target).double().mean())
            changed.append((c - x).abs().mean().double())
    return {"validity": float(torch.stack(valid).min()), "change": float(torch.stack(changed).mean())}


def _rounded(value: Tensor) -> Tensor:
    """To the nearest float16, in the old type: the weights that are measured are those that the artifact holds."""
    return value.half().to(value.dtype) if value.is_floating_point() else value
