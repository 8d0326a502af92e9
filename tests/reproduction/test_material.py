"""What chapter 5 is measured with is taken from where it lies, else made, and then kept."""

import json
from dataclasses import dataclass, replace

import pytest
import torch

from lineament.attacks.gradient_sign import FGSM
from lineament.datasets.labelled import floats
from lineament.defense.generator import save
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig
from lineament.defense.networks import Generator
from lineament.defense.projection import project
from lineament.errors import JobError
from lineament.purifier import defended
from lineament.reproduction import purifiers
from lineament.reproduction.material import Material, accuracy
from lineament.reproduction.parts import HELD_OUT, parts
from lineament.reproduction.purifiers import facts
from lineament.reproduction.trained import Trained, card_of
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


def test_what_learnt_reconstructions_is_not_taken_up_for_another_generator(material):
    trained = Trained("E", "rec")
    material.classifier(trained)
    card = card_of(material.there(trained))
    assert card["reconstructed_by"] == facts(FAST, material.generator) and card["learnt"] == 60
    assert material.learnt(trained) == {"images": 60, "epochs": 20, "reconstructed": "fast"}
    other = replace(material)
    torch.manual_seed(1)
    other.__dict__["generator"] = Generator((1, SIDE, SIDE), latent=4, width=2)
    with pytest.raises(JobError, match="rec/E: did not learn what this generator, its encoder and the fast mode make"):
        other.classifier(trained)


def test_a_classifier_of_another_schedule_is_not_taken_up(material, monkeypatch):
    trained = Trained("E", "rec", noisy=True)
    material.classifier(trained)
    place = material.there(trained)
    whole = card_of(place)
    for change, told in (
        ({"learnt": 10_000}, "images 10000, not 60"),
        ({"training": {**whole["training"], "epochs": 3}}, "epochs 3, not 20"),
        ({"noise": 0.1}, "noise 0.1, not 0.3"),
    ):
        monkeypatch.setattr("lineament.reproduction.material.card_of", lambda place, change=change: whole | change)
        with pytest.raises(JobError, match=f"rec-noisy/E: learnt with {told}; move it away"):
            material.there(trained)
    monkeypatch.undo()
    assert material.there(trained) == place


def test_fewer_images_are_gone_through_more_often_under_attack_too():
    full, faces = 50_000, 8_639
    assert [Trained("D", "fgsm", 0.3).epochs(n) for n in (full, faces)] == [10, 40]  # a third of 30 and of 120
    assert [Trained("C", "pgd", 0.3).epochs(n) for n in (full, faces)] == [3, 5]  # at least 3; a third of 16
    assert [Trained("A").epochs(n) for n in (full, faces)] == [6, 24]
    assert Trained("A", "rec", noisy=True).place == "rec-noisy/A"


def test_a_seed_has_a_folder_of_its_own(material):
    first, second, quick = (
        replace(material, seed=seed, quick=quick) for seed, quick in ((0, False), (1, False), (1, True))
    )
    assert first.memory == material.folder / "kept" and second.memory == material.folder / "seed1" / "kept"
    assert second.made == material.folder / "seed1" and quick.made == material.folder / "quick"


def test_kept_projections_are_the_projections(material):
    known = material.purifier(SHORT)
    made = material.purified(known)
    assert torch.equal(made, project(material.generator, material.images, SHORT, seed=0).images.clamp(0, 1))
    kept = set(material.memory.iterdir())
    assert torch.equal(material.purified(known), made)
    assert set(material.memory.iterdir()) == kept
    assert torch.equal(replace(material, n=55).purified(known), made[:55])
    assert not torch.equal(replace(material, seed=4).purified(known, material.images), made)
    assert torch.equal(material.purified(material.purifier("binarised")), (material.images > 0.5).float())


def test_the_spelling_of_settings_in_names_outlives_fields_that_come_and_go(material, monkeypatch):
    """What hours computed is found again; `REFERENCE` is spelt as it was when the first projections were kept."""
    first = (
        "ProjectionConfig(stages=((200, 10),), optimiser='momentum', rate=10.0, momentum=0.7, deviation="
        f"{128**-0.5!r}, power=2.0, tolerance=0.0, shell=False, prior=0.0, realism=0.0, precision='auto')"
    ).encode()
    assert purifiers._spelt(REFERENCE) == first
    assert purifiers._spelt(replace(REFERENCE, power=4.0)) == first.replace(b"power=2.0", b"power=4.0")

    @dataclass(frozen=True)
    class Later(ProjectionConfig):
        bounce: float = 0.0

    assert purifiers._spelt(Later()) == first
    assert purifiers._spelt(Later(bounce=0.5)) == first[:-1] + b", bounce=0.5)"


def test_attacks_are_on_the_bare_classifier_and_kept(material):
    classifier = material.classifier(Trained("E", "fgsm", 0.3))
    attacked = material.attacked(FGSM(0.2), classifier)
    assert float((attacked - material.images).abs().max()) <= 0.2 + 1e-6
    expected = FGSM(0.2)(classifier, material.images, material.labels).images
    assert torch.equal(attacked, expected) and torch.equal(material.attacked(FGSM(0.2), classifier), expected)
    assert not torch.equal(material.attacked(FGSM(0.1), classifier), expected)


def test_a_substitute_is_asked_for_once(material):
    target = material.classifier(Trained("E", "fgsm", 0.3))
    first = material.substitute("E", target)
    kept = set(material.memory.iterdir())
    assert torch.equal(material.substitute("E", target)(material.images), first(material.images))
    assert set(material.memory.iterdir()) == kept and first(material.images).shape == (60, 10)


def test_accuracy_has_an_interval_even_where_all_are_right(material):
    classifier = material.classifier(Trained("E", "fgsm", 0.3))
    decided = classifier(material.images).argmax(1)
    value, low, high = accuracy(classifier, material.images, decided)
    assert value == high == 1 and 0.9 < low < 1
    behind = defended(classifier, material.purifier(SHORT).purifier)
    assert accuracy(behind, material.images, (decided + 1) % 10)[0] <= 1


def test_without_a_generator_one_is_trained_and_told(tmp_path, root, monkeypatch):
    lone = Material("mnist", tmp_path, root, n=10, quick=True, device="cpu", precision="float32")
    monkeypatch.setattr("lineament.reproduction.material.shipped", lambda data, what: tmp_path / "none")
    assert lone.generator.shape == (1, SIDE, SIDE) and lone.encoder is not None
    again = Material("mnist", tmp_path, root, n=10, quick=True, device="cpu", precision="float32").encoder
    assert again is not None and all(map(torch.equal, again.state_dict().values(), lone.encoder.state_dict().values()))
    assert Material("mnist", tmp_path / "quick", root, n=10, device="cpu", precision="float32").encoder is not None
    assert lone.schedule == "generator of 10 steps"
    assert (tmp_path / "quick" / "generator" / "generator" / "card.json").is_file()
    assert floats(lone.parts.test.images).shape == lone.images.shape


def test_one_descent_keeps_what_those_of_fewer_steps_would_give(material, monkeypatch):
    images, configs = material.images[:7], [replace(SHORT, stages=((steps, 2),)) for steps in (2, 5, 9)]
    alone = [project(material.generator, images, config).images for config in configs]
    material.project_through(SHORT, (2, 5, 9), images)
    monkeypatch.setattr(purifiers, "project_through", lambda *words, **more: pytest.fail("computed again"))
    material.project_through(SHORT, (2, 5, 9), images)
    monkeypatch.setattr(purifiers, "defense_gan", lambda *words, **more: pytest.fail("computed anew"))
    for config, wanted in zip(configs, alone, strict=True):
        known = purifiers.Known(None, facts(config, material.generator), dear=True)
        assert torch.allclose(material.purified(known, images), wanted, atol=1e-5)
