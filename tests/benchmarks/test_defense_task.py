"""What the benchmarks of the defence share: what is computed once, what it follows from, what is found or trained."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchmarks.defense_task import Task, learnt, over, row
from benchmarks.intervals import paired
from benchmarks.nearest import CHUNK, nearest
from lineament.attacks.gradient_sign import FGSM
from lineament.classifier import AdaptedClassifier, from_module
from lineament.datasets.labelled import Labelled
from lineament.defense.architectures import build
from lineament.defense.classifiers import save_classifier
from lineament.errors import JobError
from lineament.purifier import Purifier
from lineament.reproduction import purifiers
from lineament.reproduction.chapter_5 import Defence
from lineament.reproduction.purifiers import Known
from lineament.reproduction.trained import Trained
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]


def pixels(n: int) -> Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_what_was_computed_is_read_and_not_computed_again(runs: Path) -> None:
    made = Task("mnist").kept(lambda: {"images": pixels(4).mT}, "purified", 1)
    read = Task("mnist", n=7).kept(lambda: pytest.fail("computed again"), "purified", 1)
    assert torch.equal(made["images"], read["images"])
    assert Task("mnist").kept(lambda: {"images": pixels(1)}, "purified", 2)["images"].shape == (1, 1, 28, 28)


def test_more_images_cost_the_new_ones_alone(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purifiers, "PIECE", 3)
    seen: list[int] = []

    def purify(images: Tensor, seed: int) -> Tensor:
        seen.append(len(images))
        return 1 - images

    known, material = Known(Purifier("negative", purify), "facts", dear=True), Task("mnist").material
    assert torch.equal(material.purified(known, pixels(6)), 1 - pixels(6))
    assert torch.equal(material.purified(known, pixels(8)), 1 - pixels(8))
    assert seen == [3, 3, 2]
    material.purified(known._replace(facts="other weights"), pixels(3))
    Task("mnist", seed=1).material.purified(known, pixels(3))
    assert seen == [3, 3, 2, 3, 3]
    assert {path.parent.name for path in (runs / "mnist" / "seed1").rglob("*.safetensors")} == {"kept"}


def test_an_attack_is_kept_by_the_weights_it_was_computed_on(runs: Path) -> None:
    material = Task("mnist", n=4).material
    first, second = (from_module(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))) for _ in range(2))
    made = material.attacked(FGSM(0.2), first)
    assert torch.equal(made, FGSM(0.2)(first, material.images, material.labels).images)
    assert torch.equal(made, material.attacked(FGSM(0.2), first))
    assert not torch.equal(made, material.attacked(FGSM(0.2), second))
    assert not torch.equal(made, material.attacked(FGSM(0.1), first))


def saved(place: Path, recipe: str = "orig") -> AdaptedClassifier:
    network = build("D", (1, 28, 28), 10)
    save_classifier(network, place, architecture="D", shape=(1, 28, 28), recipe=recipe)
    return from_module(network)


def test_a_classifier_is_found_in_the_runs_then_in_the_package_and_never_half_trained(runs: Path) -> None:
    material, package = Task("mnist").material, runs.parent / "package" / "mnist"
    half = runs / "mnist" / "classifiers" / "orig" / "D"
    half.mkdir(parents=True)
    (half / "checkpoint.safetensors").touch()
    assert material.there(Trained("D")) is None
    saved(package / "classifiers" / "D")
    assert material.there(Trained("D")) == package / "classifiers" / "D"
    assert material.there(Trained("D", "rec")) is None  # what comes with the package has learnt images
    saved(half / "classifier")
    assert material.there(Trained("D")) == half
    assert Task("mnist", seed=1).material.there(Trained("D")) == package / "classifiers" / "D"
    saved(runs / "mnist" / "classifiers" / "rec" / "D" / "classifier", "rec")
    assert Task("mnist", seed=1).material.there(Trained("D", "rec")) is None  # a seed's folder is its own
    with pytest.raises(JobError, match="rec/D: did not learn what this generator"):
        material.there(Trained("D", "rec"))


def test_missing_classifiers_are_trained_and_say_what_they_learnt(runs: Path) -> None:
    quick = Task("mnist", n=4, quick=True)
    trained = Trained("D", "rec", noisy=True)
    assert quick.material.there(trained) is None
    quick.material.classifier(trained)
    assert quick.material.there(trained) == runs / "mnist" / "quick" / "classifiers" / "rec-noisy" / "D"
    assert learnt(quick, Defence("rec"), "D") == {"learnt": {"images": 60, "epochs": 20, "reconstructed": "fast"}}
    assert learnt(quick, Defence(purifier="magnet"), "D")["width"] == 32


def test_every_purifier_of_the_tables_gives_images(runs: Path) -> None:
    material = Task("mnist", n=2, quick=True).material
    made = {
        name: material.purified(material.purifier(name))
        for name in ("reference", "fast", "magnet", "autoencoded", "binarised", "blurred")
    }
    assert all(images.shape == (2, 1, 28, 28) and 0 <= images.min() <= images.max() <= 1 for images in made.values())
    assert not torch.equal(made["magnet"], made["autoencoded"])
    assert (runs / "mnist" / "quick" / "kept").is_dir() and not (runs / "mnist" / "kept").exists()


def test_a_run_is_over_both_sets_or_the_one_that_is_named() -> None:
    run = over(lambda task: ({f"{task.data}_{task.n}": 0.5}, [{"n": task.n}]), few=3)
    assert run(quick=False, seed=0, data="mnist", n=9, device="cpu") == ({"mnist_9": 0.5}, [{"n": 9}])
    metrics, rows = run(quick=False, seed=0, data=None, n=9, device="cpu")
    assert list(metrics) == ["mnist_9", "fashion_mnist_9"] and len(rows) == 2
    assert run(quick=True, seed=0, data="mnist", n=9, device="cpu")[1] == [{"n": 3}]


def test_too_many_images_are_told_and_not_traced(runs: Path) -> None:
    run = over(lambda task: ({}, [{"n": len(task.material.images)}]), few=3)
    with pytest.raises(SystemExit, match="mnist: n: expected 1 to 20"):
        run(quick=False, seed=0, data="mnist", n=21, device="cpu")


def test_a_row_tells_where_a_run_stands(capsys: pytest.CaptureFixture[str]) -> None:
    made = row(Task("mnist"), "5.4", "FGSM", "A", "none", 9, [(0.9, 0.8, 1.0), (0.5, 0.4, 0.6)], 0.4, learnt=1)
    assert made["details"] == {"clean_interval": [0.8, 1.0], "learnt": 1} and made["published"] == 0.4
    assert capsys.readouterr().out.endswith("mnist 5.4 FGSM A none: 0.900 0.500\n")


def test_the_nearest_training_image_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Labelled((pixels(50) * 255).byte(), torch.arange(50))
    given = (train.images[[7, 41, 3]].float() / 255 + 0.1 * pixels(3)).clamp(0, 1)
    assert nearest(train, given).tolist() == [7, 41, 3]
    monkeypatch.setattr("benchmarks.nearest.CHUNK", 8)  # the 41st lies in a later piece than the 7th
    assert CHUNK > 8 and nearest(train, given).tolist() == [7, 41, 3]
    images = pixels(6).flip(3)
    by_hand = torch.cdist(images.flatten(1).double(), train.images.flatten(1).double() / 255).argmin(1)
    assert torch.equal(nearest(train, images), by_hand)


def test_a_gain_is_of_pairs() -> None:
    both, first, second = [True] * 90, [True] * 8 + [False] * 2, [False] * 8 + [True] * 2
    value, low, high = paired(both + first, both + second)
    assert value == pytest.approx(0.06) and low < 0.06 < high
    assert (low, high) == pytest.approx((6 / 102 - 0.0629, 6 / 102 + 0.0629), abs=2e-4)  # worked out by hand
    assert paired([True] * 5, [True] * 5)[0] == 0 and paired([True] * 5, [True] * 5)[2] > 0.1
