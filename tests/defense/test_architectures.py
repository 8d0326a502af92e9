"""Classifiers A to F are those of table 5.5: their weights, counted by hand, and their features."""

import pytest
import torch

from lineament.classifier import from_function, from_module
from lineament.defense.architectures import ARCHITECTURES, build, features
from lineament.errors import UsageError

# Layer by layer for 28 x 28 grey images and ten classes: kernel x inputs x outputs + biases.
WIDE, HIDDEN = 5 * 5 * 64 * 64 + 64, 12 * 12 * 64 * 128 + 128
COUNTS = {
    "A": (5 * 5 * 64 + 64) + WIDE + HIDDEN + (128 * 10 + 10),
    "B": (8 * 8 * 64 + 64) + (6 * 6 * 64 * 128 + 128) + (5 * 5 * 128 * 128 + 128) + (128 * 10 + 10),
    "C": (3 * 3 * 128 + 128) + (5 * 5 * 128 * 64 + 64) + HIDDEN + (128 * 10 + 10),
    "D": (784 * 200 + 200) + (200 * 200 + 200) + (200 * 10 + 10),
}
COUNTS |= {"E": COUNTS["D"], "F": COUNTS["B"]}
DROPPED = {"A": [0.25, 0.5], "B": [0.2, 0.5], "C": [0.25, 0.5], "D": [0.5, 0.5], "E": [], "F": []}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_and_dropout_are_those_of_the_table(architecture: str) -> None:
    network = build(architecture, (1, 28, 28), 10)
    assert sum(weight.numel() for weight in network.parameters()) == COUNTS[architecture]
    assert [layer.p for layer in network if isinstance(layer, torch.nn.Dropout)] == DROPPED[architecture]
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert build(architecture, (3, 64, 48), 2)(torch.rand(2, 3, 64, 48)).shape == (2, 2)


def test_features_are_what_the_last_layer_weighs() -> None:
    classifier = from_module(build("B", (1, 28, 28), 10), batch_size=2)
    images = torch.rand(5, 1, 28, 28)
    last = classifier.module[-1]
    found = features(classifier, images)
    assert torch.allclose(found @ last.weight.T + last.bias, classifier(images), atol=1e-5)
    with pytest.raises(UsageError, match="A to F"):
        features(from_function(lambda images: images.flatten(1)), images)


def test_an_unknown_name_and_images_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown architecture 'G'"):
        build("G", (1, 28, 28), 10)
    with pytest.raises(UsageError, match="12 x 12 are too small for architecture F"):
        build("F", (1, 12, 12), 10)
