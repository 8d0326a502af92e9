"""What chapter 5 is measured with is taken from where it lies, else made, and then kept."""

import json

import pytest
import torch

from lineament.attacks.gradient_sign import FGSM
from lineament.datasets.labelled import floats
from lineament.defense.generator import save
from lineament.defense.modes import ProjectionConfig
from lineament.defense.networks import Generator
from lineament.defense.projection import project
from lineament.purifier import defended
from lineament.reproduction.material import Material, Trained, accuracy
from lineament.reproduction.parts import HELD_OUT, parts
from tests.reproduction.made_up import SIDE, write

SHORT = ProjectionConfig(stages=((3, 2),), precision="float32")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data"), "MNIST", 120, 230)


@pytest.fixture(scope="module")
def material(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("runs") / "mnist"
    torch.manual_seed(0)
    save(Generator((1, SIDE, SIDE), latent=4, width=2), folder / "generator", training={"steps": 7})
    return Material("mnist", folder, root, n=60, quick=True, device="cpu", precision="float32")


def test_parts_are_disjoint_and_seeded(root):
    found, again, other = (parts("mnist", root, 60, seed=seed) for seed in (0, 0, 1))
    assert [len(part) for part in found] == [100, 20, 60, HELD_OUT]
    assert torch.equal(found.test.images, again.test.images)
    assert not torch.equal(found.test.images, other.test.images)
    every = torch.cat([part.images for part in found])
    assert len(torch.unique(every.flatten(1), dim=0)) == len(every)
    longer = parts("mnist", root, 80)  # more images go on from fewer, and the attacker's stay
    assert torch.equal(longer.test.images[:60], found.test.images)
    assert torch.equal(longer.held_out.images, found.held_out.images)


@pytest.mark.parametrize("trained", [Trained("E", "rec"), Trained("E", "fgsm", 0.3)], ids=lambda one: one.place)
def test_a_classifier_is_trained_once(material, trained):
    classifier = material.classifier(trained)
    place = material.folder / "quick" / "classifiers" / trained.place / "classifier"
    card = json.loads((place / "card.json").read_text())
    assert card["training"]["recipe"] == trained.recipe
    before = (place / "model.safetensors").stat().st_mtime_ns
    assert torch.equal(material.classifier(trained)(material.images), classifier(material.images))
    assert (place / "model.safetensors").stat().st_mtime_ns == before


def test_kept_projections_are_the_projections(material):
    purifier = material.purifier(SHORT)
    made = purifier(material.images, seed=3)
    assert torch.equal(made, project(material.generator, material.images, SHORT, seed=3).images.clamp(0, 1))
    kept = set((material.folder / "kept").iterdir())
    assert torch.equal(purifier(material.images, seed=3), made)
    assert set((material.folder / "kept").iterdir()) == kept
    assert not torch.equal(purifier(material.images, seed=4), made)
    assert purifier.routes == ("identity",)  # what is read from a disk has no gradient of its own


def test_attacks_are_on_the_bare_classifier_and_kept(material):
    target = Trained("E", "fgsm", 0.3)
    attacked = material.attacked(FGSM(0.2), target)
    assert float((attacked - material.images).abs().max()) <= 0.2 + 1e-6
    classifier = material.classifier(target)
    expected = FGSM(0.2)(classifier, material.images, material.labels).images
    assert torch.equal(attacked, expected) and torch.equal(material.attacked(FGSM(0.2), target), expected)
    assert not torch.equal(material.attacked(FGSM(0.1), target), expected)


def test_accuracy_has_an_interval_even_where_all_are_right(material):
    classifier = material.classifier(Trained("E", "fgsm", 0.3))
    decided = classifier(material.images).argmax(1)
    value, low, high = accuracy(classifier, material.images, decided)
    assert value == high == 1 and 0.9 < low < 1
    behind = defended(classifier, material.purifier(SHORT))
    assert accuracy(behind, material.images, (decided + 1) % 10)[0] <= 1


def test_without_a_generator_one_is_trained_and_told(tmp_path, root, monkeypatch):
    lone = Material("mnist", tmp_path, root, n=10, quick=True, device="cpu", precision="float32")
    monkeypatch.setattr("lineament.reproduction.material.shipped", lambda data, what: tmp_path / "none")
    assert lone.generator.shape == (1, SIDE, SIDE) and lone.encoder is None
    assert lone.schedule == "generator of 10 steps"
    assert (tmp_path / "quick" / "generator" / "generator" / "card.json").is_file()
    assert floats(lone.parts.test.images).shape == lone.images.shape
