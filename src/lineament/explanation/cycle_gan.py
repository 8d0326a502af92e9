"""CycleGAN (Zhu et al. 2017), a rival: it changes images of one class into the other and never hears of a classifier.

The parts of the paper: residual generators, discriminators that judge patches, least squares, cycle and identity
losses, a rate that falls to zero over the second half. Small enough for images of 28 px on one core. Left out: the
buffer of earlier images, which steadies batches of one. Added: the moving average of the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from lineament.errors import UsageError
from lineament.explanation.pairs import floats
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["CycleGan", "Generator", "PatchDiscriminator", "check_classes", "drawn", "train_cycle_gan", "transform"]

Bytes = UInt8[Tensor, "n channels height width"]


@dataclass(frozen=True)
class CycleGan:
    """How to train one; about five minutes of one core at 28 px.

    Attributes:
        width: channels of the generators' first layer; the residual blocks have four times as many.
        blocks: residual blocks of a generator.
        steps: updates of generators and discriminators.
        batch: images of each class a step.
        learning_rate: of Adam in the first half.
        cycle, identity: weights of the two losses beside the adversarial one.
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
        return cast(Tensor, hidden + self.body(hidden))


class Generator(nn.Module):
    """Image to image: down by four, residual blocks, up by four (Zhu et al. 2017, appendix 7.2).

    Args:
        shape: ``(channels, height, width)``, height and width multiples of four.
        width, blocks: see `CycleGan`.
        noise: numbers of a uniform noise that becomes one more channel of the input (Bousmalis et al. 2017); 0 for
            none.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, blocks: int, noise: int = 0) -> None:
        super().__init__()
        channels, height, across = shape
        self.plane = nn.Sequential(nn.Linear(noise, height * across), nn.Unflatten(1, (1, height, across)))
        self.noise = noise
        down = [_convolution(width, 2 * width, stride=2), _convolution(2 * width, 4 * width, stride=2)]
        up = [_convolution(4 * width, 2 * width, stride=-2), _convolution(2 * width, width, stride=-2)]
        self.layers = nn.Sequential(
            *_convolution(channels + bool(noise), width, kernel=5),
            *sum(down, []),
            *(_Residual(4 * width) for _ in range(blocks)),
            *sum(up, []),
            nn.Conv2d(width, channels, 5, 1, 2),
            nn.Sigmoid(),
        )

    def forward(self, images: Float32[Tensor, "n channels height width"]) -> Float32[Tensor, "n channels height width"]:
        inputs = 2 * images - 1
        if self.noise:
            plane = self.plane(2 * torch.rand(len(images), self.noise, device=images.device) - 1)
            inputs = torch.cat([inputs, plane.to(inputs.dtype)], 1)
        return cast(Tensor, self.layers(inputs).float())
