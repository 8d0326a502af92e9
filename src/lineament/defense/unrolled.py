"""The projection, differentiable in the image: what an attacker has who knows it all and spares no cost."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lineament.defense.descent import Descent, begun, descended, objective, starts
from lineament.defense.modes import CHECK, FAST, ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.defense.projection import project

__all__ = ["unrolled"]

Images = Float[Tensor, "batch channels height width"]


def unrolled(
    generator: Generator,
    images: Images,
    config: ProjectionConfig = FAST,
    *,
    encoder: Encoder | None = None,
    seed: int = 0,
) -> Images:
    """The projected images, with the true gradient through every step of the best start.

    Which start wins is found first, without gradient; its descent is then repeated with one, in float32, in pieces
    that are computed again on the way back, so that memory holds few steps at a time. `ProjectionConfig.tolerance`
    is ignored: an image that would have stopped early has hardly moved since.

    Arguments and errors are those of `project`.
    """
    winner = project(generator, images.detach(), config, encoder=encoder, seed=seed).start
    latents = starts(generator, config, seed, images.device)[winner]
    if encoder is not None:
        latents = torch.where((winner == 0)[:, None], encoder(images), latents)
    minimised = objective(generator, config)

    def piece(done: int, steps: int, given: Tensor, *state: Tensor) -> Descent:
        at = Descent(*state)
        with torch.enable_grad():
            for step in range(done, done + steps):
                here = at.latents if at.latents.requires_grad else at.latents.requires_grad_(True)
                (gradients,) = torch.autograd.grad(minimised(here, given).sum(), here, create_graph=True)
                at = descended(at._replace(latents=here), gradients, step, config)
        return at

    at = begun(latents, config)
    for done in range(0, config.steps, CHECK):
        steps = min(CHECK, config.steps - done)
        at = Descent(*checkpoint(piece, done, steps, images, *at, use_reentrant=False))
    made: Images = generator(at.latents)
    return made
