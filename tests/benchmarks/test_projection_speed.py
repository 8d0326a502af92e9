"""The sequential way is the reference's descent, one restart after the other; the ratios are of the worst set."""

import json
from dataclasses import replace

import pytest
import torch

from benchmarks import choose_projection
from benchmarks.choose_projection import BESIDE, WAYS, tried
from benchmarks.defense_task import Task
from benchmarks.projection_speed import compared, sequential, summary
from lineament.defense.modes import REFERENCE
from lineament.defense.networks import Generator
from lineament.defense.projection import project
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]


def generator():
    torch.manual_seed(0)
    made = Generator((1, 28, 28), latent=16, width=2).eval().requires_grad_(False)
    for weight in made.parameters():  # far from flat, so that a wrong step shows
        weight.mul_(3)
    return made


def test_for_one_image_it_is_the_reference():
    config = replace(REFERENCE, stages=((12, 3),), precision="float32")
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    ours = project(generator(), image, config, seed=5).images
    theirs = sequential(generator(), image, config, seed=5, falls=0)
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert not torch.allclose(ours, sequential(generator(), image, config, seed=6, falls=0), atol=1e-4)
    assert not torch.allclose(theirs, sequential(generator(), image, config, seed=5), atol=1e-4)  # its rate falls


def test_several_images_take_smaller_steps_and_share_a_restart():
    config = replace(REFERENCE, stages=((12, 3),), precision="float32")
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    together = sequential(generator(), images, config, seed=5, falls=0)
    ours = project(generator(), images, config, seed=5).images
    assert (together - images).square().mean() > (ours - images).square().mean()


def test_the_worst_set_counts():
    def rows(data, fast, reference, sequential, gain):
        times = {
            "fast": fast,
            "reference": reference,
            "sequential": sequential,
            "fast on the sequential's images": fast,
        }
        gains = {"clean_gain": [gain, gain - 0.1, gain + 0.1], "fgsm_gain": [0.0, -0.1, 0.1]}
        return [
            {"data": data, "classifier": recipe, "way": way, "ms": ms, **gains}
            for recipe in ("orig", "rec") for way, ms in times.items()
        ]  # fmt: skip

    found = summary([*rows("mnist", 10, 200, 300, 0.05), *rows("fashion_mnist", 20, 240, 800, -0.01)])
    assert found["ratio_reference"] == 12 and found["ratio_sequential"] == 30
    assert found["clean_gain"] == found["clean_gain_rec"] == found["clean_gain_sequential"] == pytest.approx(-0.01)
    assert found["clean_gain_low"] == pytest.approx(-0.11) and found["fgsm_gain"] == 0
    assert found["fashion_mnist_fast_ms"] == 20


def test_every_way_is_held_against_another_on_the_same_images(runs):
    task = Task("mnist", n=3, quick=True)
    found = {(row["classifier"], row["way"]): row for row in compared(task.material, quick=True)}
    assert {row["n"] for at, row in found.items() if "sequential" in at[1]} == {2}
    assert {row["n"] for at, row in found.items() if "sequential" not in at[1]} == {3}
    assert ("orig", "sequential") in found and ("rec", "sequential") not in found
    fast, base = found["orig", "fast"], found["orig", "reference"]
    assert fast["clean_gain"][0] == pytest.approx(fast["clean_accuracy"] - base["clean_accuracy"])
    beside, slow = found["orig", "fast on the sequential's images"], found["orig", "sequential"]
    assert beside["fgsm_gain"][0] == pytest.approx(beside["fgsm_accuracy"] - slow["fgsm_accuracy"])
    assert beside["ms"] == fast["ms"] and "clean_gain" not in base
    json.dumps(list(found.values()))


def test_ways_to_project_are_tried_on_development_images(runs, monkeypatch):
    monkeypatch.setattr(choose_projection, "WAYS", {name: WAYS[name] for name in ("reference", "fast", BESIDE)})
    material = Task("mnist", n=3, quick=True).material
    found = {row["way"]: row for row in tried(material, 8)}
    assert {row["n"] for row in found.values()} == {8, 1} and found["reference"]["n"] == 1
    assert found["fast"] == found[BESIDE] | {"way": "fast", "ms": found["fast"]["ms"]}  # there is no encoder
    json.dumps(list(found.values()))
