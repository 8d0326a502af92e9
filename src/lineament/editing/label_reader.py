"""The attribute classifier C that edited images are shown to: trained before the editor, on real images alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from lineament.editing import objective
from lineament.editing.networks import LabelReader
from lineament.editing.sampling import Pools, batch
from lineament.training import Run

__all__ = ["disturbed", "read", "train_label_reader"]

Images = Float[Tensor, "batch channels height width"]


@dataclass(frozen=True)
class ReaderConfig:
    """One training of C: AdamW at ``learning_rate``, which falls to 0 over the second half."""

    width: int
    steps: int
    batch: int = 32
    learning_rate: float = 2e-3


def train_label_reader(pools: Pools, folder: Path, *, width: int, steps: int, **where: Any) -> LabelReader:
    """Train C in ``folder`` on batches that show every class of every attribute equally often; resumable.

    Args:
        pools: images by attribute and class.
        folder: of its run.
        width: channels of its first layer.
        steps: how many.
        **where: data, seed, device and precision of its `Run`.

    Returns:
        The network, frozen, in evaluation mode, on the device.
    """
    config = ReaderConfig(width, steps)
    run = Run(folder, config, **where)
    torch.manual_seed(run.seed)
    C = LabelReader(pools.images.shape[2], len(pools.absent), width=width)
    C.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.AdamW(C.parameters(), lr=config.learning_rate, fused=True)
    C, adam = run.prepare(C, adam)
    run.track(C=C, adam=adam)
    for step in run.steps(steps, "training attribute classifier"):
        adam.param_groups[0]["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / steps))
        x, y, _ = batch(pools, config.batch, 0.5, run.device)
        loss = objective.labelled(read(C, x, run.accelerator.autocast), y)
        run.backward(loss)
        adam.step()
        adam.zero_grad()
        run.log(loss=loss)
    trained = cast(LabelReader, run.accelerator.unwrap_model(C))
    return trained.eval().requires_grad_(False)


def read(C: nn.Module, images: Images, half: Callable[[], AbstractContextManager[None]]) -> Tensor:
    """What C reads in images that were moved a little and made noisy."""
    with half():
        found: Tensor = C(disturbed(images))
    return found


def disturbed(images: Images) -> Images:
    """Moved by up to two pixels and made noisy, so that what is read is no pattern of single pixels."""
    down, right = torch.randint(-2, 3, (2,)).tolist()
    moved = pad(images, (2, 2, 2, 2), "replicate")[:, :, 2 + down : 2 + down + images.shape[2]]
    moved = moved[:, :, :, 2 + right : 2 + right + images.shape[3]]
    return moved + 0.03 * torch.randn_like(moved)
