"""Defense-GAN as a purifier: an image becomes its projection on a generator (section 5.3.2)."""

from dataclasses import asdict

from torch import Tensor

from lineament.defense.descent import check_encoder, on_shell
from lineament.defense.modes import FAST, MODES, ProjectionConfig, mode
from lineament.defense.networks import Encoder, Generator
from lineament.defense.projection import project
from lineament.defense.unrolled import unrolled
from lineament.purifier import Purifier

__all__ = ["defense_gan"]


def defense_gan(
    generator: Generator,
    config: ProjectionConfig | str = FAST,
    *,
    encoder: Encoder | None = None,
) -> Purifier:
    """The purifier that gives a classifier G(z*) in place of the image.

    Args:
        generator: of the classifier's images.
        config: how to project, or the name of a mode.
        encoder: guesses where to start.

    Its gradients are the projection's own, unrolled, and the encoder's: that of ``generator(encoder(images))``. Its
    manifold is what the projection can reach of the generator's images: those of latents on the shell, if it has one.

    Raises ``UsageError`` for an unknown mode, and an encoder of another generator's latents.
    """
    settings = mode(config) if isinstance(config, str) else config

    def purify(images: Tensor, seed: int) -> Tensor:
        return project(generator, images, settings, encoder=encoder, seed=seed).images

    def exact(images: Tensor, seed: int) -> Tensor:
        return unrolled(generator, images, settings, encoder=encoder, seed=seed)

    gradients = {"exact": exact}
    if encoder is not None:
        check_encoder(generator, encoder)
        look = encoder
        gradients["encoder"] = lambda images, seed: generator(look(images))

    def manifold(latents: Tensor) -> Tensor:
        made: Tensor = generator(on_shell(latents, settings))
        return made

    def guess(images: Tensor, seed: int) -> Tensor:
        return project(generator, images, settings, encoder=encoder, seed=seed).latents

    known = next((name for name, each in MODES.items() if each == settings), None)
    shown = known or ", ".join(f"{key}={value}" for key, value in asdict(settings).items())
    return Purifier(
        f"defense_gan({shown})",
        purify,
        gradients,
        randomised=True,
        manifold=manifold,
        latent=generator.latent,
        guess=guess,
    )
