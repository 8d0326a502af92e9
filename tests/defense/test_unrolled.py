"""The gradient through the projection: the projection's value, a literal twin's gradient, finite differences."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lineament.defense.defense_gan import defense_gan
from lineament.defense.modes import FAST, ProjectionConfig
from lineament.defense.projection import project
from lineament.defense.unrolled import unrolled
from tests.defense.test_projection import PLAIN, G, images
from tests.defense.toy_generator import encoder

QUICK = replace(FAST, stages=((5, 3), (8, 1)), power=2.0, shell=False, precision="float32")
WEIGHTS = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("config", [QUICK, replace(PLAIN, stages=((12, 3),)), replace(QUICK, shell=True)])
@pytest.mark.parametrize("guess", [None, encoder()])
def test_its_value_is_the_projection(config: ProjectionConfig, guess: torch.nn.Module | None) -> None:
    made = unrolled(G, images(), config, encoder=guess, seed=2)  # type: ignore[arg-type]
    assert torch.allclose(made, project(G, images(), config, encoder=guess, seed=2).images, atol=1e-4)  # type: ignore[arg-type]


def test_its_gradient_is_that_of_the_loop_written_out() -> None:
    config = replace(PLAIN, stages=((12, 1),))
    given = images(2).requires_grad_(True)
    (ours,) = torch.autograd.grad((unrolled(G, given, config) * WEIGHTS).sum(), given)
    start = config.deviation * torch.randn(1, G.latent, generator=torch.Generator().manual_seed(0))
    for i in range(2):
        image = images(2)[i : i + 1].requires_grad_(True)
        z, speed = start.clone().requires_grad_(True), torch.zeros_like(start)
        for _ in range(12):
            (gradient,) = torch.autograd.grad(((G(z) - image) ** 2).mean(), z, create_graph=True)
            speed = config.momentum * speed + gradient
            z = z - config.rate * speed
        (theirs,) = torch.autograd.grad((G(z) * WEIGHTS).sum(), image)
        assert torch.allclose(ours[i], theirs[0], atol=1e-5)


@pytest.mark.parametrize("guess", [None, encoder()])
def test_its_gradient_is_that_of_finite_differences(guess: torch.nn.Module | None) -> None:
    config, given = replace(QUICK, rate=0.03), images(1, seed=4).clamp(0.1, 0.9)

    def value(x: Tensor) -> Tensor:
        return (unrolled(G, x, config, encoder=guess) * WEIGHTS).sum()  # type: ignore[arg-type]

    x = given.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(x), x)
    direction = gradient / gradient.norm()
    step = 2e-3
    apart = (value(given + step * direction) - value(given - step * direction)).item() / (2 * step)
    assert float(gradient.norm()) > 1e-3
    assert apart == pytest.approx(float(gradient.norm()), rel=0.1)


@pytest.mark.parametrize("shell", [True, False])
def test_its_manifold_is_what_the_projection_can_reach_and_its_guess_where_images_lie(shell: bool) -> None:
    purifier = defense_gan(G, replace(QUICK, shell=shell), encoder=encoder())
    assert purifier.manifold is not None and purifier.guess is not None
    latents = 3 * torch.randn(20, G.latent, generator=torch.Generator().manual_seed(0))
    held = latents / latents.norm(dim=1, keepdim=True) * G.latent**0.5 if shell else latents
    torch.testing.assert_close(purifier.manifold(latents), G(held))
    torch.testing.assert_close(purifier.manifold(purifier.guess(images(), 5)), purifier(images(), seed=5))
    latents.requires_grad_(True)
    (gradient,) = torch.autograd.grad(purifier.manifold(latents).square().sum(), latents)
    along = (gradient * latents).sum(1).detach()
    assert gradient.abs().sum() > 0 and bool((along.abs() < 1e-3).all()) == shell


def test_the_purifier_offers_its_gradients_and_nothing_leaks() -> None:
    plain, guided = defense_gan(G, QUICK), defense_gan(G, QUICK, encoder=encoder())
    assert plain.routes == ("identity", "exact") and guided.routes == ("identity", "exact", "encoder")
    assert "fast" in defense_gan(G, "fast").name and plain.randomised and plain.latent == G.latent
    x = images(2).requires_grad_(True)
    for route in guided.routes:
        made = guided.through(x, route, seed=1)
        assert torch.allclose(made, guided(x.detach(), seed=1), atol=1e-4)
        (gradient,) = torch.autograd.grad((made * WEIGHTS).sum(), x)
        assert gradient.isfinite().all() and gradient.abs().sum() > 0
    assert not guided(x).requires_grad and all(value.grad is None for value in G.parameters())
