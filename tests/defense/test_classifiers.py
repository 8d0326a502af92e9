"""Classifiers A to F: each recipe learns what it should, resumes to the bit, keeps what it measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lineament import artifacts
from lineament.attacks.base import Attack
from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.classifier import AdaptedClassifier
from lineament.datasets.idx import mnist
from lineament.datasets.labelled import Labelled, floats, stored
from lineament.defense import classifiers
from lineament.defense.architectures import build
from lineament.defense.classifiers import (
    ARCHITECTURES,
    accuracy,
    load_classifier,
    save_classifier,
    train_classifier,
)
from lineament.errors import JobError, UsageError
from tests.data_root import data_root
from tests.explanation.toy import bars

PART = Labelled(bars(192, size=12), torch.arange(192) % 2)
TEST = Labelled(bars(60, size=12, seed=1), torch.arange(60) % 2)


def trained(folder: Path, **changes: Any) -> AdaptedClassifier:
    settings: dict[str, Any] = {"architecture": "D", "epochs": 10, "seed": 3, "precision": "float32"}
    return train_classifier(changes.pop("part", PART), 2, folder, **settings | changes)


def under(attack: Attack, classifier: AdaptedClassifier) -> float:
    """Accuracy on attacked images."""
    return 1 - float(attack(classifier, floats(TEST.images), TEST.labels).success.float().mean())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_tells_bars_apart(architecture: str, tmp_path: Path) -> None:
    part = Labelled(bars(128, size=28), torch.arange(128) % 2)
    epochs = 6 if architecture in "ABCF" else 12
    classifier = trained(tmp_path, part=part, architecture=architecture, epochs=epochs)
    assert accuracy(classifier, Labelled(bars(60, size=28, seed=1), TEST.labels)) > 0.9
    assert classifier.name == f"{architecture}-orig"


def test_digits_are_learnt_from_a_few_thousand(tmp_path: Path) -> None:
    dataset = mnist(data_root("MNIST"))
    index = [np.flatnonzero(dataset.split == split)[:most] for split, most in ((0, 3000), (2, 500))]
    train, test = (Labelled(stored(dataset, i), torch.from_numpy(dataset.labels[i].argmax(1))) for i in index)
    classifier = train_classifier(train, 10, tmp_path, architecture="D", epochs=8, precision="float32")
    assert accuracy(classifier, test) > 0.88


def test_reconstructions_are_learnt_in_the_order_of_the_images(tmp_path: Path) -> None:
    """Each set has the labels again: here the second one is negatives, which only ``rec`` has seen."""
    negatives = Labelled(255 - PART.images, PART.labels)
    both = torch.cat([PART.images, negatives.images])
    classifier = trained(tmp_path / "rec", recipe="rec", reconstructions=both, epochs=20)
    assert accuracy(classifier, PART) > 0.9 and accuracy(classifier, negatives) > 0.9
    assert accuracy(trained(tmp_path / "orig"), negatives) < 0.1


def test_adversarial_training_withstands_what_the_images_alone_do_not(tmp_path: Path) -> None:
    bare, fgsm, pgd = (
        trained(tmp_path / recipe, recipe=recipe, eps=None if recipe == "orig" else 0.3, epochs=25)
        for recipe in ("orig", "fgsm", "pgd")
    )
    assert under(FGSM(0.3), bare) < 0.5 and accuracy(bare, TEST) > 0.9
    assert under(FGSM(0.3), fgsm) > 0.9 and accuracy(fgsm, TEST) > 0.9
    assert under(PGD(0.3, steps=10), pgd) > 0.9
    assert artifacts.read_card(tmp_path / "pgd" / "classifier")["training"]["eps"] == 0.3


def test_steps_of_pgd_stay_within_the_budget_and_without_dropout() -> None:
    """Against the definition, written out; a network in training mode comes back in training mode."""
    network = build("D", (1, 12, 12), 2).train()
    images = floats(PART.images[:8])
    torch.manual_seed(0)
    found = classifiers._pgd(network, images, PART.labels[:8], 0.2)
    assert network.training
    torch.manual_seed(0)
    moved = (images + torch.empty_like(images).uniform_(-0.2, 0.2)).clamp(0, 1)
    network.eval()
    for _ in range(classifiers.PGD_STEPS):
        moved.requires_grad_()
        loss = torch.nn.functional.cross_entropy(network(moved), PART.labels[:8])
        (gradient,) = torch.autograd.grad(loss, moved)
        moved = moved.detach() + 2.5 * 0.2 / classifiers.PGD_STEPS * gradient.sign()
        moved = torch.maximum(torch.minimum(moved, images + 0.2), images - 0.2).clamp(0, 1)
    assert torch.allclose(found, moved, atol=1e-6)


@pytest.mark.parametrize("recipe", ["orig", "pgd"])
def test_a_killed_run_goes_on_to_the_same_weights(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eps = 0.1 if recipe == "pgd" else None
    whole = trained(tmp_path / "whole", recipe=recipe, eps=eps)(floats(TEST.images))
    seconds: Iterator[int] = iter(range(0, 10**6, 100))
    monkeypatch.setattr("lineament.training.run.time.monotonic", lambda: next(seconds))
    order, drawn = classifiers._order, []

    def interrupted(n: int, seed: int, epoch: int) -> torch.Tensor:
        drawn.append(epoch)
        if len(drawn) > 13:  # in the middle of an epoch
            raise KeyboardInterrupt
        return order(n, seed, epoch)

    monkeypatch.setattr(classifiers, "_order", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed", recipe=recipe, eps=eps)
    monkeypatch.undo()
    assert not (tmp_path / "killed" / "classifier").exists()
    assert torch.equal(trained(tmp_path / "killed", recipe=recipe, eps=eps)(floats(TEST.images)), whole)


def test_a_finished_run_is_loaded_and_another_one_is_not_overwritten(tmp_path: Path) -> None:
    first = trained(tmp_path)(floats(TEST.images))
    assert torch.equal(trained(tmp_path, epochs=10)(floats(TEST.images)), first)
    with pytest.raises(UsageError, match="epochs"):
        trained(tmp_path, epochs=11)
    with pytest.raises(UsageError, match="sha256"):
        trained(tmp_path, part=Labelled(PART.images, PART.labels.flip(0)))


def test_the_card_tells_the_accuracy_of_what_the_artifact_holds(tmp_path: Path) -> None:
    classifier = trained(tmp_path, validation=TEST, epochs=3, card={"data": "bars", "licence": "none"})
    card = artifacts.read_card(tmp_path / "classifier")
    assert card["metrics"] == {"accuracy": accuracy(classifier, TEST)}
    assert card["data"] == "bars" and card["training"]["seed"] == 3
    tensors = artifacts.load(tmp_path / "classifier", kind=classifiers.KIND).tensors
    assert {value.dtype for value in tensors.values()} == {torch.float16}
    assert torch.equal(load_classifier(tmp_path)(floats(TEST.images)), classifier(floats(TEST.images)))


def test_a_saved_network_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build("A", (3, 16, 16), 4).half().float().eval()
    save_classifier(network, tmp_path / "kept", architecture="A", shape=(3, 16, 16), recipe="rec")
    loaded = load_classifier(tmp_path / "kept")
    images = torch.rand(5, 3, 16, 16)
    assert loaded.name == "A-rec" and torch.equal(loaded(images), network(images))
    with pytest.raises(UsageError, match=r"A-rec: takes 3 x 16 x 16 \(.*\), got 1 x 28 x 28"):
        loaded(torch.rand(2, 1, 28, 28))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": "G"}, "unknown architecture 'G'"),
        ({"recipe": "origin"}, "did you mean 'orig'"),
        ({"recipe": "fgsm"}, "such as 0.3; got None"),
        ({"recipe": "pgd", "eps": -0.1}, "got -0.1"),
        ({"recipe": "fgsm", "eps": float("nan")}, "got nan"),
        ({"eps": 0.3}, "attacks nothing"),
        ({"epochs": 0}, "at least 1"),
        ({"recipe": "rec"}, "needs some"),
        ({"reconstructions": PART.images}, "the others take none"),
        ({"recipe": "rec", "reconstructions": PART.images[:100]}, "of each image"),
        ({"recipe": "rec", "reconstructions": PART.images[..., :6]}, "of each image"),
        ({"part": Labelled(PART.images[:0], PART.labels[:0])}, "got none"),
        ({"part": Labelled(PART.images, PART.labels + 1)}, "1 to 2"),
        ({"architecture": "B"}, "too small"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_nothing_written(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        trained(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_a_card_that_does_not_describe_its_weights_is_refused(tmp_path: Path) -> None:
    network = build("D", (1, 12, 12), 2)
    config = {"architecture": "D", "shape": [1, 12, 12], "classes": 2, "recipe": "orig"}
    for wrong in ({"architecture": "A"}, {"shape": [1, 12]}, {"classes": "many"}, {"classes": 3}):
        artifacts.save(tmp_path, kind=classifiers.KIND, tensors=network.state_dict(), config=config | wrong)
        with pytest.raises(JobError, match="do not describe a network of kind .classifier"):
            load_classifier(tmp_path)
    with pytest.raises(UsageError, match="got none"):
        accuracy(trained(tmp_path / "run", epochs=1), Labelled(PART.images[:0], PART.labels[:0]))
