"""The models that come with the package: they load, know what they are, and do on real images what their cards say."""

import pytest
import torch

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.datasets.registry import open_dataset
from lineament.defense.architectures import ARCHITECTURES
from lineament.defense.classifiers import accuracy, load_classifier
from lineament.defense.defense_gan import defense_gan
from lineament.defense.encoder import load_encoder
from lineament.defense.flagging import calibrated
from lineament.defense.generator import load
from lineament.defense.pictures import labelled, truth
from lineament.defense.shields import shield
from lineament.defense.shipped import shipped
from tests.data_root import data_root

SETS = ("mnist", "fashion_mnist")


@pytest.mark.parametrize("data", SETS)
def test_every_model_names_its_data_and_licence(data: str) -> None:
    places = [shipped(data, what) for what in ("generator", "encoder", *(f"classifiers/{x}" for x in ARCHITECTURES))]
    cards = [artifacts.read_card(place) for place in places]
    assert all(card["data"] == data and "MNIST" in card["licence"] and card["metrics"] for card in cards)
    assert cards[1]["generator_sha256"] == cards[0]["weights_sha256"]
    assert sum(card["weights_bytes"] for card in cards) < 12e6


@pytest.mark.parametrize("data", SETS)
def test_what_the_generator_makes_is_left_almost_as_it_is_and_noise_is_flagged(data: str) -> None:
    stands = shield(
        "defense_gan", shape=(1, 28, 28), data=data, generator=None, mode="fast", device=torch.device("cpu")
    )
    limit = calibrated(stands, 0.05)
    assert limit is not None
    generator, _ = load(shipped(data, "generator"))
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        made = generator(torch.randn(20, generator.latent, generator=drawn))
    noise = torch.rand(made.shape, generator=drawn)
    errors = [(stands.purifier(images) - images).square().mean((1, 2, 3)) for images in (made, noise)]
    assert float((errors[0] > limit).double().mean()) <= 0.1 and (errors[1] > limit).all()


@pytest.mark.parametrize("data", SETS)
def test_on_real_images_they_do_what_their_cards_say(data: str) -> None:
    dataset = open_dataset(data, data_root())
    test = labelled(dataset, "test", truth(dataset, dataset.attributes, None))
    test = type(test)(test.images[:300], test.labels[:300])
    for name in ARCHITECTURES:
        place = shipped(data, f"classifiers/{name}")
        told = artifacts.read_card(place)["metrics"]["development_accuracy"]
        assert accuracy(load_classifier(place), test) > told - 0.05, name
    generator, encoder = load(shipped(data, "generator"))[0], load_encoder(shipped(data, "encoder"))
    purify = defense_gan(generator, "fast", encoder=encoder)
    images, classifier = floats(test.images[:60]), load_classifier(shipped(data, "classifiers/F"))
    behind = (classifier(purify(images)).argmax(1) == test.labels[:60]).double().mean()
    assert behind > (0.9 if data == "mnist" else 0.65)
