"""Train the eraser R: take one attribute off an image, so that its critic and C believe it, and paint over little."""

from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, Self, cast

import torch
from torch import Tensor

from lineament.editing import objective
from lineament.editing.label_reader import read
from lineament.editing.networks import Critic, Eraser, LabelReader, erased
from lineament.editing.presets import EditorConfig
from lineament.editing.sampling import Pools, batch
from lineament.errors import JobError
from lineament.training import Run, moving_average

__all__ = ["EraserConfig", "bared", "train_eraser"]


@dataclass(frozen=True)
class EraserConfig:
    """One training of R; the fields are those of `EditorConfig`, and ``steps`` its ``eraser_steps``."""

    cgan: float
    erase: float
    region: float
    smoothness: float
    penalty: float
    penalty_every: int
    width: int
    critic_width: int
    steps: int
    batch: int
    learning_rate: float
    averaging: float

    @classmethod
    def of(cls, config: EditorConfig) -> Self:
        """What of an editor's configuration its eraser hears of; the rest may change without a new eraser."""
        chosen = {field.name: getattr(config, field.name) for field in fields(cls)}
        return cls(**(chosen | {"steps": config.eraser_steps}))


def train_eraser(pools: Pools, C: LabelReader, config: EraserConfig, folder: Path, **where: Any) -> Eraser:
    """Train R in ``folder``; a killed call, repeated, goes on.

    Args:
        pools: images by attribute and class.
        C: the attribute classifier that shall not read the attribute any more.
        config: weights and schedule.
        folder: of the run.
        **where: data, seed, device and precision of its `Run`.

    Returns:
        The moving average of R, frozen, in evaluation mode.

    Raises:
        JobError: a training that diverged.
    """
    run = Run(folder, config, **where)
    torch.manual_seed(run.seed)
    size, L = pools.images.shape[2], len(pools.absent)
    R, D = Eraser(size, L, width=config.width), Critic(size, L, width=config.critic_width)
    for network in (R, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(R, config.averaging).to(run.device)
    adam = [
        torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.0, 0.99), fused=True)
        for network in (R, D)
    ]
    R, D, *adam = run.prepare(R, D, *adam)
    run.track(R=R, D=D, average=average, R_adam=adam[0], D_adam=adam[1])
    half, every = run.accelerator.autocast, config.penalty_every

    for step in run.steps(config.steps, "training eraser"):
        for group in chain(*(optimizer.param_groups for optimizer in adam)):
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / config.steps))
        x, y, chosen = batch(pools, config.batch, 1.0, run.device)
        real, real_labels, asked = batch(pools, config.batch, 0.5, run.device)
        with half():
            layers = R(x)
        bare, mask = erased(x, layers, chosen.float()), layers[1][chosen]
        wanted = torch.where(chosen, 0.0, y)
        if not bool(bare.isfinite().all()):
            raise JobError(f"{folder}: training diverged at step {step}; delete the folder and lower the learning rate")

        with half():
            judged = D(torch.cat([real, bare.detach()]), torch.cat([real_labels, wanted]))
        true, false = judged[: len(real)][real_labels != 0.5], judged[len(real) :][chosen]
        adversary = objective.discrimination(true, false)
        if config.penalty and step % every == 0:
            seen = real.clone().requires_grad_(True)
            slope = objective.gradient_penalty(D(seen, real_labels)[asked], seen)
            adversary = adversary + config.penalty / 2 * every * slope
        run.backward(adversary)
        adam[1].step()
        adam[1].zero_grad()

        D.requires_grad_(False)
        with half():
            judged = D(bare, wanted)[chosen]
        terms = {
            "cgan": objective.realism(judged),
            "erase": objective.labelled(torch.where(chosen, read(C, bare, half), 0.0), torch.where(chosen, 0.0, 0.5)),
            "region": mask.mean() * min(1.0, step / 300),  # first it must find out what to paint at all
            "smoothness": objective.smoothness(mask),
        }
        run.backward(torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum())
        adam[0].step()
        adam[0].zero_grad()
        D.requires_grad_(True)
        average.update_parameters(R)
        run.log(adversary=adversary, **terms)
    trained = cast(Eraser, average.module)
    return trained.eval().requires_grad_(False)


def bared(R: Eraser, images: Tensor, *which: Tensor, half: Any) -> list[Tensor]:
    """The images without some attributes: for each ``(batch, attributes)`` bool in ``which`` once."""
    with torch.no_grad(), half():
        layers = R(images)
    return [erased(images, layers, each.to(images.dtype)) for each in which]
