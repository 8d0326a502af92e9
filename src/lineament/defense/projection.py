"""Projection on a generator: the image that it can make and that is nearest to a given one (equation 5.8).

All starts of all images descend in one batch. An image's result depends on the image, the settings and the seed
alone: its starts are the same as every other image's, and each keeps an optimiser state of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lineament.defense.descent import Descent, Objective, begun, check, descended, objective, starts
from lineament.defense.modes import CHECK, FAST, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.errors import UsageError
from lineament.training.run import fast_bfloat16

__all__ = ["Projected", "project", "project_through"]

Images = Float[Tensor, "batch channels height width"]

ROWS = 1000
"""Starts that descend at once: more gain nothing on a CPU, whose caches they leave."""


class Projected(NamedTuple):
    """What images became.

    Attributes:
        images: what the generator makes of ``latents``, of the shape of the given ones, in [0, 1].
        latents: ``(batch, latent)`` float32.
        errors: ``(batch,)`` mean squared difference per pixel between the given image and the made one.
        start: ``(batch,)`` which of its starts won; the encoder's guess, if there is one, is 0.
    """

    images: Tensor
    latents: Tensor
    errors: Tensor
    start: Tensor


def project(
    generator: Generator,
    images: Images,
    config: ProjectionConfig = FAST,
    *,
    encoder: Encoder | None = None,
    seed: int = 0,
    rows: int = ROWS,
) -> Projected:
    """For each image the latents whose generated image is nearest to it, of the best start.

    Args:
        generator: see `generator.load`.
        images: of its shape, in [0, 1].
        config: how to descend.
        encoder: its guess takes the place of the first start.
        seed: of the starts.
        rows: starts, of all images together, that descend at once; but for rounding, nothing depends on it.

    Raises:
        UsageError: images of another shape than the generator's, or an encoder of another generator's latents.
    """
    (found,) = project_through(generator, images, config, (config.steps,), encoder=encoder, seed=seed, rows=rows)
    return found


@torch.no_grad()
def project_through(
    generator: Generator,
    images: Images,
    config: ProjectionConfig,
    steps: Sequence[int],
    *,
    encoder: Encoder | None = None,
    seed: int = 0,
    rows: int = ROWS,
) -> list[Projected]:
    """What `project` would give if it ended after each number of ``steps``, for the price of the last.

    Args:
        generator, images, config, encoder, seed, rows: see `project`.
        steps: rising, of 1 to the settings' own.

    Raises:
        UsageError: as `project`, and for other ``steps``.
    """
    check(generator, images, encoder)
    if list(steps) != sorted(set(steps)) or not steps or not 1 <= steps[0] <= steps[-1] <= config.steps:
        raise UsageError(f"steps: expected rising numbers of 1 to {config.steps}, got {', '.join(map(str, steps))}")
    if rows < 1:
        raise UsageError(f"rows: expected at least 1, got {rows}")
    half = config.precision == "bfloat16" or (config.precision == "auto" and fast_bfloat16(images.device))
    drawn = starts(generator, config, seed, images.device)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        minimised = objective(generator, config)
        found = [
            _Search(minimised, part, drawn, config, encoder).run(steps)
            for part in torch.split(images, max(1, rows // config.restarts))
        ]
        return [_projected(generator, images, each, rows) for each in zip(*found, strict=True)]


def _projected(generator: Generator, images: Tensor, found: Sequence[tuple[Tensor, Tensor]], rows: int) -> Projected:
    latents, start = (torch.cat(values) for values in zip(*found, strict=True))
    made = torch.cat([generator(part) for part in torch.split(latents, rows)])
    return Projected(made, latents, (made - images).square().flatten(1).mean(1), start)


class _Search:
    """The starts of some images on their way down; what has ended is written into ``latents`` and ``start``."""

    def __init__(
        self, minimised: Objective, images: Tensor, drawn: Tensor, config: ProjectionConfig, encoder: Encoder | None
    ) -> None:
        self.minimised, self.images, self.config = minimised, images, config
        from_here = drawn.repeat(len(images), 1, 1)
        if encoder is not None:
            from_here[:, 0] = encoder(images)
        self.at = begun(from_here, config)
        self.origin = torch.arange(len(drawn), device=images.device).repeat(len(images), 1)
        self.left = torch.arange(len(images), device=images.device)
        self.least = torch.full((len(images),), torch.inf, device=images.device)
        self.latents, self.start = from_here[:, 0].clone(), self.origin[:, 0].clone()

    def run(self, through: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        """After each of these steps the latents of each image's best start, and which it was."""
        found, step = [], 0
        for steps, keep in self.config.stages:
            self._keep(keep)
            for _ in range(steps):
                step += 1
                if len(self.left):
                    values = self._descend(step - 1)
                    if self.config.tolerance and step % CHECK == 0:
                        self._end(self._converged(values))
                if step in through:
                    self._note(torch.ones_like(self.left, dtype=torch.bool))
                    found.append((self.latents.clone(), self.start.clone()))
        return found

    def _descend(self, step: int) -> Tensor:
        """Take one step with every start; what each image's starts minimise, ``(images, starts)``, before it."""
        latents = self.at.latents.flatten(0, 1).requires_grad_(True)
        with torch.enable_grad():
            values = self.minimised(latents, self._given())
            (gradients,) = torch.autograd.grad(values.sum(), latents)
        shape = self.at.latents.shape
        self.at = descended(self.at, gradients.view(shape), step, self.config)
        return values.detach().view(shape[:2])

    def _given(self) -> Tensor:
        return self.images[self.left].repeat_interleave(self.at.latents.shape[1], 0)

    def _values(self) -> Tensor:
        return self.minimised(self.at.latents.flatten(0, 1), self._given()).view(self.at.latents.shape[:2])

    def _keep(self, count: int) -> None:
        """Drop all but the best starts of each image."""
        if not len(self.left) or count >= self.at.latents.shape[1]:
            return
        chosen = self._values().topk(count, dim=1, largest=False).indices
        wide = chosen[..., None].expand(-1, -1, self.at.latents.shape[2])
        self.at = Descent(*(each.gather(1, wide) for each in self.at))
        self.origin = self.origin.gather(1, chosen)

    def _converged(self, values: Tensor) -> Tensor:
        now = values.amin(1)
        ended = now > self.least[self.left] * (1 - self.config.tolerance)
        self.least[self.left] = now
        return ended

    def _end(self, ended: Tensor) -> None:
        """Go on without the images that ended."""
        self._note(ended)
        if bool(ended.any()):
            self.at = Descent(*(each[~ended] for each in self.at))
            self.origin, self.left = self.origin[~ended], self.left[~ended]

    def _note(self, ended: Tensor) -> None:
        """Write down the best start of each of these images."""
        if not bool(ended.any()):
            return
        best = self._values().argmin(1)
        rows = torch.arange(len(best), device=best.device)
        index = self.left[ended]
        self.latents[index] = self.at.latents[rows, best][ended]
        self.start[index] = self.origin[rows, best][ended]
