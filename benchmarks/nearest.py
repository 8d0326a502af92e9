"""The training image nearest to each given one: a projection on all that was ever seen, and an honest ceiling for any.

A generator makes no more of its classes than it learnt from those images. Where an attacked image lies nearer to one of
another class, a projection that fits well must land there; what it gets right above this, it owes to its bias.
"""

import torch
from torch import Tensor

from lineament.datasets.labelled import Labelled, floats

CHUNK = 10_000
"""Training images compared at once: 30 MB of digits."""


def nearest(train: Labelled, images: Tensor) -> Tensor:
    """The classes ``(n,)`` of the training images nearest in the Euclidean norm to ``images`` ``(n, ...)``."""
    given = images.flatten(1)
    least = torch.full((len(given),), torch.inf, device=given.device)
    labels = torch.zeros(len(given), dtype=torch.int64, device=given.device)
    for part, classes in zip(torch.split(train.images, CHUNK), torch.split(train.labels, CHUNK), strict=True):
        known, classes = floats(part).flatten(1).to(given.device), classes.to(given.device)
        # the squared distance, less what is the same for all training images
        distance, index = (known.square().sum(1) - 2 * given @ known.T).min(1)
        better = distance < least
        least, labels = torch.where(better, distance, least), torch.where(better, classes[index], labels)
    return labels
