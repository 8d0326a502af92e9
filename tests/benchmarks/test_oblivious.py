"""The tables of the oblivious attacker: what each row attacks, what a cut gradient returns, which gap is reported."""

from pathlib import Path

import pytest
import torch

from benchmarks import defense_remedies, oblivious
from benchmarks.defense_remedies import REMEDIES, remedies, snapshot_curve
from benchmarks.defense_task import Task
from benchmarks.oblivious import ATTACKS, CUT, FAST, LINES, NEAREST, PAIRS, REFERENCE, Flat, gaps, published, rows
from lineament.classifier import from_module
from lineament.defense import generator as generators
from lineament.defense.networks import Generator
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]


def test_every_cell_has_a_printed_row() -> None:
    for data in ("mnist", "fashion_mnist"):
        for attack in ATTACKS:
            assert {published("5.4")[data, attack, model]["epsilon"] for model in "ABCD"} <= {"0.3", ""}
    for table, data in (("5.1", "mnist"), ("5.2", "fashion_mnist")):
        assert all((data, "FGSM", f"{model}/{other}") in published(table) for model, other in [*PAIRS, ("D", "E")])
    assert published("5.1")["mnist", "FGSM", "C/E"]["defense_gan_rec"] == "0.9223"
    assert published("5.4")["fashion_mnist", "CW", "B"]["defense_gan_rec"] == "0.656"
    columns = {line.published for line in LINES.values()} - {"", "defense_gan_orig", "adv_training_eps_0.15"}
    assert columns <= published("5.4")["mnist", "FGSM", "A"].keys()


def test_an_attacker_who_is_shown_no_gradient_hands_back_the_image() -> None:
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = {name: attack(from_module(Flat()), images, torch.arange(4)) for name, attack in ATTACKS.items()}
    assert torch.allclose(found["FGSM"].images, images, atol=1e-6)
    assert torch.allclose(found["CW"].images, images, atol=1e-5)
    assert found["RAND+FGSM"].linf.max() <= 0.05 + 1e-6


def row(table: str, defence: str, accuracy: float) -> dict[str, object]:
    return {"table": table, "defence": defence, "accuracy": accuracy, "published": 0.9}


def test_the_gaps_are_those_of_the_worse_mode() -> None:
    found = [row("5.4", REFERENCE, 0.9), row("5.4", REFERENCE, 0.8), row("5.4", FAST, 0.89), row("5.4", FAST, 0.7)]
    found += [row("5.4", CUT, 1.0), row("5.2", FAST, 0.6), row("5.2", REFERENCE, 0.7), row("5.4", "none", 0.0)]
    metrics = gaps("fashion", found)
    assert metrics["fashion_mean_gap"] == metrics["fashion_mean_gap_fast"] == pytest.approx(-0.105)
    assert metrics["fashion_mean_gap_reference"] == pytest.approx(-0.05)
    assert metrics["fashion_mean_gap_gradient_cut"] == pytest.approx(0.1)
    assert metrics["fashion_worst_gap"] == pytest.approx(-0.2) and metrics["fashion_cells_within"] == 0.5
    assert metrics["fashion_black_box_mean_gap"] == pytest.approx(-0.3)


def test_rows_say_what_was_attacked_and_on_how_many(runs: Path) -> None:
    task, asked = Task("mnist", n=4, quick=True), []

    def fooling(name: str) -> torch.Tensor:
        asked.append(name)
        return 1 - task.material.images

    white = list(rows(task, "5.4", "FGSM", "D", fooling))
    assert (
        [line["defence"] for line in white] == asked
        and CUT in asked
        and not {"FGSM training 0.15", "Defense-GAN-Orig fast"} & set(asked)
    )
    assert all(line["n"] == 4 and line["low"] <= line["accuracy"] <= line["high"] for line in white)
    assert {line["defence"]: line["published"] for line in white}[REFERENCE] == 0.98
    ceiling = {line["defence"]: line for line in white}[NEAREST]
    assert ceiling["clean"] == 1 > ceiling["accuracy"] and ceiling["details"]["learnt"] == {"images": 60}
    assert {line["defence"]: line for line in white}["FGSM training 0.3"]["details"]["learnt"]["epochs"] == 20
    black = {line["defence"]: line for line in rows(task, "5.1", "FGSM", "D/B", fooling)}
    assert not {CUT, NEAREST} & black.keys() and black["FGSM training 0.15"]["published"] == 0.8514
    assert black[REFERENCE]["n"] == black[FAST]["n"] == 4 and black["binarised"]["published"] is None
    assert black["Defense-GAN-Orig fast"]["published"] == 0.9323


def test_remedies_cost_about_the_same_and_snapshots_follow_training(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (30, 10, 20, 40):
        place = runs / "mnist" / "generator" / "snapshots" / str(step)
        generators.save(Generator((1, 28, 28), latent=4, width=2), place, metrics={"fid": float(step)})
    monkeypatch.setattr(defense_remedies, "SHOWN", 2)
    task = Task("mnist", n=10, quick=True)
    curve = list(snapshot_curve(task))
    assert [line["defence"] for line in curve] == ["20", "40"] and curve[1]["details"]["generator"] == {"fid": 40.0}
    monkeypatch.setattr(
        defense_remedies, "REMEDIES", {name: REMEDIES[name] for name in ("reference", "L 25", "fast, off the shell")}
    )
    found = {line["defence"]: line for line in remedies(task)}
    assert [line["n"] for line in found.values()] == [1, 8, 10, 10, 10, 10]
    assert all(0 < line["details"]["clean_error"] < 1 for line in found.values())
    assert "fast, classifier rec-noisy" in found
    neutral = found["fast, classifier orig"]  # there both are the one that was attacked
    assert [neutral["clean"], neutral["accuracy"]] == [each[0] for each in neutral["details"]["neutral"].values()]


def test_the_whole_of_a_quick_run_holds_together(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oblivious, "remedies", lambda task: [])
    metrics, found = oblivious.measure(Task("mnist", n=2, quick=True))
    assert {line["table"] for line in found} == {"5.4", "5.1"} and len(found) == 3 * 11 + 10
    assert metrics["mnist_mean_gap"] <= metrics["mnist_mean_gap_reference"]
