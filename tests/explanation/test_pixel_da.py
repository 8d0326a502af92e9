"""The PixelDA of the comparison learns one way, with noise, and goes on after a kill."""

import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.errors import UsageError
from lineament.explanation.pixel_da import PixelDaConfig, _unlike, train_pixel_da
from tests.explanation.test_cycle_gan import halves, right

TINY = PixelDaConfig(width=6, blocks=1, steps=120, batch=8, learning_rate=3e-3, content=2.0, averaging=0.8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixel_da")
    return train_pixel_da(halves(), 0, TINY, folder, precision="float32", device="cpu"), folder


def test_images_of_class_1_become_images_of_class_0(trained):
    made = trained[0](floats(halves(1)[1]))
    assert made.shape == (40, 1, 12, 12) and made.min() >= 0 and made.max() <= 1
    assert (right(made) < -0.1).float().mean() > 0.9


def test_the_target_is_the_class_that_is_made(tmp_path):
    made = train_pixel_da(halves(), 1, TINY, tmp_path, precision="float32", device="cpu")(floats(halves(1)[0]))
    assert (right(made) > 0.1).float().mean() > 0.9


def test_noise_changes_what_is_made_and_the_seed_repeats_it(trained):
    images = floats(halves()[1])
    made = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        made.append(trained[0](images))
    assert torch.equal(made[0], made[2]) and not torch.equal(made[0], made[1])


def test_a_finished_training_is_taken_up_at_once_but_not_for_the_other_class(trained):
    generator, folder = trained
    again = train_pixel_da(halves(), 0, TINY, folder, precision="float32", device="cpu")
    for one, other in zip(generator.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(UsageError, match="holds another run"):
        train_pixel_da(halves(), 1, TINY, folder, precision="float32", device="cpu")


def test_images_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(UsageError, match="two classes, got 40"):
        train_pixel_da(halves()[:1], 0, TINY, tmp_path / "run")


def test_content_is_kept_up_to_one_amount_for_all_pixels():
    images, made = torch.rand(2, 3, 1, 4, 4)
    apart = (made - images).flatten(1)
    pairs = (apart[:, :, None] - apart[:, None, :]).square().mean((1, 2)) / 2  # over all pairs of pixels, by its name
    assert _unlike(made, images) == pytest.approx(float(pairs.mean()), rel=1e-5)
    assert _unlike(images + 0.2, images) == pytest.approx(0, abs=1e-6)
