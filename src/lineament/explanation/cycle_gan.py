"""CycleGAN (Zhu et al. 2017), a rival: it changes images of one class into the other and never hears of a classifier.

The parts of the paper: residual generators, discriminators that judge patches, least squares, cycle and identity
losses, a rate that falls to zero over the second half. Small enough for images of 28 px on one core. Left out: the
buffer of earlier images, which steadies batches of one. Added: a moving average of the generators' weights.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from lineament.datasets.labelled import floats
from lineament.errors import UsageError
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["Bytes", "CycleGanConfig", "Generator", "drawn", "facts", "falling", "train_cycle_gan"]

Bytes = UInt8[Tensor, "_ channels height width"]


@dataclass(frozen=True)
class CycleGanConfig:
    """How to train one; about four minutes of one core at 28 px.

    Attributes:
        width: channels of the generators' first layer; the residual blocks have four times as many.
        blocks: residual blocks of a generator.
        steps: updates of generators and discriminators.
        batch: images of each class a step.
        learning_rate: of Adam, in the first half.
        cycle, identity: weights of these losses; the adversarial one has 1.
        averaging: decay of the moving average of the generators' weights.
    """

    width: int = 16
    blocks: int = 2
    steps: int = 2400
    batch: int = 16
    learning_rate: float = 5e-4
    cycle: float = 10.0
    identity: float = 5.0
    averaging: float = 0.995


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolution(channels, channels), *_convolution(channels, channels)[:2])

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = hidden + self.body(hidden)
        return changed


class Generator(nn.Module):
    """Image to image: down by four, residual blocks, up by four (Zhu et al. 2017, section 7.2).

    Args:
        inputs, outputs: channels; values in [0, 1] come in and go out.
        width, blocks: see `CycleGanConfig`.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(inputs, width, kernel=5),
            *_convolution(width, 2 * width, stride=2),
            *_convolution(2 * width, 4 * width, stride=2),
            *(_Residual(4 * width) for _ in range(blocks)),
            *_doubled(4 * width, 2 * width),
            *_doubled(2 * width, width),
            nn.Conv2d(width, outputs, 5, padding=2),
            nn.Sigmoid(),
        )

    def forward(self, images: Float32[Tensor, "n inputs height width"]) -> Float32[Tensor, "n outputs height width"]:
        """An image batch to an image batch."""
        made: Tensor = self.layers(2 * images - 1)
        return made.float()


def train_cycle_gan(
    classes: Sequence[Bytes],
    config: CycleGanConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
) -> nn.ModuleList:
    """Train the two generators between two classes; a killed call, repeated, goes on, a finished one returns at once.

    Args:
        classes: the images of class 0 and of class 1, bytes; they are never paired.
        config: how.
        folder: of the run.
        seed: of weights and batches.
        device, precision: see `Run`.

    Returns:
        The generators, on the CPU: number ``j`` makes images of class ``j`` from those of the other one. Raises
        ``UsageError`` for other than two classes, or images whose sides are no multiples of four.
    """
    run = Run(folder, config, data=facts(classes), seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    channels = classes[0].shape[1]
    generators = nn.ModuleList([Generator(channels, channels, config.width, config.blocks) for _ in classes])
    judges = nn.ModuleList([_patch_discriminator(channels, 2 * config.width) for _ in classes])
    generators.to(run.device), judges.to(run.device)
    average = moving_average(generators, config.averaging)
    making, judging = (
        run.prepare(torch.optim.Adam(networks.parameters(), config.learning_rate, betas=(0.5, 0.999)))
        for networks in (generators, judges)
    )
    run.track(generators=generators, judges=judges, average=average, making=making, judging=judging)
    for step in run.steps(config.steps, "training CycleGAN"):
        for group in chain(making.param_groups, judging.param_groups):
            group["lr"] = config.learning_rate * falling(step, config.steps)
        real = [drawn(images, config.batch).to(run.device) for images in classes]
        with run.accelerator.autocast():
            fake = [generators[j](real[1 - j]) for j in (0, 1)]
            fooled = _total(_squared(judges[j](fake[j]), 1.0) for j in (0, 1))
            cycle = _total(l1_loss(generators[j](fake[1 - j]), real[j]) for j in (0, 1))
            identity = _total(l1_loss(generators[j](real[j]), real[j]) for j in (0, 1))
        run.backward(fooled + config.cycle * cycle + config.identity * identity)
        making.step()
        making.zero_grad()
        average.update_parameters(generators)

        judging.zero_grad()  # the generators' losses left gradients in the judges too
        with run.accelerator.autocast():
            caught = _total(
                _squared(judges[j](real[j]), 1.0) + _squared(judges[j](fake[j].detach()), 0.0) for j in (0, 1)
            )
        run.backward(caught / 2)
        judging.step()
        judging.zero_grad()
        run.log(fooled=fooled, cycle=cycle, identity=identity, caught=caught)
    return cast(nn.ModuleList, average.module.cpu())


def facts(classes: Sequence[Bytes]) -> dict[str, Any]:
    """What tells these training images from any others.

    Raises ``UsageError`` unless they are of two classes and alike in shape, with sides that can be halved twice.
    """
    if len(classes) != 2 or not all(map(len, classes)):
        raise UsageError(f"classes: expected images of two classes, got {' and '.join(map(str, map(len, classes)))}")
    first, second = (tuple(images.shape[1:]) for images in classes)
    if first != second or any(side % 4 or side < 8 for side in first[1:]):
        raise UsageError(f"classes: expected images of one shape, sides of 8, 12, 16 ... px, got {first} and {second}")
    return {"images": [len(images) for images in classes],
            "sha256": [sha256(images.numpy().tobytes()).hexdigest() for images in classes]}  # fmt: skip


def drawn(images: Bytes, count: int) -> Float32[Tensor, "count channels height width"]:
    """An image batch of ``count`` of them, by PyTorch's own generator, which `Run.steps` seeds."""
    return floats(images[torch.randint(len(images), (count,))])


def falling(step: int, steps: int) -> float:
    """The share of the learning rate: 1 in the first half, then on a line to 0."""
    return min(1.0, 2 * (1 - step / steps))


def _total(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(losses)).sum()


def _squared(judged: Tensor, wanted: float) -> Tensor:
    return (judged.float() - wanted).square().mean()


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [layer, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]


def _doubled(inputs: int, outputs: int) -> list[nn.Module]:
    layer = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return [layer, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()]


def _patch_discriminator(channels: int, width: int) -> nn.Sequential:
    """Image to one number for each patch of 26 px, of which there is one every four pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.InstanceNorm2d(2 * width, affine=True), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False), nn.InstanceNorm2d(2 * width, affine=True),
        nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 1, 3, padding=1),
    )  # fmt: skip
