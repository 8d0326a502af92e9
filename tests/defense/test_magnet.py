"""MagNet on bars: what noise it takes away, what its detectors see, and that few clean images are flagged."""

import math

import pytest
import torch
from torch import Tensor

from lineament.classifier import from_function
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.autoencoder import AutoEncoder, train_autoencoder
from lineament.defense.classifiers import train_classifier
from lineament.defense.magnet import TEMPERATURES, MagNet, magnet, reformer
from lineament.errors import UsageError
from lineament.purifier import Purifier
from tests.explanation.toy import bars

TRAIN, CLEAN, DEVELOPMENT = bars(512, size=8), *(floats(bars(n, size=8, seed=n)) for n in (400, 600))


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> AutoEncoder:
    folder = tmp_path_factory.mktemp("autoencoder")
    return train_autoencoder(TRAIN, folder, epochs=20, width=8, precision="float32", seed=1)


@pytest.fixture(scope="module")
def defence(autoencoder: AutoEncoder, tmp_path_factory: pytest.TempPathFactory) -> MagNet:
    part = Labelled(TRAIN, torch.arange(512) % 2)
    classifier = train_classifier(part, 2, tmp_path_factory.mktemp("classifier"), architecture="D", epochs=5)
    return magnet(classifier, autoencoder, DEVELOPMENT, rate=0.06)


def noisy(images: Tensor, amount: float) -> Tensor:
    drawn = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + amount * (2 * drawn - 1)).clamp(0, 1)


def test_the_reformer_takes_noise_away(autoencoder: AutoEncoder) -> None:
    purifier = reformer(autoencoder)
    spoilt = noisy(CLEAN, 0.3)
    before, after = ((images - CLEAN).square().mean() for images in (spoilt, purifier(spoilt)))
    assert after < before / 2
    assert purifier.name == "MagNet" and "exact" in purifier.routes


def test_attacked_images_are_flagged_and_few_clean_ones(defence: MagNet) -> None:
    assert list(defence.thresholds) == ["error", "divergence 10", "divergence 40"]
    assert 0 < defence.flagged(DEVELOPMENT).double().mean() <= 0.06
    assert defence.flagged(CLEAN).double().mean() < 0.12
    assert defence.flagged(noisy(CLEAN, 0.5)).double().mean() > 0.9
    assert (defence.defended(CLEAN).argmax(1) == torch.arange(400) % 2).double().mean() > 0.9


def test_scores_are_those_of_the_definition() -> None:
    """Two classes, logits (0, 8 x first pixel); the reformer darkens by half. Against the formula, written out."""
    logits = lambda images: torch.stack([torch.zeros(len(images)), 8 * images[:, 0, 0, 0]], 1)  # noqa: E731
    darkened = Purifier("darkened", lambda images, seed: images / 2)
    scores = MagNet(from_function(logits), darkened).scores(torch.tensor([[[[0.8, 0.0]]]]))
    assert scores["error"].tolist() == pytest.approx([0.4**2 / 2])
    for temperature in TEMPERATURES:
        p, q = (1 / (1 + math.exp(-8 * value / temperature)) for value in (0.8, 0.4))
        m = (p + q) / 2
        parts = ((p, m), (1 - p, 1 - m), (q, m), (1 - q, 1 - m))
        divergence = sum(x * math.log2(x / y) for x, y in parts) / 2
        assert scores[f"divergence {temperature:g}"].tolist() == pytest.approx([divergence], abs=1e-9)


def test_any_detector_above_its_threshold_flags() -> None:
    nothing = Purifier("darkened", lambda images, seed: images / 2)
    classifier = from_function(lambda images: images.flatten(1))
    images = torch.tensor([[[[0.8, 0.0]]], [[[0.2, 0.2]]]])
    scores = MagNet(classifier, nothing).scores(images)
    for name, values in scores.items():
        limits = dict.fromkeys(scores, 1.0) | {name: float(values.mean())}
        assert MagNet(classifier, nothing, limits).flagged(images).tolist() == (values > values.mean()).tolist()


def test_nothing_is_flagged_before_thresholds_are_chosen() -> None:
    bare = MagNet(from_function(lambda images: images.flatten(1)), Purifier("nothing", lambda images, seed: images))
    with pytest.raises(UsageError, match=r"thresholds: MagNet has none yet; choose them .* with magnet\(\.\.\.\)"):
        bare.flagged(torch.rand(2, 1, 1, 2))


def test_a_rate_out_of_range_and_too_few_images_are_refused(autoencoder: AutoEncoder) -> None:
    classifier = from_function(lambda images: images.flatten(1))
    with pytest.raises(UsageError, match=r"between 0 and 1, such as 0\.01, got 1"):
        magnet(classifier, autoencoder, CLEAN, rate=1)
    with pytest.raises(UsageError, match="at least"):
        magnet(classifier, autoencoder, CLEAN[:20], rate=0.01)
