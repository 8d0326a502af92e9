"""Substitutes: what they ask, how images are moved, and whether what fools them fools what they imitate."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lineament.attacks.black_box import BlackBox, augmented, train_substitute
from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM
from lineament.attacks.noise import Noise
from lineament.classifier import AdaptedClassifier, from_function
from lineament.errors import JobError, UsageError
from lineament.purifier import Purifier, defended
from tests.attacks.toys import linear, network, pictures


def architecture(classes: int = 3) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, classes))


def brightest(images: Tensor) -> Tensor:
    """The brightest of three parts of an image; no gradient is ever asked of it."""
    return torch.stack([part.mean(1) for part in images.flatten(1).split([7, 7, 6], dim=1)], 1) * 9


def counting(asked: list[int]) -> AdaptedClassifier:
    def count(images: Tensor) -> Tensor:
        asked.append(len(images))
        return brightest(images)

    return from_function(count)


def test_images_are_moved_by_the_sign_of_the_jacobian_of_the_probability_of_their_class() -> None:
    classifier, batch, labels = network(1), pictures(300), torch.arange(300) % 3
    moved = augmented(classifier, batch, labels, 0.1)
    assert classifier.module is not None
    for image, label, ours in zip(batch[::30].split(1), labels[::30], moved[::30].split(1), strict=True):
        image = image.clone().requires_grad_()
        classifier.module(image).softmax(1)[0, label].backward()
        assert image.grad is not None
        torch.testing.assert_close(ours, (image + 0.1 * image.grad.sign()).detach().clamp(0, 1))


def test_images_move_even_where_the_substitute_is_certain() -> None:
    """Logit 40: the probability of class 1 is 1 and its gradient 0, in float32."""
    certain = linear([40.0, -10.0], bias=25)
    moved = augmented(certain, torch.full((1, 1, 1, 2), 0.5), torch.tensor([1]), 0.25)
    assert moved.flatten().tolist() == [0.75, 0.25]


@pytest.mark.parametrize("limit, asked", [(None, [10, 10, 20, 40]), (15, [10, 10, 15, 15])])
def test_every_image_is_asked_about_once(limit: int | None, asked: list[int]) -> None:
    questions: list[int] = []
    train_substitute(
        counting(questions), pictures(10), architecture=architecture, rounds=4, epochs=1, limit=limit, seed=1
    )
    assert questions == asked


def test_a_substitute_learns_what_it_imitates_and_what_fools_it_fools_that() -> None:
    target = from_function(brightest)
    train = partial(train_substitute, target, pictures(150), architecture=architecture)
    batch = pictures(300, seed=9)
    labels = target(batch).argmax(1)

    def agrees(substitute: AdaptedClassifier) -> float:
        return float((substitute(batch).argmax(1) == labels).float().mean())

    substitute = train()
    assert agrees(substitute) > 0.82 and agrees(substitute) > agrees(train(rounds=1, epochs=60)) + 0.05
    sent, control = (attack(target, batch, labels) for attack in (BlackBox(substitute, FGSM(0.1)), Noise(0.1)))
    assert sent.success.sum() > 3 * control.success.sum() and sent.linf.max() <= 0.1 + 1e-6
    assert torch.equal(sent.images, FGSM(0.1)(substitute, batch, labels).images)


def test_a_substitute_is_aimed_at_a_defended_classifier_too() -> None:
    step = Purifier("step", lambda images, seed: (images >= 0.5).float())
    target = defended(from_function(brightest), step)
    substitute = train_substitute(target, pictures(150), architecture=architecture, rounds=4, epochs=6)
    made = BlackBox(substitute, FGSM(0.2))(target, pictures(50, seed=3), target(pictures(50, seed=3)).argmax(1))
    assert made.success.sum() > 10 and substitute.name == f"substitute of {target.name}"


def test_the_seed_decides_and_chance_is_left_as_it_was() -> None:
    train = partial(train_substitute, network(2), pictures(20), architecture=architecture, rounds=2, epochs=2, limit=5)
    chance = torch.get_rng_state()
    with torch.no_grad():  # as callers often are
        first, again, other = (train(seed=seed)(pictures(4)) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), chance)


def test_an_attack_without_a_budget_is_sent_on_as_it_is() -> None:
    substitute = network(3)
    batch, labels = pictures(8), substitute(pictures(8)).argmax(1)
    attack = CarliniWagner(c=10, steps=20, rate=0.1)
    made = BlackBox(substitute, attack)(from_function(network(4)), batch, labels)
    assert torch.equal(made.images, attack(substitute, batch, labels).images)
    assert "attack=CarliniWagner(c=10" in made.attack


@pytest.mark.parametrize(
    "changed, told",
    [
        ({"images": pictures(3) * 255}, "images: expected values in"),
        ({"images": pictures(0)}, "images: expected some"),
        ({"rounds": 0}, "rounds: 0: expected at least 1"),
        ({"epochs": -1, "limit": 0}, "epochs: -1, limit: 0: expected"),
        ({"lambda_": float("nan")}, r"lambda_: expected a number in \[0, 1\], got nan"),
        ({"architecture": partial(architecture, 4)}, "architecture: expected 3 logits, as network has, got 4"),
        ({"classifier": from_function(lambda images: images.mean((1, 2, 3))[:, None])}, "two or more classes, got 1"),
    ],
)
def test_bad_settings_are_refused(changed: dict[str, object], told: str) -> None:
    def classifier(images: Tensor) -> Tensor:
        return brightest(images)

    classifier.__name__ = "network"
    settings = {"classifier": from_function(classifier), "images": pictures(9), "architecture": architecture} | changed
    with pytest.raises(UsageError, match=told):
        train_substitute(**settings)


def test_a_classifier_that_knows_one_class_only_cannot_be_imitated() -> None:
    dull = from_function(lambda images: torch.eye(3)[torch.full((len(images),), 2)])
    with pytest.raises(JobError, match="takes all 12 images for class 2, .* several classes"):
        train_substitute(dull, pictures(12), architecture=architecture)


def test_a_substitute_without_the_gradient_its_attack_needs_is_refused() -> None:
    with pytest.raises(UsageError, match="has no gradient, which fgsm needs"):
        BlackBox(from_function(brightest), FGSM(0.1))
