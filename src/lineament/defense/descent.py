"""One step of a projection, and what it descends: shared by the projection and its differentiable twin."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lineament.defense.modes import ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.errors import UsageError
from lineament.images import check_images

__all__ = ["Descent", "Objective", "begun", "check", "check_encoder", "descended", "objective", "on_shell", "starts"]

Objective = Callable[[Tensor, Tensor], Tensor]
"""Latents and images to what each image minimises, ``(batch,)``."""


class Descent(NamedTuple):
    """Latents on their way, and their optimiser's two moments; all ``(..., latent)``."""

    latents: Tensor
    speed: Tensor
    scale: Tensor


def check(
    generator: Generator,
    images: Float[Tensor, "batch channels height width"],
    encoder: Encoder | None = None,
) -> None:
    """Raise ``UsageError`` for images that are not of the generator's shape, or an encoder that is not its own."""
    check_images(images)
    if tuple(images.shape[1:]) != generator.shape:
        wanted, got = (" x ".join(map(str, shape)) for shape in (generator.shape, images.shape[1:]))
        raise UsageError(f"images: this generator makes {wanted}, got {got}; bring them to that size")
    if encoder is not None:
        check_encoder(generator, encoder)


def check_encoder(generator: Generator, encoder: Encoder) -> None:
    """Raise ``UsageError`` for an encoder of other images or other latents than the generator's."""
    takes, makes = ("{} x {} x {} and {} latents".format(*net.shape, net.latent) for net in (encoder, generator))
    if takes != makes:
        raise UsageError(f"encoder: is for {takes}, the generator for {makes}; take the one that was trained for it")


def starts(
    generator: Generator, config: ProjectionConfig, seed: int, device: torch.device
) -> Float[Tensor, "restarts latent"]:
    """Where the latents of every image start."""
    drawn = torch.randn(config.restarts, generator.latent, generator=torch.Generator().manual_seed(seed))
    return (config.deviation * drawn).to(device)


def begun(latents: Tensor, config: ProjectionConfig) -> Descent:
    """Latents about to take their first step."""
    return Descent(on_shell(latents, config), torch.zeros_like(latents), torch.zeros_like(latents))


def objective(generator: Generator, config: ProjectionConfig) -> Objective:
    """What each image minimises: its mean error per pixel (equation 5.8), and what ``config`` puts beside it."""

    def value(latents: Tensor, images: Tensor) -> Tensor:
        made = generator(latents)
        total: Tensor = _power(made - images, config.power).flatten(1).mean(1)
        if config.prior:
            total = total + config.prior / 2 * latents.square().mean(1)
        return total

    return value


def descended(at: Descent, gradients: Tensor, step: int, config: ProjectionConfig) -> Descent:
    """After step number ``step``, from 0."""
    latents, speed, scale = at
    if config.optimiser == "momentum":
        speed = config.momentum * speed + gradients
        return Descent(on_shell(latents - config.rate * speed, config), speed, scale)
    speed, scale = torch.lerp(gradients, speed, 0.9), torch.lerp(gradients.square(), scale, 0.999)
    # the small number stands inside the root, whose derivative at 0 would be infinite
    root = (scale / (1 - 0.999 ** (step + 1)) + 1e-16).sqrt()
    return Descent(on_shell(latents - config.rate * speed / (1 - 0.9 ** (step + 1)) / root, config), speed, scale)


def _power(difference: Tensor, power: float) -> Tensor:
    squared = difference.square()  # smooth at 0, which a power of the absolute value is not
    return squared if power == 2 else squared.square() if power == 4 else (squared + 1e-12).pow(power / 2)


def on_shell(latents: Tensor, config: ProjectionConfig) -> Tensor:
    """Latents where ``config`` holds them: on the shell, if it has one, else where they are."""
    if not config.shell:
        return latents
    held: Tensor = latents * latents.shape[-1] ** 0.5 / latents.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    return held
