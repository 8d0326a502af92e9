"""The attribute classifier C that edited images are shown to: trained before the editor, on real images alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor, nn
from torch.nn.functional import pad

from lineament.datasets.labelled import floats
from lineament.editing import objective
from lineament.editing.networks import LabelReader
from lineament.training import Run
from lineament.training.run import Device, Precision

__all__ = ["disturbed", "train_label_reader"]


@dataclass(frozen=True)
class ReaderConfig:
    """One training of C: AdamW at ``learning_rate``, which falls to 0 over the second half."""

    width: int
    steps: int
    batch: int = 32
    learning_rate: float = 2e-3


def train_label_reader(
    images: UInt8[Tensor, "n channels height width"],
    labels: Int8[Tensor, "n attributes"],
    pools: list[Tensor],
    folder: Path,
    *,
    width: int,
    steps: int,
    data: dict[str, object],
    seed: int,
    device: Device,
    precision: Precision,
) -> LabelReader:
    """Train C in ``folder`` (resumable) on batches that show every class of every attribute equally often.

    Args:
        images, labels: see `train_editor`.
        pools: for each attribute the images without it and those with it.
        folder: of its run.
        width: channels of its first layer.
        steps: how many.
        data: facts that tell the data apart from any other.
        seed, device, precision: see `Run`.

    Returns:
        The network, frozen, in evaluation mode, on the device.
    """
    config = ReaderConfig(width, steps)
    run = Run(folder, config, data=data, seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    C = LabelReader(images.shape[2], labels.shape[1], width=width)
    C.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.AdamW(C.parameters(), lr=config.learning_rate, fused=True)
    C, adam = run.prepare(C, adam)
    run.track(C=C, adam=adam)
    for step in run.steps(steps, "training attribute classifier"):
        adam.param_groups[0]["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / steps))
        rows = torch.stack([pool[torch.randint(len(pool), ())] for pool in drawn(pools, config.batch)])
        x = floats(images[rows]).contiguous(memory_format=torch.channels_last).to(run.device)
        y = labels[rows].float().to(run.device)
        with run.accelerator.autocast():
            read = C(disturbed(x))
        loss = objective.labelled(read, torch.where(y < 0, 0.5, y))
        run.backward(loss)
        adam.step()
        adam.zero_grad()
        run.log(loss=loss)
    trained = cast(nn.Module, run.accelerator.unwrap_model(C))
    return cast(LabelReader, trained.eval().requires_grad_(False))


def drawn(pools: list[Tensor], count: int) -> list[Tensor]:
    """``count`` of the pools in turn, from a random one on."""
    start = int(torch.randint(len(pools), ()))
    return [pools[(start + k) % len(pools)] for k in range(count)]


def disturbed(images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
    """Moved by up to two pixels and made noisy, so that what is read is no pattern of single pixels."""
    down, right = torch.randint(-2, 3, (2,)).tolist()
    moved = pad(images, (2, 2, 2, 2), "replicate")[:, :, 2 + down : 2 + down + images.shape[2]]
    moved = moved[:, :, :, 2 + right : 2 + right + images.shape[3]]
    return moved + 0.03 * torch.randn_like(moved)
