"""Attacks through a purifier: against literal twins of the gradients, by hand, and as Carlini et al. 2019 check them.

The purifiers here are small enough to know what each attacker can and cannot see.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian
from torch.nn.functional import cross_entropy

from lineament.attacks.adaptive import BPDA, Unrolled, expected_slope
from lineament.attacks.base import Attack, slope
from lineament.attacks.gradient_sign import FGSM
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.classifier import from_function
from lineament.errors import JobError, UsageError
from lineament.purifier import Defended, Purifier, defended
from tests.attacks.toys import linear, network, pictures, row

MIXED = 4 * torch.eye(20) + torch.randn(20, 20, generator=torch.Generator().manual_seed(5))


def mixed(images: Tensor, seed: int) -> Tensor:
    """Smooth, every value from all of them, and drawn."""
    noise = torch.randn(20, generator=torch.Generator().manual_seed(seed)) / 2
    return ((images.flatten(1) - 0.5) @ MIXED + noise).sigmoid().view(images.shape)


def guess(images: Tensor, seed: int) -> Tensor:
    """As an encoder's: what ``mixed`` is without the draw, and so with another gradient."""
    return ((images.flatten(1) - 0.5) @ MIXED).sigmoid().view(images.shape)


def unchanged(images: Tensor, seed: int) -> Tensor:
    return images


def step(images: Tensor, seed: int) -> Tensor:
    return (images >= 0.5).float()


def masked(images: Tensor, seed: int) -> Tensor:
    """A step whose gradient is there, and 0."""
    return step(images, seed) + 0 * images


DRAWN = Purifier("mixed", mixed, {"exact": mixed, "encoder": guess}, randomised=True)
TARGET = defended(network(9), DRAWN, seed=3)


def seeds_of(generator: int) -> list[int]:
    """The first three that a generator of this seed gives."""
    return torch.randint(2**31, (3,), generator=torch.Generator().manual_seed(generator)).tolist()


def seeds(more: int) -> list[int]:
    """The one in force, and those that a generator of seed 0 gives first."""
    return [3, *torch.randint(2**31, (more,), generator=torch.Generator().manual_seed(0)).tolist()]


@pytest.mark.parametrize("route, stand_in", [("identity", unchanged), ("encoder", guess), ("exact", mixed)])
def test_the_slope_is_the_literal_straight_through_gradient(route: str, stand_in: Callable[..., Tensor]) -> None:
    """For each image and seed: the classifier's gradient at the purified image, times the Jacobian of the route.

    Of their directions the mean is taken, each of mean absolute value 1.
    """
    batch, labels = pictures(5), torch.arange(5) % 3
    found = expected_slope(TARGET, batch, labels, route=route, average=3, generator=torch.Generator().manual_seed(0))
    for image, label, ours in zip(batch.split(1), labels.split(1), found.gradient.split(1), strict=True):
        twins = []
        for seed in seeds(2):
            purified = mixed(image, seed).requires_grad_()
            (above,) = torch.autograd.grad(cross_entropy(TARGET.classifier(purified), label), purified)
            back = jacobian(partial(stand_in, seed=seed), image).view(20, 20)
            rise = (above.flatten() @ back).view(image.shape)
            twins.append(rise * rise.numel() / rise.abs().sum())
        torch.testing.assert_close(ours, torch.stack(twins).mean(0), atol=1e-5, rtol=1e-4)


def test_the_wildest_seed_does_not_rule_the_mean() -> None:
    """One of four seeds gives the opposite gradient, a million times as large."""
    wild = seeds(3)[2]

    def purify(images: Tensor, seed: int) -> Tensor:
        return images.detach() + (-1e6 if seed == wild else 1.0) * (images - images.detach())

    target = defended(network(9), Purifier("wild", purify, {"exact": purify}, randomised=True), seed=3)
    batch, labels = pictures(5), torch.arange(5) % 3
    found = expected_slope(target, batch, labels, route="exact", average=4, generator=torch.Generator().manual_seed(0))
    tame = slope(target.classifier, batch, labels).gradient
    assert torch.equal(found.gradient.sign(), tame.sign())
    torch.testing.assert_close(found.gradient.abs().mean((1, 2, 3)), torch.full((5,), 0.5))


def burst(images: Tensor, seed: int, hopeless: bool = False) -> Tensor:
    """The images, with an infinite slope of bright ones where the seed is odd, or always."""
    bright = images.mean((1, 2, 3), keepdim=True) > 0.5
    bad = bright & (bool(seed % 2) or hopeless)
    root = torch.where(bad, images - images.detach(), 1).abs().sqrt()  # of 0, with NaN as its slope, or of 1
    return images + root - (~bad).float()


def test_one_gradient_that_is_not_finite_ends_no_attack() -> None:
    """Seed 3 gives none for bright images; the three others are asked, and dark images are as they would be alone."""
    batch, labels = torch.cat([pictures(6) / 2, pictures(6) / 2 + 0.5]), torch.arange(12) % 3
    target = defended(network(9), Purifier("bursting", burst, {"exact": burst}, randomised=True), seed=3)
    drawn = next(seed for seed in range(99) if len({each % 2 for each in seeds_of(seed)}) == 2)
    found = expected_slope(
        target, batch, labels, route="exact", average=4, generator=torch.Generator().manual_seed(drawn)
    )
    tame = slope(target.classifier, batch, labels).gradient
    assert found.gradient.isfinite().all() and torch.equal(found.gradient.sign(), tame.sign())
    share = sum(each % 2 == 0 for each in [3, *seeds_of(drawn)]) / 4
    size = found.gradient.abs().mean((1, 2, 3))
    torch.testing.assert_close(size, torch.tensor([1.0] * 6 + [share] * 6))
    Unrolled(0.1, steps=3, average=30)(target, batch, labels)


def test_an_image_of_which_no_seed_gives_a_finite_gradient_is_told() -> None:
    hopeless = partial(burst, hopeless=True)
    target = defended(network(9), Purifier("bursting", burst, {"exact": hopeless}, randomised=True), seed=3)
    Unrolled(0.01, steps=3)(target, pictures(6) / 2, torch.arange(6) % 3)
    with pytest.raises(JobError, match="bursting before Sequential: the gradient of the loss is not finite"):
        Unrolled(0.01, steps=3)(target, pictures(6) / 2 + 0.5, torch.arange(6) % 3)


def test_loss_and_verdict_are_those_of_the_seed_in_force() -> None:
    batch = pictures(60)
    labels = TARGET(batch).argmax(1)
    labels[::4] = (labels[::4] + 1) % 3
    found = expected_slope(TARGET, batch, labels, route="identity", average=4, generator=torch.Generator())
    torch.testing.assert_close(found.loss, cross_entropy(TARGET(batch), labels, reduction="none"))
    assert torch.equal(found.wrong, torch.arange(60) % 4 == 0)
    assert not torch.equal(defended(TARGET.classifier, DRAWN, seed=4)(batch).argmax(1), TARGET(batch).argmax(1))


@pytest.mark.parametrize("randomised, passes", [(True, 4), (False, 1)])
def test_only_a_purifier_that_draws_is_asked_again(randomised: bool, passes: int) -> None:
    asked: list[int] = []

    def counted(images: Tensor, seed: int) -> Tensor:
        asked.append(seed)
        return images

    target = defended(linear([1.0], bias=2.0), Purifier("counted", counted, randomised=randomised), seed=9)
    BPDA(0.1, steps=5, average=4)(target, row(0.5), torch.tensor([1]))
    before, after, points = 1, 1, 1 + (5 + 1)  # the image itself, the start and five steps
    assert len(asked) == before + points * passes + after
    assert asked.count(9) == before + points + after and len(set(asked)) == 1 + (passes - 1) * points


def test_bpda_goes_through_a_step_that_stops_the_true_gradient() -> None:
    """Class 1 while the value is at least 0.5. By its own gradient, which is 0, no step is ever taken."""
    target = defended(linear([1.0], bias=-0.5), Purifier("step", step, {"exact": masked}))
    batch, labels = torch.full((200, 1, 1, 1), 0.6), torch.ones(200, dtype=torch.int64)
    through = BPDA(0.15, steps=4)(target, batch, labels)
    assert through.success.all() and through.images.max() < 0.5
    stuck = Unrolled(0.15, steps=4)(target, batch, labels)
    lucky = (stuck.images < 0.5).flatten()  # where the random start itself crosses: a sixth of the budget
    assert torch.equal(stuck.success, lucky) and 0.1 < lucky.float().mean() < 0.25
    assert not BPDA(0.09)(target, batch, labels).success.any()


def test_an_image_is_lost_by_the_verdict_of_the_defence_alone() -> None:
    """What stands for its gradient crosses at 0.55, the defence at 0.5; stopping at the former gains nothing."""
    stands_in = {"exact": lambda images, seed: images - 0.05}
    target = defended(linear([1.0], bias=-0.5), Purifier("unchanged", unchanged, stands_in))
    made = Unrolled(0.15)(target, torch.full((20, 1, 1, 1), 0.6), torch.ones(20, dtype=torch.int64))
    assert made.success.all()


def test_a_masked_gradient_is_seen_by_the_control_without_gradient() -> None:
    target = defended(network(8), Purifier("step", step, {"exact": masked}))
    batch = pictures(100)
    labels = target(batch).argmax(1)
    stuck, control, through = (
        attack(target, batch, labels).success.sum()
        for attack in (Unrolled(0.2), Square(0.2, queries=100), BPDA(0.2, restarts=3))
    )
    assert stuck < control <= through


def fooled(attack: Attack, target: Defended = TARGET, count: int = 100) -> Tensor:
    batch = pictures(count, seed=2)
    return attack(target, batch, target(batch).argmax(1), seed=1, batch_size=40).success


@pytest.mark.parametrize("route", ["identity", "encoder", "exact"])
def test_the_checks_that_carlini_and_others_demand(route: str) -> None:
    def attack(eps: float, steps: int = 10, restarts: int = 1) -> Attack:
        if route == "exact":
            return Unrolled(eps, steps, restarts=restarts)
        return BPDA(eps, steps, route, restarts=restarts)

    single, many = fooled(attack(0.2, steps=1)).sum(), fooled(attack(0.2)).sum()
    assert many >= single > fooled(Noise(0.2)).sum()
    curve = [fooled(attack(eps)).sum() for eps in (0.05, 0.1, 0.2, 0.4, 1.0)]
    assert curve == sorted(curve) and curve[0] < 50 and curve[-1] == 100
    fewer, more = (fooled(attack(0.08, steps=2, restarts=restarts)) for restarts in (1, 6))
    assert bool((fewer <= more).all()) and more.sum() > fewer.sum()


def test_who_knows_the_defence_does_better_than_who_does_not() -> None:
    batch = pictures(100, seed=2)
    labels = TARGET(batch).argmax(1)
    sent = FGSM(0.2)(TARGET.classifier, batch, labels).images
    oblivious = TARGET(sent).argmax(1) != labels
    assert fooled(Unrolled(0.2)).sum() > 1.5 * oblivious.sum()


def test_averaging_helps_against_a_defence_that_draws() -> None:
    """Judged by seeds that the attacker did not have."""
    batch = pictures(150, seed=4)
    labels = TARGET(batch).argmax(1)
    held_out = [defended(TARGET.classifier, DRAWN, seed=seed) for seed in range(100, 110)]

    def transfers(average: int) -> float:
        made = Unrolled(0.15, steps=10, average=average)(TARGET, batch, labels).images
        return float(torch.stack([(one(made).argmax(1) != labels).float().mean() for one in held_out]).mean())

    assert transfers(6) > transfers(1)


@pytest.mark.parametrize(
    "attack, purifier, told",
    [
        (
            BPDA(0.1, route="encoder"),
            Purifier("blurred", mixed),
            "blurred .* by 'identity': unknown gradient 'encoder'",
        ),
        (BPDA(0.1, route="encodr"), DRAWN, "bpda: mixed .* did you mean 'encoder'"),
        (Unrolled(0.1), Purifier("step", step), "unrolled: step can be .* unknown gradient 'exact'"),
    ],
)
def test_a_gradient_that_the_purifier_has_not_is_refused(attack: Attack, purifier: Purifier, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        attack(defended(network(0), purifier), pictures(2), torch.tensor([0, 1]))


def test_what_is_behind_no_purifier_or_has_no_gradient_is_refused_with_what_to_do() -> None:
    labels = torch.tensor([0, 1])
    with pytest.raises(UsageError, match=r"no purifier, which bpda attacks: .* purifier\.defended, .* PGD, .* square"):
        BPDA(0.1)(network(0), pictures(2), labels)
    blind = defended(from_function(network(0)), DRAWN)
    with pytest.raises(
        UsageError, match="behind mixed, has no gradient, which unrolled needs: .* square, .* substitute"
    ):
        Unrolled(0.1)(blind, pictures(2), labels)


def test_unrolled_prints_which_gradient_it_takes() -> None:
    assert repr(Unrolled(0.3, average=2)) == "Unrolled(eps=0.3, steps=40, route='exact', average=2, restarts=1)"
