"""The published networks to the last parameter, and what every network promises."""

import pytest
import torch

from lineament.detectors.attributes import CELEBA_ATTRIBUTES, PART_ATTRIBUTES
from lineament.detectors.networks import PartNetwork, ResidualNetwork, multiply_adds, pooled
from lineament.faces.parts import NETWORK_PARTS

# table 2.16 of the dissertation: part, width, height, parameters of Deep, parameters of Wide
PUBLISHED = [
    ("UpperHead", 128, 52, 275360, 1825664),
    ("BothEyes", 115, 41, 227936, 1447552),
    ("EyesNose", 90, 62, 244704, 1580160),
    ("Nose", 40, 56, 170400, 988032),
    ("NoseMouth", 55, 82, 232352, 1481600),
    ("Mouth", 65, 38, 164448, 939648),
    ("EyesNoseMouth", 115, 107, 441632, 3154304),
    ("MouthChin", 128, 45, 244640, 1579904),
    ("Ear", 62, 100, 256864, 1677952),
    ("Eye", 53, 39, 162400, 923264),
    ("Full", 128, 128, 584160, 4289664),
]


@pytest.mark.parametrize(("part", "width", "height", "deep", "wide"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_parameter_counts_are_the_published_ones(part, width, height, deep, wide):
    attributes = len(PART_ATTRIBUTES.get(part, CELEBA_ATTRIBUTES))
    for kind, published in (("deep", deep), ("wide", wide)):
        network = PartNetwork(kind, height, width, attributes)
        assert sum(weight.numel() for weight in network.parameters()) == published


def test_the_windows_have_the_published_sizes_and_attributes():
    assert {part: (w.width, w.height) for part, w in NETWORK_PARTS.items()} == {
        part: (width, height) for part, width, height, *_ in PUBLISHED if part != "Full"
    }
    assert {part: len(names) for part, names in PART_ATTRIBUTES.items()} == {  # table 2.13
        "Eye": 10, "BothEyes": 10, "Mouth": 10, "Nose": 7, "EyesNose": 16, "NoseMouth": 15, "EyesNoseMouth": 21,
        "UpperHead": 15, "MouthChin": 15, "Ear": 14,
    }  # fmt: skip
    carried = [name for names in PART_ATTRIBUTES.values() for name in names]
    assert len(carried) == 133
    assert set(carried) == set(CELEBA_ATTRIBUTES)
    assert len(CELEBA_ATTRIBUTES) == 40


@pytest.mark.parametrize("size", range(3, 140))
def test_pooling_arithmetic_is_what_the_layer_does(size):
    assert torch.nn.MaxPool2d(3, stride=2)(torch.zeros(1, 1, size, size)).shape[-1] == pooled(size)


def test_pooling_before_the_relu_changes_nothing():
    torch.manual_seed(0)
    network = PartNetwork("deep", 39, 53, 10).eval()
    x = torch.rand(2, 3, 39, 53)
    slow = x * 2 - 1
    for layer in network.features:  # convolution, ReLU, ..., ReLU, pooling: the published order
        if isinstance(layer, torch.nn.Conv2d):
            slow = torch.relu(layer(slow))
        elif isinstance(layer, torch.nn.MaxPool2d):
            slow = layer(slow)
    assert torch.allclose(network.features(x * 2 - 1), slow, atol=1e-6)


@pytest.mark.parametrize(
    "network", [PartNetwork("deep", 39, 53, 5), PartNetwork("wide", 39, 53, 5), ResidualNetwork(8, 5)]
)
def test_networks_give_embeddings_and_log_odds_and_learn(network):
    crops = torch.rand(4, 3, 39, 53)
    embedding, log_odds = network(crops)
    assert embedding.shape == (4, network.width)
    assert log_odds.shape == (4, 5)
    log_odds.sum().backward()
    silent = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert not silent


def test_log_odds_are_the_softmax_of_two_logits():
    torch.manual_seed(0)
    network = PartNetwork("deep", 39, 53, 5)
    embedding, log_odds = network(torch.rand(3, 3, 39, 53))
    softmax = network.logits(embedding).reshape(3, 5, 2).softmax(2)
    assert torch.allclose(log_odds.sigmoid(), softmax[:, :, 1], atol=1e-6)


def test_multiply_adds_by_hand():
    network = PartNetwork("wide", 39, 53, 10)
    # outputs of the three convolutions times their weights, then the three linear layers
    by_hand = 39 * 53 * 128 * 49 * 3 + 19 * 26 * 128 * 25 * 128 + 9 * 12 * 128 * 9 * 128
    by_hand += 128 * 4 * 5 * 128 + 128 * 128 + 128 * 20
    assert multiply_adds(network, 39, 53) == by_hand
    assert network.training  # and it left the mode alone
