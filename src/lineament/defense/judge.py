"""What generated images are judged by while a generator is trained: the features of a small classifier."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lineament.classifier import from_module
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.architectures import build, features
from lineament.errors import UsageError

__all__ = ["FEATURE_SPACE", "judge"]

FEATURE_SPACE = "last maps of classifier F (table 5.5), averaged over places, trained on the same images for 400 steps"
"""Goes with every FID and KID of a generator: a distance means nothing without its space."""

STEPS, BATCH = 400, 64

CHANNELS = 128
"""Of the last maps of classifier F."""


def judge(part: Labelled, *, seed: int = 0) -> Callable[[Tensor], Tensor]:
    """A function from an image batch to features ``(batch, n)``; see `FEATURE_SPACE`. Takes some ten seconds.

    Args:
        part: images and classes that the small classifier learns, at least two.
        seed: of its weights and batches; the caller's generator is left as it was.
    """
    classes = int(part.labels.max()) + 1 if len(part) else 0
    if classes < 2:
        raise UsageError("part: expected images of at least two classes, so that there is something to tell apart")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels, height, width = part.images.shape[1:]
        network = build("F", (channels, height, width), classes)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        for _ in range(STEPS):
            index = torch.randint(len(part), (BATCH,))
            loss = cross_entropy(network(floats(part.images[index])), part.labels[index])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    classifier = from_module(network)
    # of 28 px the last maps have one place; of more, thousands of features would make a distance of nothing but noise
    return lambda images: features(classifier, images).view(len(images), CHANNELS, -1).mean(2)
