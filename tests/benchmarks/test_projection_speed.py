"""The sequential way is the reference's descent, one restart after the other; the ratios are of the worst set."""

from dataclasses import replace

import pytest
import torch

from benchmarks.projection_speed import sequential, summary
from lineament.defense.modes import REFERENCE
from lineament.defense.networks import Generator
from lineament.defense.projection import project


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
        ways = {"fast": fast, "reference": reference, "sequential": sequential}
        return [
            {"data": data, "way": way, "ms": ms, "clean_accuracy": 0.9 + (gain if way == "fast" else 0),
             "fgsm_accuracy": 0.5}
            for way, ms in ways.items()
        ]  # fmt: skip

    found = summary([*rows("mnist", 10, 200, 300, 0.05), *rows("fashion_mnist", 20, 240, 800, -0.01)])
    assert found["ratio_reference"] == 12 and found["ratio_sequential"] == 30
    assert found["clean_gain"] == pytest.approx(-0.01) and found["fgsm_gain"] == 0
    assert found["fashion_mnist_fast_ms"] == 20
