"""A small real subject: coloured squares of people with attributes one can see, and a detector."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from lineament.datasets.base import AttributeDataset, split_by_identity
from lineament.subject import Subject

HOSTILE = "<script>alert('name')</script>.png"
ATTRIBUTES = ("Red", "Bright_Sky", "Smiling", "<b>Hat</b>_$x^2$")


def squares(people: int = 60, images: int = 10, size: int = 24, seed: int = 0) -> AttributeDataset:
    """Each person has a tint and a favourite set of attributes; the last attribute cannot be seen where Red is."""
    draw = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    habit = draw.random((people, len(ATTRIBUTES))) < 0.5
    labels = (habit[identity] ^ (draw.random((len(identity), len(ATTRIBUTES))) < 0.1)).astype(np.int8)
    tint = draw.integers(60, 120, (people, 3))
    noise = draw.integers(0, 30, (len(identity), size, size, 3))

    def read(i: int) -> np.ndarray:
        pixels = tint[identity[i]] + noise[i]
        red, sky, smile, hat = labels[i]
        pixels[:12, :12, 0] += 90 * red
        pixels[:12, 12:, 2] += 90 * sky
        pixels[12:, :12, 1] += 90 * smile
        pixels[12:, 12:, :] += 90 * hat * (1 - red)
        return pixels.astype(np.uint8)

    labels_known = labels.copy()
    labels_known[draw.random(labels.shape) < 0.02] = -1
    names = [HOSTILE if i == 0 else f"{i:05}.png" for i in range(len(identity))]
    split = split_by_identity(identity, fractions=(0.4, 0.3, 0.3))
    session = np.array([f"day {i % 2}" for i in range(len(identity))])
    return AttributeDataset("squares", read, names, ATTRIBUTES, labels_known, identity, session, split, "made up here")


class Thumbnails:
    """Logistic regression on 8x8 thumbnails: a detector as plain as one can be."""

    def __init__(self, dataset: AttributeDataset, attributes: tuple[str, ...] = ATTRIBUTES) -> None:
        self.attributes, self.thresholds = attributes, np.full(len(attributes), 0.5, np.float32)
        self.card = {"kind": "detector", "data": "squares", "licence": "made up here"}
        self.batches = 0
        train = dataset.part("train")
        pixels = self._features(train.images(np.arange(len(train)))).numpy()
        self.models = []
        for name in attributes:
            label = train.column(name)
            self.models.append(LogisticRegression(C=0.1, max_iter=200).fit(pixels[label >= 0], label[label >= 0]))

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool2d(images, 8).flatten(1)

    def probabilities(self, images: torch.Tensor, eyes: torch.Tensor | None = None) -> torch.Tensor:
        self.batches += 1
        pixels = self._features(images).numpy()
        return torch.from_numpy(np.stack([model.predict_proba(pixels)[:, 1] for model in self.models], 1))


def subject(quick: bool = True) -> Subject:
    dataset = squares()
    return Subject(dataset, Thumbnails(dataset), seed=0, quick=quick)
