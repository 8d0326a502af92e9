"""Fader Networks (Lample et al. 2017), a rival: labels are all an image has of its attributes, so there is only Swap.

An encoder makes z, an adversary reads the labels in it, a decoder draws z with the labels as constant channels of every
layer; the weight of hiding labels grows from 0. As in the paper: batch normalisation, dropout in the adversary, Adam at
0.002 and 0.5, mirrored images. Added: a network that reads the labels of an image to be edited, which the paper is
given; batches that are balanced; a rate that falls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from lineament.editing.editor import Codes
from lineament.editing.objective import labelled
from lineament.editing.peers import (
    SIDE,
    Bytes,
    Labels,
    Peer,
    Pools,
    check_settings,
    downwards,
    drawn,
    falling,
    material,
    measured,
    widths,
)
from lineament.errors import UsageError
from lineament.training import Run
from lineament.training.run import Device, Precision

__all__ = ["Fader", "FaderConfig", "train_fader"]

Images = Float[Tensor, "batch channels height width"]
SURE = 10.0
"""Log-odds of a label that was read: what is decoded is a label, not how likely it is."""


@dataclass(frozen=True)
class FaderConfig:
    """How to train one; about half an hour of one core at 64 px.

    Attributes:
        width: channels of the first layer.
        latent: channels of z at its 4 x 4 places.
        hiding: weight, at the end of its ramp, of what the adversary shall read wrong.
        ramp: steps over which that weight grows from 0.
        steps, batch: updates, and images of each.
        learning_rate: of Adam, in the first half.
    """

    width: int = 32
    latent: int = 32
    hiding: float = 0.01
    ramp: int = 7500
    steps: int = 22_000
    batch: int = 32
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        check_settings(self)


class Decoder(nn.Module):
    """z and labels to an image; the labels are constant channels beside every layer's input."""

    def __init__(self, attributes: int, between: Sequence[int], latent: int) -> None:
        super().__init__()
        self.latent = latent
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(inputs + 2 * attributes, outputs, 4, 2, 1)
            for inputs, outputs in pairwise([latent, *between, 3])
        )
        self.ends = nn.ModuleList([*(nn.Sequential(nn.BatchNorm2d(n), nn.ReLU()) for n in between), nn.Sigmoid()])

    def forward(self, z: Float[Tensor, "batch p"], labels: Float[Tensor, "batch attributes"]) -> Images:
        """The image ``(batch, 3, size, size)`` in [0, 1]; labels 0 or 1, or between them and beyond."""
        coded = torch.cat([labels, 1 - labels], 1)[:, :, None, None]
        hidden: Tensor = z.view(-1, self.latent, SIDE, SIDE)
        for layer, end in zip(self.layers, self.ends, strict=True):
            hidden = end(layer(torch.cat([hidden, coded.expand(-1, -1, *hidden.shape[2:])], 1)).float())
        return hidden


class Fader(Peer):
    """Encoder, decoder and a reader of labels; the code of an attribute, q = 1, is its label.

    Arguments are `Peer`'s.
    """

    kind, configured = "fader", FaderConfig

    def __init__(
        self, attributes: Sequence[str], size: int, config: FaderConfig, *, card: dict[str, Any] | None = None
    ) -> None:
        super().__init__(attributes, size, config, card=card)
        levels = (size // SIDE).bit_length() - 1
        between = widths(levels - 1, config.width)
        self.encoder = downwards([3, *between, config.latent], normalised=True)
        self.decoder = Decoder(len(attributes), between[::-1], config.latent)
        seen = widths(levels, config.width // 2)
        self.reader = downwards([3, *seen], normalised=True).append(nn.Linear(seen[-1] * SIDE**2, len(attributes)))
        self.finished()

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """z, and as codes the labels, 0 or 1, that the reader reads; ``UsageError`` for images of another shape."""
        read = self.reader(self._checked(images)) > 0
        return Codes(self.encoder(images), read[:, :, None].float())

    @torch.no_grad()
    def decode(self, codes: Codes) -> Images:
        """The image that codes describe."""
        image: Tensor = self.decoder(codes.z, codes.a[:, :, 0])
        return image

    def present(self, codes: Codes) -> Float[Tensor, "batch attributes"]:
        """The labels as log-odds."""
        return SURE * (2 * codes.a[:, :, 0] - 1)

    def usual(self, i: int, c: int) -> Float[Tensor, " 1"]:
        """The label itself."""
        return torch.full((1,), float(c), device=next(self.parameters()).device)

    def draw(
        self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "{n} 1"]:
        """``n`` times the label: it has no spread to draw from, whatever ``scale``."""
        if not scale > 0:
            raise UsageError(f"scale: expected more than 0, got {scale}")
        return self.usual(i, c).expand(n, 1)


def train_fader(
    images: Bytes,
    labels: Labels,
    validation: tuple[Bytes, Labels],
    attributes: Sequence[str],
    config: FaderConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Fader:
    """Train one; a killed call, repeated, goes on, a finished one returns at once.

    Args:
        images, labels: to learn from: ``(n, 3, size, size)`` bytes, and ``(n, attributes)`` 1, 0 or -1 for unknown.
        validation: images and labels that the card's metrics are measured on.
        attributes: the columns' names.
        config: how.
        folder: of the run; the artifact is ``folder/"fader"``.
        seed: of weights and batches.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        The trained one, on the CPU. Raises ``UsageError`` for images of another shape or labels that do not fit them,
        ``JobError`` for an attribute that all images have, or none.
    """
    facts, pools = material(images, labels, attributes), Pools(labels, attributes)
    run = Run(folder, config, data=facts, seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    fader = Fader(attributes, images.shape[2], config).train().requires_grad_(True).to(run.device)
    adversary = _adversary(config.latent * SIDE**2, len(attributes)).to(run.device)
    making, judging = (
        run.prepare(torch.optim.Adam(network.parameters(), config.learning_rate, betas=(0.5, 0.999)))
        for network in (fader, adversary)
    )
    run.track(fader=fader, adversary=adversary, making=making, judging=judging)
    if run.finished(config.steps) and (Path(folder) / Fader.kind).is_dir():
        return Fader.load(folder)
    for step in run.steps(config.steps, "training Fader"):
        for group in (*making.param_groups, *judging.param_groups):
            group["lr"] = config.learning_rate * falling(step, config.steps)
        x, y = drawn(images, labels, pools.draw(torch.randint(len(pools), (config.batch,))), run.device)
        with run.accelerator.autocast():
            z = fader.encoder(x)
            caught = labelled(adversary(z.detach()).float(), y)
        run.backward(caught)
        judging.step()

        with run.accelerator.autocast():
            error = mse_loss(fader.decoder(z, y), x)
            hidden = labelled(adversary(z).float(), 1 - y)
            read = labelled(fader.reader(x).float(), y)
        run.backward(error + config.hiding * min(1.0, step / config.ramp) * hidden + read)
        making.step()
        making.zero_grad(), judging.zero_grad()  # the adversary has gradients of both losses
        run.log(error=error, caught=caught, hidden=hidden, read=read)
    fader.finished().card = {"metrics": measured(fader, validation), "seed": seed} | (card or {})
    fader.save(Path(folder) / fader.kind, **fader.card)
    return fader


def _adversary(inputs: int, attributes: int, width: int = 256) -> nn.Sequential:
    """z to the log-odds of every label; without dropout it would learn the training images by heart."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(width, width), nn.LeakyReLU(0.2),
        nn.Dropout(0.3), nn.Linear(width, attributes),
    )  # fmt: skip
