"""What the benchmarks of the defence share: what is computed once, what it follows from, what is found or trained."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchmarks import defense_networks, defense_task
from benchmarks.defense_networks import (
    Cleaner,
    attacked,
    classifier,
    cleaner,
    found,
    purified,
    right,
    substitute,
    there,
)
from benchmarks.defense_task import Task, given, kept, over, parts
from lineament.attacks.gradient_sign import FGSM
from lineament.classifier import AdaptedClassifier, from_module
from lineament.defense.architectures import build
from lineament.defense.classifiers import save_classifier
from lineament.purifier import Purifier
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]


def pixels(n: int) -> Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_what_was_computed_is_read_and_not_computed_again(runs: Path) -> None:
    made = kept(Task("mnist"), lambda: {"images": pixels(4).mT}, "purified", 1)
    read = kept(Task("mnist", n=7), lambda: pytest.fail("computed again"), "purified", 1)
    assert torch.equal(made["images"], read["images"])
    assert kept(Task("mnist"), lambda: {"images": pixels(1)}, "purified", 2)["images"].shape == (1, 1, 28, 28)


def test_more_images_cost_the_new_ones_alone(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defense_networks, "PIECE", 3)
    monkeypatch.setattr(defense_task.pieces, "__defaults__", (3,))
    seen: list[int] = []

    def purify(images: Tensor, seed: int) -> Tensor:
        seen.append(len(images))
        return 1 - images

    made = Cleaner(Purifier("negative", purify), ("facts",), kept=True)
    assert torch.equal(purified(Task("mnist"), made, pixels(6)), 1 - pixels(6))
    assert torch.equal(purified(Task("mnist"), made, pixels(8)), 1 - pixels(8))
    assert seen == [3, 3, 2]
    purified(Task("mnist"), made._replace(facts=("other weights",)), pixels(3))
    purified(Task("mnist", seed=1), made, pixels(3))
    assert seen == [3, 3, 2, 3, 3]


def test_an_attack_is_kept_by_the_weights_it_was_computed_on(runs: Path) -> None:
    labels = torch.arange(4)
    first, second = (from_module(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))) for _ in range(2))
    made = attacked(Task("mnist"), first, FGSM(0.2), pixels(4), labels)
    assert torch.equal(made, FGSM(0.2)(first, pixels(4), labels).images)
    assert torch.equal(made, attacked(Task("mnist"), first, FGSM(0.2), pixels(4), labels))
    assert not torch.equal(made, attacked(Task("mnist"), second, FGSM(0.2), pixels(4), labels))
    assert not torch.equal(made, attacked(Task("mnist"), first, FGSM(0.1), pixels(4), labels))


def test_fewer_test_images_are_the_first_of_more_and_none_is_the_attackers(runs: Path) -> None:
    few, many = parts(Task("mnist", n=5)), parts(Task("mnist", n=20))
    assert torch.equal(few.test.images, many.test.images[:5]) and torch.equal(few.held_out.images, many.held_out.images)
    assert [len(part) for part in many] == [200, 40, 20, 150]
    held = {bytes(image.numpy()) for image in many.held_out.images}
    assert not held & {bytes(image.numpy()) for image in many.test.images}
    assert not torch.equal(parts(Task("mnist", n=20, seed=1)).test.images, many.test.images)
    with pytest.raises(SystemExit, match="--n: n: expected 1 to 20"):
        parts(Task("mnist", n=21))


def saved(place: Path, name: str = "D") -> AdaptedClassifier:
    network = build(name, (1, 28, 28), 10)
    save_classifier(network, place, architecture="D", shape=(1, 28, 28), recipe="orig")
    return from_module(network)


def test_a_classifier_is_found_in_the_runs_then_in_the_package_and_never_half_trained(runs: Path) -> None:
    task, package = Task("mnist"), runs.parent / "package" / "mnist"
    half = runs / "mnist" / "classifiers" / "orig" / "D"
    half.mkdir(parents=True)
    (half / "checkpoint.safetensors").touch()
    assert there(task, "orig", "D") is None
    saved(package / "classifiers" / "D")
    assert there(task, "orig", "D") == package / "classifiers" / "D"
    assert there(task, "rec", "D") is None  # what comes with the package has learnt images
    saved(half / "classifier")
    assert there(task, "orig", "D") == half
    assert found(task, "generator") == runs / "mnist" / "generator"


def test_a_missing_generator_says_how_to_train_one(runs: Path) -> None:
    with pytest.raises(SystemExit, match=r"no generator of fashion_mnist: lineament train generator --data fashion"):
        defense_networks.generator(Task("fashion_mnist"))


def test_missing_classifiers_are_trained_and_those_of_a_quick_run_are_not_kept(runs: Path) -> None:
    quick = Task("mnist", n=4, quick=True)
    images, labels = given(quick)
    for recipe in ("rec-noisy", "fgsm-0.3"):
        made = classifier(quick, recipe, "D")
        assert right(made, images, labels)[0] <= 1 and there(quick, recipe, "D") is None
    stand_in = substitute(quick, classifier(quick, "fgsm-0.3", "D"), "E")
    again = substitute(quick, classifier(quick, "fgsm-0.3", "D"), "E")
    assert torch.equal(stand_in(images), again(images)) and stand_in(images).shape == (4, 10)


def test_every_purifier_of_the_tables_gives_images(runs: Path) -> None:
    quick = Task("mnist", n=2, quick=True)
    made = {
        name: purified(quick, cleaner(quick, name), given(quick)[0])
        for name in ("reference", "fast", "magnet", "autoencoded", "binarised", "blurred")
    }
    assert all(images.shape == (2, 1, 28, 28) and 0 <= images.min() <= images.max() <= 1 for images in made.values())
    assert not torch.equal(made["magnet"], made["autoencoded"])
    assert (quick.home / "kept").is_dir() and not (runs / "mnist" / "kept").exists()


def test_a_run_over_one_set_records_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = over(lambda task: ({f"{task.data}_{task.n}": 0.5}, [{"n": task.n}]), few=3)
    with pytest.raises(SystemExit) as ended:
        run(quick=False, seed=0, data="mnist", n=9)
    assert ended.value.code == 0 and capsys.readouterr().out == "mnist_9: 0.5000\n"
    metrics, rows = run(quick=False, seed=0, data=None, n=9)
    assert list(metrics) == ["mnist_9", "fashion_mnist_9"] and len(rows) == 2
    assert run(quick=True, seed=0, data="mnist", n=9)[1] == [{"n": 3}]
