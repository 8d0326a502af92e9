"""HiSD translates what was changed and nothing else, takes styles of references, and goes on after a kill."""

from dataclasses import replace

import pytest
import torch

from lineament.datasets.labelled import floats
from lineament.editing import hisd as module
from lineament.editing.hisd import Hisd, HisdConfig, discriminants, train_hisd
from lineament.editing.hisd_networks import NOISE, Discriminator, Translator, mapper
from lineament.errors import JobError, UsageError
from tests.editing.bands import BANDS, bands
from tests.editing.resuming import killed, taken_up

TINY = HisdConfig(width=8, features=8, code=2, steps=100, batch=8, learning_rate=3e-3, rebuilt=10.0, averaging=0.9)


def train(folder, config=TINY, seed=0):
    images, labels, _ = bands(300, seed)
    return train_hisd(images, labels, bands(60, 1)[:2], BANDS, config, folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hisd")
    return train(folder), folder


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return Hisd(BANDS, 32, TINY)


def pictures(count=6):
    return floats(bands(count, 2)[0])


def test_images_are_drawn_again(trained):
    images = pictures(60)
    codes = trained[0].encode(images)
    grey = images.mean((0, 2, 3), keepdim=True).expand_as(images)
    assert (trained[0].decode(codes) - images).abs().mean() < 0.5 * (grey - images).abs().mean()
    assert trained[0].card["metrics"]["reconstruction_l1"] < 0.15


def test_only_what_was_changed_is_translated(untrained):
    codes = untrained.encode(pictures())
    plain = untrained.decode(codes)
    a = codes.a.clone()
    a[2, 1] += 1
    drawn = untrained.decode(codes._replace(a=a))
    moved = (drawn - plain).abs().amax((1, 2, 3)) > 0
    assert moved.tolist() == [False, False, True, False, False, False]
    a[2, 1] = codes.a[2, 1]
    assert torch.equal(untrained.decode(codes._replace(a=a)), plain)


def test_a_translation_is_that_of_its_own_attribute(untrained):
    codes = untrained.encode(pictures())
    for i, other in ((0, 1), (1, 0)):
        a = codes.a.clone()
        a[:, i] += 1
        features = codes.z[:, : 8 * 8 * 8].view(-1, 8, 8, 8)
        expected = untrained.generator(untrained.translators[i](features, a[:, i]))
        assert torch.allclose(untrained.decode(codes._replace(a=a)), expected, atol=1e-6)
        assert not torch.allclose(untrained.generator(untrained.translators[other](features, a[:, i])), expected)


def test_a_shut_mask_leaves_features_alone_and_an_open_one_hears_the_style():
    torch.manual_seed(0)
    translator, features = Translator(4, 3), torch.rand(2, 4, 8, 8)
    one, other = translator(features, torch.zeros(2, 3)), translator(features, torch.ones(2, 3))
    assert not torch.allclose(one, other)
    with torch.no_grad():
        translator.mask.weight.zero_(), translator.mask.bias.fill_(-100)
    assert torch.equal(translator(features, torch.ones(2, 3)), features)


def test_draws_differ_between_classes_and_with_noise_and_spread(untrained):
    def drawn(c, scale=1.0, seed=0):
        return untrained.draw(0, c, 50, scale, torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(1), drawn(1)) and not torch.allclose(drawn(1), drawn(1, seed=1))
    assert not torch.allclose(drawn(1), drawn(0))
    assert drawn(1).std(0).min() > 0.1 and drawn(1, 0.01).std(0).max() < 0.1 * drawn(1).std(0).min()
    assert torch.allclose(drawn(1, 1e-6), untrained.usual(0, 1).expand(50, -1), atol=1e-4)


def test_a_mapper_starts_with_styles_that_differ():
    torch.manual_seed(0)
    assert mapper(4)(torch.randn(200, NOISE)).std(0).min() > 0.3


def test_a_discriminator_sees_image_style_and_attribute():
    torch.manual_seed(0)
    judge, images, styles = Discriminator(32, 2, 8, 3), torch.rand(2, 3, 32, 32), torch.rand(2, 2, 3)
    both = judge(images, styles, range(2))
    assert both.shape == (2, 2, 2)
    assert torch.allclose(judge(images, styles[:, 1:], [1])[:, 0], both[:, 1], atol=1e-6)
    for other in (
        judge(images, styles, [1, 0]),
        judge(images.flip(0), styles, [0, 1]),
        judge(images, styles.flip(0), [0, 1]),
    ):
        assert not torch.allclose(other, both)


def test_discriminants_are_the_log_odds_of_two_normal_classes():
    generator = torch.Generator().manual_seed(0)
    means = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    labels = torch.randint(0, 2, (20_000, 1), generator=generator).to(torch.int8)
    spread = torch.tensor([[1.0, 0.0], [0.5, 0.7]])
    styles = means[labels[:, 0].long()] + torch.randn(20_000, 2, generator=generator) @ spread.T
    plane = discriminants(styles[:, None], labels)[0]
    normal = [torch.distributions.MultivariateNormal(mean, scale_tril=spread) for mean in means]
    x = torch.randn(50, 2, generator=generator)
    odds = normal[1].log_prob(x) - normal[0].log_prob(x)
    assert torch.allclose(x @ plane[:2] + plane[2], odds, atol=0.4)


def test_an_unknown_label_tells_discriminants_nothing():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (50, 2), generator=generator).to(torch.int8)
    styles = torch.randn(50, 2, 3, generator=generator)
    more, unknown = torch.cat([styles, 9 + styles[:5]]), torch.cat([labels, torch.full((5, 2), -1, dtype=torch.int8)])
    assert torch.equal(discriminants(more, unknown), discriminants(styles, labels))


def test_a_finished_training_is_taken_up_at_once(trained):
    taken_up(train, *trained)


def test_a_killed_training_ends_with_the_same_weights(tmp_path, monkeypatch):
    resumed = killed(train, replace(TINY, steps=6), module, tmp_path, monkeypatch)
    assert isinstance(resumed, Hisd)


def test_a_run_is_not_taken_up_with_other_images(trained):
    with pytest.raises(UsageError, match="holds another run"):
        train(trained[1], seed=5)


def test_material_that_does_not_do_is_refused_before_anything_is_written(tmp_path):
    images, labels, _ = bands(20)
    arguments = (images[:0], labels[:0]), BANDS, TINY, tmp_path / "run"
    with pytest.raises(UsageError, match="a row for each of 10 images"):
        train_hisd(images[:10], labels, *arguments)
    with pytest.raises(JobError, match="no image with Bottom"):
        train_hisd(images, torch.zeros_like(labels), *arguments)
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverged_is_told(tmp_path):
    with pytest.raises(JobError, match="diverged"):
        train(tmp_path, replace(TINY, learning_rate=1e9, steps=4))
