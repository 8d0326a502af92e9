"""PixelDA (Bousmalis et al. 2017), a rival: it adapts images of one class until they pass for the other, one way only.

The parts of the paper: a generator that takes an image and noise, a discriminator, a task classifier that learns with
them from real and adapted images, and the content-similarity loss, without which the generator ends up making one
image of all. There the task kept an image's label while its domain changed; here the two classes are the domains, so
adapted images must get the label of the class they are adapted to. The generator is CycleGAN's, so that the comparison
is of objectives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from lineament.explanation.cycle_gan import Bytes, Generator, drawn, facts, falling
from lineament.explanation.small_classifiers import build
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["NoisyGenerator", "PixelDaConfig", "train_pixel_da"]


@dataclass(frozen=True)
class PixelDaConfig:
    """How to train one; about four minutes of one core at 28 px.

    Attributes:
        width, blocks, steps, batch, learning_rate, averaging: as in `CycleGanConfig`.
        noise: how many uniform numbers are drawn for an image.
        task, content: weights of the task classifier's loss and of content similarity; the adversarial one has 1.
    """

    width: int = 16
    blocks: int = 2
    steps: int = 6000
    batch: int = 16
    learning_rate: float = 5e-4
    noise: int = 10
    task: float = 1.0
    content: float = 10.0
    averaging: float = 0.995


class NoisyGenerator(nn.Module):
    """Image to adapted image: a plane of pixels made from noise is laid on it as one more channel.

    Args:
        shape: ``(channels, height, width)`` of an image.
        config: of the generator.
    """

    def __init__(self, shape: tuple[int, int, int], config: PixelDaConfig) -> None:
        super().__init__()
        channels, height, width = shape
        self.noise = config.noise
        self.plane = nn.Sequential(nn.Linear(config.noise, height * width), nn.Unflatten(1, (1, height, width)))
        self.generator = Generator(channels + 1, channels, config.width, config.blocks)

    def forward(self, images: Float32[Tensor, "n channels height width"]) -> Float32[Tensor, "n channels height width"]:
        """An image batch to an image batch, with noise from PyTorch's generator."""
        plane = self.plane(torch.rand(len(images), self.noise, device=images.device))
        made: Tensor = self.generator(torch.cat([images, plane.float()], 1))
        return made


def train_pixel_da(
    classes: Sequence[Bytes],
    target: int,
    config: PixelDaConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
) -> NoisyGenerator:
    """Train the way from one class into the other; a killed call, repeated, goes on, a finished one returns at once.

    Args:
        classes: the images of class 0 and of class 1, bytes; they are never paired.
        target: the class to make, 0 or 1.
        config: how.
        folder: of the run.
        seed: of weights, batches and noise.
        device, precision: see `Run`.

    Returns:
        The generator, on the CPU; it draws its noise from PyTorch's generator. Raises ``UsageError`` as
        `train_cycle_gan` does.
    """
    data = facts(classes) | {"target": target}
    run = Run(folder, config, data=data, seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    channels, height, width = classes[0].shape[1:]
    generator = NoisyGenerator((channels, height, width), config)
    judges = nn.ModuleList([build("convolutional", (channels, height, width), outputs) for outputs in (1, 2)])
    discriminator, task = judges
    generator.to(run.device), judges.to(run.device)
    average = moving_average(generator, config.averaging)
    making, judging = (
        run.prepare(torch.optim.Adam(networks.parameters(), config.learning_rate, betas=(0.5, 0.999)))
        for networks in (generator, judges)
    )
    run.track(generator=generator, judges=judges, average=average, making=making, judging=judging)
    for step in run.steps(config.steps, "training PixelDA"):
        for group in chain(making.param_groups, judging.param_groups):
            group["lr"] = config.learning_rate * falling(step, config.steps)
        source, real = (drawn(classes[j], config.batch).to(run.device) for j in (1 - target, target))
        with run.accelerator.autocast():
            fake = generator(source)
            fooled = _judged(discriminator(fake), True)
            crossed = _labelled(task(fake), target)
            unlike = _unlike(fake, source)
        run.backward(fooled + config.task * crossed + config.content * unlike)
        making.step()
        making.zero_grad()
        average.update_parameters(generator)

        judging.zero_grad()  # the generator's losses left gradients in them too
        fake = fake.detach()
        with run.accelerator.autocast():
            caught = _judged(discriminator(real), True) + _judged(discriminator(fake), False)
            told = _labelled(task(source), 1 - target) + _labelled(task(torch.cat([real, fake])), target)
        run.backward(caught + told)
        judging.step()
        judging.zero_grad()
        run.log(fooled=fooled, crossed=crossed, unlike=unlike, caught=caught, told=told)
    return cast(NoisyGenerator, average.module.cpu())


def _judged(logits: Tensor, real: bool) -> Tensor:
    return binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, float(real), dtype=torch.float32))


def _labelled(logits: Tensor, label: int) -> Tensor:
    return cross_entropy(logits.float(), torch.full((len(logits),), label, device=logits.device))


def _unlike(made: Tensor, images: Tensor) -> Tensor:
    """The pairwise mean squared error (section 3.2 there): changing a whole image by one amount costs nothing."""
    return (made - images).flatten(1).var(1, correction=0).mean()
