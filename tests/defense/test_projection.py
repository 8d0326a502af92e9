"""Projection: its slow literal twin, and that nothing but the image, the settings and the seed matters."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from lineament.defense.defense_gan import defense_gan
from lineament.defense.modes import FAST, MODES, REFERENCE, ProjectionConfig, mode
from lineament.defense.networks import Encoder
from lineament.defense.projection import project, project_through
from lineament.errors import UsageError
from tests.defense.toy_generator import SHAPE, encoder, generator

PLAIN = ProjectionConfig(stages=((25, 4),), rate=3.0, deviation=1.0, precision="float32")
QUICK = replace(FAST, stages=((5, 4), (5, 2), (10, 1)), power=2.0, shell=False, precision="float32")
G = generator()


def images(n: int = 6, seed: int = 1) -> Tensor:
    """Images near the generator's range, but not in it."""
    drawn = torch.Generator().manual_seed(seed)
    made = G(torch.randn(n, G.latent, generator=drawn))
    return (made + 0.1 * torch.randn(made.shape, generator=drawn)).clamp(0, 1)


def slowly(image: Tensor, config: ProjectionConfig, seed: int = 0) -> tuple[Tensor, int, float]:
    """One image, one start after the other, plain gradient descent with momentum: the dissertation's text."""
    starts = config.deviation * torch.randn(config.restarts, G.latent, generator=torch.Generator().manual_seed(seed))
    best: tuple[Tensor, int, float] | None = None
    for number, start in enumerate(starts):
        z, speed = start.clone(), torch.zeros_like(start)
        for _ in range(config.steps):
            z = z.detach().requires_grad_(True)
            loss = ((G(z[None])[0] - image) ** 2).mean()
            (gradient,) = torch.autograd.grad(loss, z)
            speed = config.momentum * speed + gradient
            z = z.detach() - config.rate * speed
        error = float(((G(z[None])[0] - image) ** 2).mean())
        if best is None or error < best[2]:
            best = (z, number, error)
    assert best is not None
    return best


def test_it_equals_its_slow_literal_twin() -> None:
    given = images(3)
    found = project(G, given, PLAIN, seed=5)
    for i, image in enumerate(given):
        latents, start, error = slowly(image, PLAIN, seed=5)
        assert torch.allclose(found.latents[i], latents, atol=1e-4)
        assert int(found.start[i]) == start and float(found.errors[i]) == pytest.approx(error, rel=1e-4)
    assert torch.allclose(found.images, G(found.latents), atol=1e-6)


@pytest.mark.parametrize("config", [PLAIN, QUICK, replace(QUICK, tolerance=0.05), replace(QUICK, shell=True)])
def test_neither_the_batch_nor_the_order_of_images_matters(config: ProjectionConfig) -> None:
    given = images(7)
    whole = project(G, given, config)
    parts = project(G, given, config, rows=5)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    turned = project(G, given[order], config)
    assert torch.allclose(whole.latents, parts.latents, atol=1e-3)
    assert torch.allclose(whole.latents[order], turned.latents, atol=1e-3)
    alone = project(G, given[4:5], config)
    assert torch.allclose(alone.latents[0], whole.latents[4], atol=1e-3)


@pytest.mark.parametrize("config", [PLAIN, QUICK, replace(QUICK, tolerance=0.05)])
def test_one_descent_passes_through_those_of_fewer_steps(config: ProjectionConfig) -> None:
    given, first = images(7), config.stages[0][0]
    marks = sorted({3, first, config.steps})
    found = dict(zip(marks, project_through(G, given, config, marks, rows=6), strict=True))
    for steps, stages in ((first, config.stages[:1]), (config.steps, config.stages)):
        alone = project(G, given, replace(config, stages=stages))
        assert torch.allclose(found[steps].latents, alone.latents, atol=1e-3)
        assert torch.equal(found[steps].start, alone.start)
    assert not torch.allclose(found[3].latents, found[config.steps].latents, atol=1e-3)


@pytest.mark.parametrize("steps", [(), (0, 5), (5, 5), (7, 5), (5, 99)])
def test_numbers_of_steps_that_no_descent_passes_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="steps: expected rising numbers of 1 to 25"):
        project_through(G, images(1), PLAIN, steps)


def test_the_seed_decides_and_no_generator_of_the_caller_is_touched() -> None:
    state = torch.get_rng_state()
    one, again, other = (project(G, images(), QUICK, seed=seed).latents for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.allclose(one, other, atol=1e-3)
    assert torch.equal(state, torch.get_rng_state())


def test_more_restarts_are_never_worse_and_each_image_has_its_own_winner() -> None:
    given = images(12)
    few, many = (project(G, given, replace(PLAIN, stages=((25, r),))) for r in (1, 6))
    assert (many.errors <= few.errors + 1e-6).all() and float(many.errors.mean()) < float(few.errors.mean())
    assert len(many.start.unique()) > 1


def test_a_dropped_start_was_among_the_worse_ones() -> None:
    given, late = images(8), replace(QUICK, stages=((20, 4),))
    dropped, kept = project(G, given, QUICK), project(G, given, late)
    assert (dropped.errors >= kept.errors - 1e-5).all()
    same = dropped.start == kept.start
    assert same.any() and torch.allclose(dropped.latents[same], kept.latents[same], atol=1e-4)


def test_the_encoder_takes_the_first_start() -> None:
    given, guess = images(5), encoder()
    config = replace(QUICK, stages=((1, 1),), rate=1e-9)
    assert torch.allclose(project(G, given, config, encoder=guess).latents, guess(given), atol=1e-5)
    with_others = project(G, given, QUICK, encoder=guess)
    assert (with_others.start >= 0).all() and (with_others.start < QUICK.restarts).all()


def test_latents_on_the_shell_have_the_norm_of_the_prior() -> None:
    found = project(G, images(), replace(QUICK, shell=True)).latents
    assert torch.allclose(found.norm(dim=1), torch.full((6,), G.latent**0.5), atol=1e-4)


def test_the_prior_holds_latents_back() -> None:
    free, held = (project(G, images(), replace(QUICK, prior=weight)).latents for weight in (0.0, 10.0))
    assert float(held.norm(dim=1).mean()) < float(free.norm(dim=1).mean())


def test_a_converged_image_stops_early_and_loses_little() -> None:
    given = images(8)
    calls: list[int] = []
    handle = G.register_forward_hook(lambda *parts: calls.append(len(parts[2])))
    try:
        long = replace(QUICK, stages=((200, 2),), rate=0.03)
        full = project(G, given, long)
        passes = sum(calls)
        calls.clear()
        early = project(G, given, replace(long, tolerance=0.01))
    finally:
        handle.remove()
    assert sum(calls) < 0.8 * passes
    assert float(early.errors.mean()) < 1.2 * float(full.errors.mean())


def test_a_higher_power_follows_what_is_large_in_few_pixels() -> None:
    target = G(torch.zeros(1, G.latent))
    given = target.clone()
    given[..., :, :] = (given + 0.2 * (torch.arange(64).view(1, 1, 8, 8) % 2)).clamp(0, 1)
    squares, fourth = (project(G, given, replace(QUICK, stages=((200, 4),), power=power)) for power in (2.0, 4.0))
    differ = [(found.images - given).abs() for found in (squares, fourth)]
    assert float(differ[1].max()) <= float(differ[0].max()) + 1e-4
    assert float(differ[0].square().mean()) <= 1.01 * float(differ[1].square().mean())


def test_no_images_are_no_images() -> None:
    found = project(G, torch.zeros(0, *SHAPE), QUICK)
    assert found.images.shape == (0, *SHAPE) and found.latents.shape == (0, G.latent)


def test_the_modes_have_the_passes_they_promise() -> None:
    assert (REFERENCE.steps, REFERENCE.restarts, REFERENCE.passes) == (200, 10, 2000)
    assert REFERENCE.passes / FAST.passes >= 10
    assert mode("fast") is MODES["fast"]
    with pytest.raises(UsageError, match="fast"):
        mode("fsat")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stages": ()}, "stages"),
        ({"stages": ((0, 10),)}, "1 step"),
        ({"stages": ((2.5, 2),)}, r"whole numbers, .* got \(\(2.5, 2\),\)"),
        ({"stages": ((2,),)}, r"pairs of whole numbers, .* such as \(\(200, 10\),\); got \(\(2,\),\)"),
        ({"stages": (200, 10)}, "pairs"),
        ({"stages": 200}, "pairs"),
        ({"stages": ((10, 0),)}, "1 restart"),
        ({"stages": ((10, 2), (10, 4))}, "never added"),
        ({"rate": 0.0}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"rate": float("inf")}, "finite numbers above 0, got inf"),
        ({"deviation": float("inf")}, "finite numbers above 0, got .* inf"),
        ({"prior": float("inf")}, "prior"),
        ({"momentum": 1.0}, "momentum"),
        ({"tolerance": -0.1}, "tolerance"),
        ({"power": 0.5}, "power"),
        ({"optimiser": "adm"}, "adam"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        replace(PLAIN, **changes)


def test_bad_images_are_refused() -> None:
    with pytest.raises(UsageError, match="1 x 8 x 8"):
        project(G, torch.zeros(2, 1, 16, 16), QUICK)
    with pytest.raises(UsageError, match="NaN"):
        project(G, torch.full((2, *SHAPE), torch.nan), QUICK)
    with pytest.raises(UsageError, match=r"\[0, 1\]"):
        project(G, torch.full((2, *SHAPE), 1.5), QUICK)
    with pytest.raises(UsageError, match="rows"):
        project(G, images(), QUICK, rows=0)


@pytest.mark.parametrize("strange", [encoder(latent=4), Encoder((3, 8, 8), latent=3, width=4)])
def test_an_encoder_of_another_generator_is_refused(strange: Encoder) -> None:
    told = r"encoder: is for \d x 8 x 8 and \d latents, the generator for 1 x 8 x 8 and 3 latents; take the one"
    with pytest.raises(UsageError, match=told):
        project(G, images(), QUICK, encoder=strange)
    with pytest.raises(UsageError, match=told):
        defense_gan(G, QUICK, encoder=strange)
