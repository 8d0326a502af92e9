"""Fader Networks swap what a label says, know nothing of style, and go on after a kill."""

import json
from dataclasses import replace

import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.editing import fader as module
from lineament.editing.fader import Decoder, Fader, FaderConfig, train_fader
from lineament.editing.operations import edit
from lineament.errors import JobError, UsageError
from tests.editing.bands import BANDS, band, bands, shown
from tests.editing.resuming import killed, taken_up

TINY = FaderConfig(width=8, latent=4, hiding=0.05, ramp=100, steps=200, batch=16)


def train(folder, config=TINY, seed=0):
    images, labels, _ = bands(300, seed)
    return train_fader(images, labels, bands(60, 1)[:2], BANDS, config, folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fader")
    return train(folder), folder


@pytest.mark.parametrize("number", [0, 1])
def test_a_swap_puts_a_band_on_and_off_and_leaves_the_other(trained, number):
    images, labels, _ = bands(60, 2)
    for on in (True, False):
        swapped = edit(floats(images), trained[0]).swap(BANDS[number], on).images
        assert (shown(swapped, number) == on).float().mean() > 0.8
        assert (shown(swapped, 1 - number) == (labels[:, 1 - number] == 1)).float().mean() > 0.9


def test_labels_are_read_and_images_drawn_again(trained):
    images, labels, _ = bands(60, 2)
    codes = trained[0].encode(floats(images))
    assert ((trained[0].present(codes) > 0) == (labels == 1)).float().mean() > 0.95
    assert (trained[0].decode(codes) - floats(images)).abs().mean() < 0.1
    assert trained[0].card["metrics"]["present"] > 0.95 and trained[0].card["metrics"]["reconstruction_l1"] < 0.1


def test_borrow_brings_no_style_and_draws_are_alike(trained):
    images = floats(bands(60, 2)[0])
    by_label = edit(images, trained[0]).swap("Top").images
    assert torch.equal(edit(images, trained[0]).sample("Top", scale=3.0, seed=4).images, by_label)
    references = images[trained[0].present(trained[0].encode(images))[:, 1] > 0][:20]
    assert torch.equal(edit(images[:20], trained[0]).borrow("Top", references).images, by_label[:20])


def test_between_two_labels_lies_a_band_half_there(trained):
    images, labels, _ = bands(60, 2)
    without = floats(images[labels[:, 1] == 0])
    off, half, on = (band(edit(without, trained[0]).swap("Top", strength=s).images, 1) for s in (0.0, 0.5, 1.0))
    assert ((half - off).norm(dim=1) < (on - off).norm(dim=1)).float().mean() > 0.9


def test_the_decoder_hears_of_labels_in_every_layer():
    torch.manual_seed(0)
    decoder = Decoder(2, [8, 8], 4).eval()
    labels = torch.zeros(1, 2, requires_grad=True)
    for layer in range(len(decoder.layers)):
        kept = [weight.detach().clone() for weight in decoder.parameters()]
        with torch.no_grad():
            for number, other in enumerate(decoder.layers):
                if number != layer:
                    other.weight[-4:] = 0  # the label channels come last
        (slope,) = torch.autograd.grad(decoder(torch.rand(1, 64), labels).sum(), labels)
        assert slope.abs().min() > 0
        with torch.no_grad():
            for weight, value in zip(decoder.parameters(), kept, strict=True):
                weight.copy_(value)


def test_a_finished_training_is_taken_up_at_once(trained):
    taken_up(train, *trained)


def test_a_killed_training_ends_with_the_same_weights(tmp_path, monkeypatch):
    resumed = killed(train, replace(TINY, steps=6), module, tmp_path, monkeypatch)
    assert isinstance(resumed, Fader)


def test_hiding_labels_hides_them_from_the_adversary(tmp_path):
    def guessed(hiding):
        folder = tmp_path / str(hiding)
        train(folder, replace(TINY, hiding=hiding, ramp=20, steps=100))
        last = (folder / "metrics.jsonl").read_text().splitlines()[-1]
        return json.loads(last)["caught"]

    assert guessed(0.3) > 2 * guessed(1e-9)


def test_a_run_is_not_taken_up_with_other_images(trained):
    with pytest.raises(UsageError, match="holds another run"):
        train(trained[1], seed=5)


def test_material_that_does_not_do_is_refused_before_anything_is_written(tmp_path):
    images, labels, _ = bands(20)
    arguments = (images[:0], labels[:0]), BANDS, TINY, tmp_path / "run"
    with pytest.raises(UsageError, match="a row for each of 10 images"):
        train_fader(images[:10], labels, *arguments)
    with pytest.raises(JobError, match="no image without Bottom"):
        train_fader(images, labels.clone().fill_(1), *arguments)
    assert not (tmp_path / "run").exists()
