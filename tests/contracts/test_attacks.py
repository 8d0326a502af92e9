"""One table of targets, one suite over every attack: what each of them promises, whatever it does inside."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

import pytest
import torch
from torch import Tensor, nn

from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Attack
from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM, PGD, RandFGSM
from lineament.attacks.manifold import OnManifold
from lineament.attacks.methods import ATTACKS
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.classifier import Classifier, from_function, from_module
from lineament.errors import JobError, UsageError
from lineament.purifier import Purifier, defended

CLASSES = 4


def images(count: int, channels: int) -> Tensor:
    """Half of them with black and white pixels, where tanh has no slope and the budget is cut off."""
    drawn = torch.rand(count, channels, 6, 5, generator=torch.Generator().manual_seed(1))
    drawn[::2] = drawn[::2].mul(3).sub(1).clamp(0, 1)
    return drawn


def module(*layers: nn.Module) -> nn.Sequential:
    network = nn.Sequential(*layers)
    generator = torch.Generator().manual_seed(2)
    for weight in network.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator) * (0.5 if weight.ndim > 1 else 0.1))
    return network.train()  # a mode that attacks must neither use nor change


def linear() -> nn.Sequential:
    return module(nn.Flatten(), nn.Linear(30, CLASSES))


def convolutional() -> nn.Sequential:
    return module(
        nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(32, CLASSES)
    )


def dimmed(network: nn.Module) -> Classifier:
    """Behind a purifier that says nothing of its gradient."""
    return defended(from_module(network), Purifier("dimmed", dim))


def projected(network: nn.Module) -> Classifier:
    """Behind one that says all that can be said."""
    manifold = module(nn.Linear(2, 30), nn.Sigmoid(), nn.Unflatten(1, (1, 6, 5)))
    projection = Purifier("projected", dim, {"exact": dim}, randomised=True, manifold=manifold, latent=2)
    return defended(from_module(network), projection)


def dim(batch: Tensor, seed: int) -> Tensor:
    return batch * (0.9 - 0.01 * (seed % 2))


TARGETS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Classifier], int]] = {
    "linear": (linear, from_module, 1),
    "convolutional, two at once": (convolutional, lambda network: from_module(network, batch_size=2), 3),
    "no gradient": (linear, lambda network: from_function(from_module(network)), 1),
    "behind a purifier": (linear, dimmed, 1),
    "behind a projection": (linear, projected, 1),
}
"""Name: what makes the network, what makes a classifier of it, channels of its images."""

CASES: list[Attack] = [
    FGSM(0.1),
    RandFGSM(0.1, alpha=0.05),
    PGD(0.1, steps=4),
    PGD(0.1, steps=4, restarts=2, random_start=False),
    CarliniWagner(steps=15),
    CarliniWagner(c=1, steps=15, rate=0.1, searches=2, confidence=0.1),
    Square(0.1, queries=30),
    Noise(0.1),
    Noise(0.1, kind="uniform"),
    BPDA(0.1, steps=4, average=2),
    Unrolled(0.1, steps=4),
    OnManifold(0.1, steps=5, restarts=2),
]
DRAWS_NOTHING = (CASES[0], *CASES[3:6])
ONE_TRY = (FGSM, RandFGSM, Noise)
"""They look at no verdict: what they do to an image is done."""


def accepted(attack: Attack, target: str) -> bool:
    network, adapt, _ = TARGETS[target]
    try:
        attack.check_target(adapt(network()))
    except UsageError:
        return False
    return True


def pairs(attacks: Iterable[Attack]) -> Iterator[object]:
    for attack in attacks:
        for target in TARGETS:
            if accepted(attack, target):
                yield pytest.param(attack, target, id=f"{attack}-{target}")


every_pair = pytest.mark.parametrize("attack, target", list(pairs(CASES)))
every_attack = pytest.mark.parametrize("attack", CASES, ids=repr)


def setting(target: str, count: int = 10) -> tuple[Classifier, Tensor, Tensor]:
    """A classifier, images, and labels of which it gets most right."""
    network, adapt, channels = TARGETS[target]
    classifier, batch = adapt(network()), images(count, channels)
    labels = classifier(batch).detach().argmax(1)
    labels[::5] = (labels[::5] + 1) % CLASSES
    return classifier, batch, labels


def wrapped(attack: Attack, network: nn.Module) -> Classifier:
    """The network as the first of the targets that the attack accepts."""
    return next(adapt(network) for name, (_, adapt, _) in TARGETS.items() if accepted(attack, name))


def stubborn(attack: Attack) -> Classifier:
    """It takes everything for class 0, on ground so rugged that where an attack ends depends on where it began."""
    network = module(nn.Flatten(), nn.Linear(30, 30), nn.Tanh(), nn.Linear(30, CLASSES))
    network[1].weight.data.mul_(20)
    network[3].weight.data.mul_(1e-3)
    network[3].bias.data.copy_(torch.tensor([9.0, 0, 0, 0]))
    return wrapped(attack, network)


def test_every_attack_of_the_command_line_is_in_the_table() -> None:
    assert {type(attack) for attack in CASES} == set(ATTACKS.values())
    assert [attack.name for attack in ATTACKS.values()] == list(ATTACKS)


@every_pair
def test_what_it_says_of_its_images_is_true(attack: Attack, target: str) -> None:
    classifier, batch, labels = setting(target)
    made = attack(classifier, batch, labels, batch_size=4)
    assert made.images.shape == batch.shape and not made.images.requires_grad
    assert made.images.min() >= 0 and made.images.max() <= 1
    predictions = classifier(made.images).argmax(1)
    assert torch.equal(made.predictions, predictions)
    assert torch.equal(made.success, predictions != labels)
    assert torch.equal(made.clean, classifier(batch).argmax(1) == labels) and not made.clean.all()
    change = (made.images - batch).flatten(1)
    torch.testing.assert_close(made.l2, change.square().sum(1).sqrt())
    torch.testing.assert_close(made.linf, change.abs().amax(1))
    assert change.abs().amax() <= getattr(attack, "eps", 1) + 1e-7


@every_pair
def test_it_leaves_model_and_inputs_and_chance_as_they_were(attack: Attack, target: str) -> None:
    build, adapt, channels = TARGETS[target]
    network, batch = build(), images(6, channels).requires_grad_()
    classifier = adapt(network)
    labels = torch.arange(6) % CLASSES
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    before, chance = batch.detach().clone(), torch.get_rng_state()
    attack(classifier, batch, labels)
    assert all(part.training for part in network.modules())
    assert all(weight.grad is None and weight.requires_grad for weight in network.parameters())
    assert all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())
    assert torch.equal(batch, before) and batch.grad is None and torch.equal(labels, torch.arange(6) % CLASSES)
    assert torch.equal(torch.get_rng_state(), chance)


@every_pair
def test_the_seed_decides(attack: Attack, target: str) -> None:
    classifier, batch, labels = setting(target)
    with torch.no_grad():  # as callers often are
        first = attack(classifier, batch, labels, seed=3, batch_size=4)
    again = attack(classifier, batch, labels, seed=3, batch_size=4)
    torch.testing.assert_close(first.images, again.images, rtol=0, atol=0)
    other = attack(classifier, batch, labels, seed=4, batch_size=4)
    assert torch.equal(first.images, other.images) == (attack in DRAWS_NOTHING)


@every_attack
def test_two_batches_of_the_same_images_are_not_drawn_alike(attack: Attack) -> None:
    batch, labels = images(4, 1).tile(2, 1, 1, 1), torch.zeros(8, dtype=torch.int64)
    made = attack(stubborn(attack), batch, labels, batch_size=4).images
    assert torch.equal(made[:4], made[4:]) == (attack in DRAWS_NOTHING)


@pytest.mark.parametrize("attack, target", list(pairs(DRAWS_NOTHING)))
def test_an_image_fares_the_same_whatever_stands_beside_it(attack: Attack, target: str) -> None:
    classifier, batch, labels = setting(target)
    whole = attack(classifier, batch, labels)
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
    for size in (1, 3):
        parts = attack(classifier, batch[order], labels[order], batch_size=size)
        torch.testing.assert_close(parts.images, whole.images[order], atol=1e-3, rtol=0)
        assert torch.equal(parts.success, whole.success[order])


@every_attack
def test_what_it_cannot_reach_is_no_success_and_no_black_image(attack: Attack) -> None:
    made = attack(stubborn(attack), images(6, 1), torch.zeros(6, dtype=torch.int64))
    assert made.clean.all() and not made.success.any()
    assert made.images.flatten(1).amax(1).min() > 0


@pytest.mark.parametrize("attack, target", list(pairs(case for case in CASES if not isinstance(case, ONE_TRY))))
def test_an_image_that_is_wrong_as_it_is_never_comes_back_right(attack: Attack, target: str) -> None:
    """Images so near the boundary that a random start lies on the other side of it as often as not."""
    classifier, batch, labels = setting(target, count=60)
    logits = classifier(batch).detach()
    top = logits.topk(2, dim=1)
    near = (top.values[:, 0] - top.values[:, 1]).argsort()[:30]
    batch, labels = batch[near], top.indices[near, 1]
    made = attack(classifier, batch, labels)
    assert not made.clean.any() and made.success.all()
    if not isinstance(attack, CarliniWagner):  # its images pass through a tanh
        assert torch.equal(made.images, batch)


@every_attack
def test_no_images_are_no_error(attack: Attack) -> None:
    made = attack(stubborn(attack), torch.zeros(0, 1, 6, 5), torch.zeros(0, dtype=torch.int64))
    assert made.images.shape == (0, 1, 6, 5) and made.success.shape == (0,)


@every_attack
def test_it_prints_its_settings(attack: Attack) -> None:
    told = attack(stubborn(attack), images(1, 1), torch.zeros(1, dtype=torch.int64)).attack
    assert told == repr(attack) and all(
        f"{each.name}={getattr(attack, each.name)!r}" in told for each in fields(attack)
    )


def test_a_gradient_that_is_missing_or_broken_is_told() -> None:
    class Broken(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            root = (batch - batch).sqrt().flatten(1)  # 0, with an infinite slope
            return root[:, :CLASSES] + torch.arange(float(CLASSES))

    class Cut(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return batch.detach().flatten(1)[:, :CLASSES]

    for attack in (case for case in CASES if case.needs_gradient):
        broken, cut = wrapped(attack, Broken()), wrapped(attack, Cut())
        with pytest.raises(JobError, match="Broken: the gradient of the loss is not finite"):
            attack(broken, images(2, 1), broken(images(2, 1)).argmax(1))
        with pytest.raises(UsageError, match="Cut says that it is differentiable, but its logits carry no gradient"):
            attack(cut, images(2, 1), cut(images(2, 1)).argmax(1))


@pytest.mark.parametrize(
    "attack, target", [(attack, target) for attack in CASES for target in TARGETS if not accepted(attack, target)]
)
def test_a_target_it_cannot_attack_is_refused_with_what_to_do(attack: Attack, target: str) -> None:
    classifier, batch, labels = setting(target)
    with pytest.raises(
        UsageError, match=r"has no (gradient|purifier|manifold).*[Aa]ttack it with|gone back through by"
    ):
        attack(classifier, batch, labels)


@pytest.mark.parametrize("target", ["no gradient", "behind a purifier"])
def test_a_gradient_attack_on_a_classifier_without_names_the_ways_out(target: str) -> None:
    with pytest.raises(UsageError, match=r"has no gradient, which fgsm needs: .* square .* substitute, .* BPDA"):
        FGSM(0.1)(*setting(target))


LABELS = torch.tensor([0, 3])
BAD: dict[str, tuple[Tensor, Tensor, str]] = {
    "not a batch": (torch.rand(1, 6, 5), LABELS, r"images: expected \(batch, channels"),
    "above 1": (torch.rand(2, 1, 6, 5) + 1, LABELS, r"images: expected values in \[0, 1\]"),
    "NaN": (torch.full((2, 1, 6, 5), torch.nan), LABELS, "NaN counts as outside"),
    "another size": (torch.rand(2, 1, 9, 5), LABELS, "failed on images of shape"),
    "another number of labels": (torch.rand(2, 1, 6, 5), LABELS[:1], r"labels: expected .*\(2,\), got .*\(1,\)"),
    "labels of another type": (torch.rand(2, 1, 6, 5), LABELS.float(), "labels: expected .* got torch.float32"),
    "an unknown class": (torch.rand(2, 1, 6, 5), LABELS + 1, "labels: .*Sequential has the classes 0 to 3, got 4"),
    "an unlabelled image": (torch.rand(2, 1, 6, 5), LABELS - 1, "labels: expected .* got -1"),
}


@every_attack
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_refused_at_the_door(attack: Attack, bad: str) -> None:
    batch, labels, told = BAD[bad]
    with pytest.raises(UsageError, match=told):
        attack(wrapped(attack, linear()), batch, labels)


@every_attack
def test_batches_and_classes_are_at_least_one_and_two(attack: Attack) -> None:
    with pytest.raises(UsageError, match="batch_size: expected at least 1, got 0"):
        attack(wrapped(attack, linear()), images(2, 1), LABELS, batch_size=0)
    single = wrapped(attack, module(nn.Flatten(), nn.Linear(30, 1)))
    with pytest.raises(UsageError, match=r"expected a logit for each of two or more classes, got 1 logit"):
        attack(single, images(2, 1), LABELS)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_settings_out_of_range_are_refused(attack: type[Attack]) -> None:
    legal = {"eps": 0.1} if "eps" in {each.name for each in fields(attack)} else {}
    for each in fields(attack):
        bad = {int: (0, -1, 1.5), float: (-0.1, float("nan"), float("inf"), "much")}.get(each.type, ())  # type: ignore[call-overload]
        for value in bad:
            with pytest.raises(UsageError, match=f"{attack.name}: {each.name}: expected a"):
                attack(**{**legal, each.name: value})
    if legal:
        with pytest.raises(UsageError, match=r"eps: expected at most 1, .* 8 of 255 is 8/255"):
            attack(**{**legal, "eps": 8})  # type: ignore[arg-type]
