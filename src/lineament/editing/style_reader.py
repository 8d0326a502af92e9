"""How an attribute looks, learnt before the editor: a code from which what is under the attribute's mask can be drawn.

What an editor's own losses ask of a code, its generator settles in whole pictures, where an earring's shape is worth
next to nothing. Here a picture is the attribute alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from lineament.editing import objective
from lineament.editing.eraser import Eraser
from lineament.editing.networks import StyleReader
from lineament.editing.presets import EditorConfig
from lineament.editing.sampling import Pools, batch
from lineament.errors import JobError
from lineament.training import Run

__all__ = ["StyleConfig", "StyleDrawer", "style_error", "train_style_reader"]

SIDE, CHANNELS = 4, 64
"""Of the map from which a `StyleDrawer` begins."""

LEAST = 0.01
"""The share of an image that an attribute counts as covering, at least."""


@dataclass(frozen=True)
class StyleConfig:
    """One training of a style reader; what an editor's code has beside presence is its ``code``."""

    code: int
    width: int
    beta: float
    steps: int
    batch: int
    learning_rate: float

    @classmethod
    def of(cls, config: EditorConfig) -> Self:
        """What of an editor's configuration its style reader hears of."""
        return cls(
            config.code - 1, config.width // 2, config.beta, config.style_steps, config.batch, config.learning_rate
        )


class StyleDrawer(nn.Module):
    """The colors under a mask, from a code, at half the size; training alone needs it.

    Args:
        size: side of the images, 8 times a power of 2.
        attributes: how many.
        code: numbers of a code.
    """

    def __init__(self, size: int, attributes: int, code: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(attributes, code, CHANNELS * SIDE**2) / code**0.5)
        self.biases = nn.Parameter(torch.zeros(attributes, CHANNELS * SIDE**2))
        layers: list[nn.Module] = [nn.ReLU()]
        channels = CHANNELS
        for level in range((size // SIDE // 2).bit_length() - 1):
            outputs = CHANNELS if level == 0 else max(16, channels // 2)
            layers += [nn.ConvTranspose2d(channels, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            channels = outputs
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 3, 3, 1, 1))

    def forward(
        self, codes: Float[Tensor, "batch attributes code"], which: Bool[Tensor, "batch attributes"]
    ) -> Float[Tensor, "n 3 half half"]:
        """Colors in [0, 1] of the ``n`` attributes of ``which``, row by row."""
        begun = torch.bmm(codes.transpose(0, 1), self.weights).transpose(0, 1) + self.biases
        drawn: Tensor = self.layers(begun[which].view(-1, CHANNELS, SIDE, SIDE))
        return drawn.float().sigmoid()


def train_style_reader(pools: Pools, R: Eraser, config: StyleConfig, folder: Path, **where: Any) -> StyleReader:
    """Train a style reader in ``folder`` as the first half of an auto-encoder; a killed call, repeated, goes on.

    Args:
        pools: images by attribute and class.
        R: the trained eraser, by whose masks it reads.
        config: codes and schedule.
        folder: of the run.
        **where: data, seed, device and precision of its `Run`.

    Returns:
        The network, frozen, in evaluation mode, on the device.

    Raises:
        JobError: a training that diverged.
    """
    run = Run(folder, config, **where)
    torch.manual_seed(run.seed)
    size, L = pools.images.shape[2], len(pools.absent)
    S, drawer = StyleReader(size, L, config.code, width=config.width), StyleDrawer(size, L, config.code)
    both = nn.ModuleList([S, drawer]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.Adam(both.parameters(), lr=config.learning_rate, betas=(0.5, 0.99), fused=True)
    both, adam = run.prepare(both, adam)
    run.track(both=both, adam=adam)
    half = run.accelerator.autocast
    for step in run.steps(config.steps, "training style reader"):
        adam.param_groups[0]["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / config.steps))
        x, y, _ = batch(pools, config.batch, 1.0, run.device)
        there = y == 1
        with half():
            with torch.no_grad():
                masks = R.masks(R.layers(x))
            codes = S(x, masks, there)
            drawn = drawer(codes, there)
        terms = {
            "drawing": style_error(x, masks, there, drawn),
            "prior": objective.prior(codes[there], config.beta),
        }
        if not bool(drawn.isfinite().all()):
            raise JobError(f"{folder}: diverged at step {step}; delete the folder and try float32 or another seed")
        run.backward(terms["drawing"] + terms["prior"])
        adam.step()
        adam.zero_grad()
        run.log(**terms)
    return S.eval().requires_grad_(False)


def style_error(images: Tensor, masks: Tensor, which: Tensor, drawn: Tensor) -> Tensor:
    """Absolute error of the colors under the masks of ``which``, each attribute alike, be it large or small."""
    shown, weight = avg_pool2d((images[:, None] * masks)[which], 2), avg_pool2d(masks[which], 2)
    share = weight.mean((1, 2, 3), keepdim=True).clamp(min=LEAST)
    error: Tensor = ((drawn * weight - shown).abs() / share).mean()
    return error
