"""The chapter's small classifiers: each architecture learns, repeats itself, and gives its features."""

import pytest
import torch

from lineament.classifier import from_function
from lineament.datasets.labelled import Labelled, floats
from lineament.errors import UsageError
from lineament.explanation.small_classifiers import Architecture, accuracy, features, shifted, train_small
from tests.explanation.toy import bars

PART = Labelled(bars(120), torch.arange(120) % 2)
TEST = Labelled(bars(60, seed=1), torch.arange(60) % 2)


@pytest.mark.parametrize("architecture", ["convolutional", "residual", "perceptron"])
def test_each_architecture_tells_bars_apart_and_repeats_itself(architecture: Architecture) -> None:
    state = torch.get_rng_state()
    epochs = 30 if architecture == "residual" else 12  # batch normalisation has to settle
    first = train_small(PART, 2, architecture=architecture, seed=3, epochs=epochs)
    assert torch.equal(state, torch.get_rng_state())
    assert accuracy(first, TEST) > 0.9
    again = train_small(PART, 2, architecture=architecture, seed=3, epochs=epochs)
    assert torch.equal(first(floats(TEST.images)), again(floats(TEST.images)))


def test_features_are_what_the_last_layer_weighs() -> None:
    classifier = train_small(PART, 2, epochs=1)
    found = features(classifier, floats(TEST.images))
    last = classifier.module[-1]
    assert torch.allclose(found @ last.weight.T + last.bias, classifier(floats(TEST.images)), atol=1e-5)
    with pytest.raises(UsageError, match="train_small"):
        features(from_function(lambda images: images.flatten(1)), floats(TEST.images))


def test_shifting_moves_and_repeats_the_edge() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5) / 25
    torch.manual_seed(0)
    seen = {tuple(shifted(image, 1).flatten().tolist()) for _ in range(60)}
    assert len(seen) == 9 and tuple(image.flatten().tolist()) in seen


def test_nothing_to_learn_from_and_unknown_architectures_are_refused() -> None:
    with pytest.raises(UsageError, match="got none"):
        train_small(Labelled(PART.images[:0], PART.labels[:0]), 2)
    with pytest.raises(UsageError, match="perceptron"):
        train_small(PART, 2, architecture="forest")  # type: ignore[arg-type]
