"""One suite over every registered preset: an untrained detector of each must already keep the detector's promises."""

import numpy as np
import pytest
import torch

from lineament.classifier import from_module
from lineament.detectors.detector import Detector, build_network, load
from lineament.detectors.heads import Head
from lineament.detectors.presets import PRESETS
from lineament.errors import UsageError

ATTRIBUTES = ("Eyeglasses", "Smiling", "Wearing_Hat", "Male")


@pytest.fixture(params=PRESETS, scope="module")
def detector(request) -> Detector:
    torch.manual_seed(0)
    config = PRESETS[request.param](ATTRIBUTES)
    widths = [part.embedding for part in config.parts]
    carried = np.concatenate(
        [np.outer([name in part.attributes for name in config.attributes], np.ones(width))
         for part, width in zip(config.parts, widths, strict=True)], 1
    )  # fmt: skip
    weight = np.random.default_rng(0).normal(size=carried.shape) * carried
    return Detector(
        config.parts,
        {part.name: build_network(part) for part in config.parts},
        Head(weight.astype(np.float32), np.zeros(len(config.attributes), np.float32)),
        attributes=config.attributes,
        thresholds=np.full(len(config.attributes), 0.5, np.float32),
        eyes=np.array([[0.386, 0.44], [0.61, 0.44]], np.float32),
        shape=(64, 64),
        mirror=config.mirror,
    )


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_it_answers_for_every_attribute(detector, images):
    assert set(detector.attributes) == set(ATTRIBUTES)
    log_odds, probabilities = detector(images), detector.probabilities(images)
    assert log_odds.shape == probabilities.shape == (2, 4)
    assert torch.allclose(log_odds.sigmoid(), probabilities)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_an_answer_does_not_depend_on_its_batch(detector, images):
    alone = torch.cat([detector(image[None]) for image in images])
    assert torch.allclose(detector(images), alone, atol=1e-4)


def test_asking_changes_nothing(detector, images):
    before, copy = {k: v.clone() for k, v in detector.state_dict().items()}, images.clone()
    assert not detector.training
    from_module(detector)(images)
    detector(images)
    assert torch.equal(images, copy)
    assert not detector.training
    assert all(torch.equal(before[key], value) for key, value in detector.state_dict().items())
    assert not any(weight.requires_grad for weight in detector.parameters())


def test_it_comes_back_from_its_artifact(detector, images, tmp_path):
    detector.save(tmp_path / "artifact", data="none", licence="none")
    again = load(tmp_path / "artifact")
    assert torch.equal(again(images), detector(images))
    assert (again.attributes, again.parts, again.mirror) == (detector.attributes, detector.parts, detector.mirror)


def test_each_attribute_alone_is_what_it_is_among_all(detector, images):
    whole = detector(images)
    for name in ATTRIBUTES:
        part = detector.only(name)
        assert torch.allclose(part(images)[:, 0], whole[:, detector.attributes.index(name)], atol=1e-4)
        assert all(name in kept.attributes for kept in part.parts)


@pytest.mark.parametrize("bad", [torch.zeros(1, 1, 64, 64), torch.zeros(3, 64, 64), torch.full((1, 3, 64, 64), 2.0)])
def test_anything_but_colour_images_is_refused(detector, bad):
    with pytest.raises(UsageError, match="images"):
        detector(bad)
