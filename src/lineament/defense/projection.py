"""Projection on a generator: the image that it can make and that is nearest to a given one (equation 5.8).

All starts of all images descend in one batch. An image's result depends on the image, the settings and the seed
alone: its starts are the same as every other image's, and each keeps an optimiser state of its own.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lineament.defense.descent import Descent, Objective, begun, check, descended, objective, starts
from lineament.defense.modes import CHECK, FAST, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.errors import UsageError
from lineament.training.run import fast_bfloat16

__all__ = ["Projected", "project"]

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


@torch.no_grad()
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
    check(generator, images, encoder)
    if rows < 1:
        raise UsageError(f"rows: expected at least 1, got {rows}")
    half = config.precision == "bfloat16" or (config.precision == "auto" and fast_bfloat16(images.device))
    drawn = starts(generator, config, seed, images.device)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        minimised = objective(generator, config)
        found = [
            _Search(minimised, part, drawn, config, encoder).run()
            for part in torch.split(images, max(1, rows // config.restarts))
        ]
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

    def run(self) -> tuple[Tensor, Tensor]:
        """The latents of each image's best start, and which it was."""
        step = 0
        for steps, keep in self.config.stages:
            self._keep(keep)
            for _ in range(steps):
                if not len(self.left):
                    break
                values = self._descend(step)
                step += 1
                if self.config.tolerance and step % CHECK == 0:
                    self._end(self._converged(values))
        self._end(torch.ones_like(self.left, dtype=torch.bool))
        return self.latents, self.start

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
        """Note the best start of the images that ended, and go on without them."""
        if not bool(ended.any()):
            return
        best = self._values().argmin(1)
        rows = torch.arange(len(best), device=best.device)
        index = self.left[ended]
        self.latents[index] = self.at.latents[rows, best][ended]
        self.start[index] = self.origin[rows, best][ended]
        self.at = Descent(*(each[~ended] for each in self.at))
        self.origin, self.left = self.origin[~ended], self.left[~ended]
