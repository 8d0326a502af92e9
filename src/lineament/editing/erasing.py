"""Train the eraser R: it marks little, and fills it so that its critic and C believe the attributes gone."""

from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, Self, cast

import torch
from jaxtyping import Bool
from torch import Tensor

from lineament.datasets.labelled import floats
from lineament.editing import objective
from lineament.editing.eraser import Eraser, painted_over
from lineament.editing.label_reader import read
from lineament.editing.networks import Critic, LabelReader
from lineament.editing.presets import EditorConfig
from lineament.editing.sampling import Pools, batch
from lineament.errors import JobError
from lineament.training import Run, moving_average

__all__ = ["EraserConfig", "opaque", "train_eraser"]

REPLACED = 0.55
"""The share of the pixels in its place, on average, that the painting of an opaque attribute replaces at least."""

MOST = 64
"""Images of an attribute that tell whether it is opaque."""


@dataclass(frozen=True)
class EraserConfig:
    """One training of R; the fields are those of `EditorConfig`, and ``steps`` its ``eraser_steps``."""

    cgan: float
    erase: float
    region: float
    smoothness: float
    fill: float
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

    In the first five eighths of the steps it learns to mark: masks and paintings of one attribute at a time, so that
    its critic and C believe it gone and little is painted. In the others it learns to fill what was marked: truly,
    where an attribute's place was put on an image without it, and so that critic and C believe it, where it was there.

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
    phases = config.steps - config.steps * 3 // 8, config.steps * 3 // 8

    for step in run.steps(config.steps, "training eraser"):
        marking = step < phases[0]
        done = step / phases[0] if marking else (step - phases[0]) / phases[1]
        for group in chain(*(optimizer.param_groups for optimizer in adam)):
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - done))
        x, y, chosen = batch(pools, config.batch, 1.0, run.device)
        real, real_labels, asked = batch(pools, config.batch, 0.5 if marking else 0.0, run.device)
        gone = chosen if marking else y == 1
        wanted = torch.where(gone, 0.0, y)
        terms: dict[str, Tensor] = {}
        with half():
            if marking:
                layers = R.layers(x)
                bare, mask = painted_over(x, layers, chosen.float()), layers[1][chosen]
                # concave, so that half a mask and the opposite colour are no cheaper than the whole and the right one
                terms["region"] = (1.25 * mask / (mask + 0.25)).mean() * min(1.0, step / 300)  # first it must find any
                terms["smoothness"] = objective.smoothness(mask)
            else:
                with torch.no_grad():
                    masks = R.masks(cast(Eraser, average.module).layers(x))
                bare = R(x, masks, gone)
                terms["fill"] = _known(R, x, masks, gone)
        if not bool(bare.isfinite().all()):
            raise JobError(f"{folder}: diverged at step {step}; delete the folder and try float32 or another seed")

        with half():
            judged = D(torch.cat([real, bare.detach()]), torch.cat([real_labels, wanted]))
        true, false = judged[: len(real)][real_labels != 0.5], judged[len(real) :][gone]
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
            judged = D(bare, wanted)[gone]
        terms["cgan"] = objective.realism(judged)
        terms["erase"] = objective.labelled(torch.where(gone, read(C, bare, half), 0.0), torch.where(gone, 0.0, 0.5))
        run.backward(torch.stack([getattr(config, name) * value for name, value in terms.items()]).sum())
        adam[0].step()
        adam[0].zero_grad()
        D.requires_grad_(True)
        average.update_parameters(R)
        run.log(adversary=adversary, **terms)
    trained = cast(Eraser, average.module)
    return trained.eval().requires_grad_(False)


@torch.no_grad()
def opaque(R: Eraser, pools: Pools, device: torch.device) -> Bool[Tensor, " attributes"]:
    """Which attributes hide what is behind them: of most images with one, R's painting leaves little in its place.

    Of glasses it leaves the eyes, of a smile the mouth; of a hat nothing, but for what it fails to remove.
    """
    shares = []
    for i, rows in enumerate(pools.present):
        layers = R.layers(floats(pools.images[rows[:MOST]]).to(device))
        place = R.masks(layers)[:, i] > R.edge
        shares.append(((layers[1][:, i] * place).sum((1, 2, 3)) / place.sum((1, 2, 3)).clamp(min=1)).median())
    return torch.stack(shares) > REPLACED


def _known(R: Eraser, x: Tensor, masks: Tensor, own: Tensor) -> Tensor:
    """The error where the image is filled and its truth is known: in the places of the attributes of the image before.

    Some of its own are filled at once, for there may be several, but there nothing is known.
    """
    n = len(x)
    lent = own.roll(1, 0) & ~own & (torch.rand_like(masks[:, :, 0, 0, 0]) < 0.5)
    too = own & (torch.rand(n, 1, device=x.device) < 0.7)
    places, of_own = R.region(masks.roll(1, 0), lent), R.region(masks, own)
    region = torch.maximum(places, R.region(masks, too))
    known = places * (1 - of_own)
    return ((R.filled(x, region) - x).abs() * known).sum() / (3 * known.sum()).clamp(min=1)
