"""The CycleGAN of the comparison learns both ways, and goes on after a kill."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.errors import UsageError
from lineament.explanation import cycle_gan
from lineament.explanation.cycle_gan import CycleGanConfig, Generator, falling, train_cycle_gan
from lineament.training import Run

TINY = CycleGanConfig(width=6, blocks=1, steps=80, batch=8, learning_rate=4e-3, averaging=0.8)


def halves(seed: int = 0):
    """Images of 12 px: class 0 bright on the left, class 1 on the right, the pattern inside the bright half free."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 20, (2, 40, 1, 12, 12), generator=generator, dtype=torch.uint8)
    bright = torch.randint(150, 250, (2, 40, 1, 3, 1), generator=generator, dtype=torch.uint8).repeat_interleave(4, 3)
    images[0, ..., :6] += bright[0].expand(-1, -1, -1, 6) // 2
    images[1, ..., 6:] += bright[1].expand(-1, -1, -1, 6) // 2
    return tuple(images)


def right(images):
    """How much brighter the right half is, ``(n,)``."""
    return images[..., 6:].mean((1, 2, 3)) - images[..., :6].mean((1, 2, 3))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycle_gan")
    return train_cycle_gan(halves(), TINY, folder, precision="float32", device="cpu"), folder


def test_each_generator_makes_its_class_of_the_other_and_leaves_its_own(trained):
    generators, _ = trained
    left_images, right_images = (floats(images) for images in halves(1))
    assert (right(generators[1](left_images)) > 0.1).all()
    assert (right(generators[0](right_images)) < -0.1).all()
    assert (generators[0](left_images) - left_images).abs().mean() < 0.1
    assert (generators[1](generators[0](right_images)) - right_images).abs().mean() < 0.1


def test_generators_are_finished(trained):
    generators, _ = trained
    assert not generators.training and not any(weight.requires_grad for weight in generators.parameters())
    made = generators[0](torch.rand(2, 1, 12, 16))
    assert made.shape == (2, 1, 12, 16) and made.min() >= 0 and made.max() <= 1


def test_a_finished_training_is_taken_up_at_once(trained):
    generators, folder = trained
    written = (folder / "metrics.jsonl").read_bytes()
    again = train_cycle_gan(halves(), TINY, folder, precision="float32", device="cpu")
    assert (folder / "metrics.jsonl").read_bytes() == written
    for one, other in zip(generators.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_killed_training_ends_with_the_same_weights(tmp_path, monkeypatch):
    log, config = Run.log, replace(TINY, steps=6)

    def dying(run, **values):
        if run.step == 4 and "dead" not in globals():
            globals()["dead"] = True
            raise KeyboardInterrupt
        log(run, **values)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "log", dying)
        patch.setattr(cycle_gan, "Run", partial(Run, checkpoint_seconds=0.0))
        train_cycle_gan(halves(), config, tmp_path / "killed", precision="float32", device="cpu")
    killed = train_cycle_gan(halves(), config, tmp_path / "killed", precision="float32", device="cpu")
    whole = train_cycle_gan(halves(), config, tmp_path / "whole", precision="float32", device="cpu")
    for one, other in zip(killed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_is_not_taken_up_with_other_images(trained):
    with pytest.raises(UsageError, match="holds another run"):
        train_cycle_gan(halves(5), TINY, trained[1], precision="float32", device="cpu")


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (halves()[:1], "two classes, got 40"),
        ((halves()[0], halves()[1][:0]), "two classes, got 40 and 0"),
        ((halves()[0], halves()[1][..., :8]), r"got \(1, 12, 12\) and \(1, 12, 8\)"),
        (tuple(images[..., :10] for images in halves()), r"sides of 8, 12"),
    ],
)
def test_images_that_do_not_fit_are_refused(classes, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        train_cycle_gan(classes, TINY, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_rate_is_whole_until_the_half_and_falls_to_nothing():
    assert [falling(step, 100) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]


def test_channels_come_and_go_as_asked():
    assert Generator(2, 3, 4, 1)(torch.rand(5, 2, 8, 8)).shape == (5, 3, 8, 8)
