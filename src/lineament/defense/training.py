"""Train a generator: Wasserstein GAN with gradient penalty, one loop, read top to bottom."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from lineament.datasets.labelled import floats
from lineament.defense import generator as artifact
from lineament.defense.judge import FEATURE_SPACE
from lineament.defense.networks import Critic, Generator
from lineament.defense.objective import distance, gradient_penalty, interpolated
from lineament.defense.presets import GeneratorConfig
from lineament.defense.samples import write_sheet
from lineament.errors import JobError, UsageError
from lineament.training import Run, moving_average
from lineament.training.distances import frechet_distance, kernel_distance
from lineament.training.run import Device, Precision

__all__ = ["snapshots", "train_generator"]

JUDGED = 2000
"""Generated and held-out images that a score is of."""


def train_generator(
    images: UInt8[Tensor, "n channels height width"],
    validation: UInt8[Tensor, "m channels height width"],
    features: Callable[[Tensor], Tensor],
    config: GeneratorConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Generator:
    """Train ``config`` and write the artifact ``folder/generator``; a killed call, repeated, goes on.

    Kept are the weights whose images have the least FID to held-out ones; ``folder/snapshots`` keeps those of every
    evaluation, and ``folder/samples.png`` shows what the last of them make, in the end what the kept ones do.

    Args:
        images: what to learn from; no label is needed.
        validation: held-out images, which choose the weights.
        features: the space of the FID, an image batch to ``(batch, n)``; see `judge`.
        config: what to train.
        folder: of the run: metrics, checkpoints, snapshots, the artifact.
        seed: of weights and batches.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        The best generator, on the CPU, without gradients.

    Raises:
        UsageError: too few images, images of a size that no generator makes, or a folder that holds another run.
        JobError: training diverged.
    """
    if len(images) < config.batch or len(validation) < 2:
        raise UsageError(
            f"images: expected at least {config.batch} (one batch) and 2 held out, got {len(images)}, {len(validation)}"
        )
    run = Run(folder, config, data=_fingerprint(images), seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    channels, height, across = images.shape[1:]
    shape = (channels, height, across)
    G = Generator(shape, latent=config.latent, width=config.width)
    D = Critic(shape, width=config.width)
    for network in (G, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(G, config.averaging).to(run.device)
    optimizers = [torch.optim.Adam(net.parameters(), lr=config.learning_rate, betas=config.betas) for net in (G, D)]
    G, D, *optimizers = run.prepare(G, D, *optimizers)
    run.track(G=G, D=D, average=average, G_optimizer=optimizers[0], D_optimizer=optimizers[1])
    if run.finished(config.steps) and (Path(folder) / "generator").is_dir():
        return artifact.load(folder)[0]
    held_out = floats(validation[:JUDGED])
    real = features(held_out)
    images = images.to(run.device)

    for step in run.steps(config.steps, "training generator"):
        D.requires_grad_(True)
        for _ in range(config.critic_steps):
            x = floats(images[torch.randint(len(images), (config.batch,), device=run.device)])
            x = x.contiguous(memory_format=torch.channels_last)
            with run.accelerator.autocast():
                with torch.no_grad():
                    made = G(torch.randn(config.batch, config.latent, device=run.device))
                values = D(torch.cat([x, made]))
                apart = distance(values[: config.batch], values[config.batch :])
                penalty = gradient_penalty(D, interpolated(x, made))
            run.backward(config.penalty * penalty - apart)
            optimizers[1].step()
            optimizers[1].zero_grad()
        D.requires_grad_(False)
        with run.accelerator.autocast():
            value = D(G(torch.randn(config.batch, config.latent, device=run.device))).mean()
        run.backward(-value)
        optimizers[0].step()
        optimizers[0].zero_grad()
        average.update_parameters(G)
        run.log(distance=apart, penalty=penalty)
        if (step + 1) % max(1, config.steps // config.evaluations) == 0 or step + 1 == config.steps:
            if not bool(apart.isfinite()):
                raise JobError(f"{folder}: training diverged by step {step}; delete the folder and lower learning_rate")
            judged = cast(Generator, average.module)
            scores = _scores(judged, real, features, run.device)
            run.record(**scores)
            if run.is_main:
                artifact.save(judged, Path(folder) / "snapshots" / str(step + 1), metrics=scores)
                write_sheet(judged, Path(folder) / "samples.png")
            run.keep_best(-scores["fid"], judged.state_dict())

    best = Generator(shape, latent=config.latent, width=config.width)
    best.load_state_dict({name: value.half().float() for name, value in run.best_state().items()})
    if run.is_main:
        write_sheet(best, Path(folder) / "samples.png")
        artifact.save(
            best,
            Path(folder) / "generator",
            training={"seed": seed, "steps": run.step, "schedule": asdict(config)},
            feature_space=FEATURE_SPACE,
            metrics=_scores(best, real, features, torch.device("cpu")),
            **(card or {}),
        )
    run.accelerator.wait_for_everyone()
    return artifact.load(folder)[0]


def snapshots(folder: str | Path) -> dict[int, Path]:
    """The artifacts that a run kept, by the generator's step, in order."""
    found = (Path(folder) / "snapshots").glob("*/card.json")
    return dict(sorted((int(card.parent.name), card.parent) for card in found if card.parent.name.isdigit()))


@torch.no_grad()
def _scores(
    generator: Generator, real: Tensor, features: Callable[[Tensor], Tensor], device: torch.device
) -> dict[str, float]:
    """FID and KID of generated images to the held-out ones, always of the same latents."""
    latents = torch.randn(len(real), generator.latent, generator=torch.Generator().manual_seed(0))
    made = torch.cat([features(generator(part.to(device)).cpu()) for part in torch.split(latents, 250)])
    return {"fid": frechet_distance(real.double(), made.double()), "kid": kernel_distance(real, made, subsets=20)}


def _fingerprint(images: Tensor) -> dict[str, Any]:
    return {"images": list(images.shape), "sum": int(images.numpy().sum(dtype=np.int64))}
