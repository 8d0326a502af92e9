"""The small classifiers of chapter 4's experiments: the explained one, the oracles, and what KID and FID look through.

Three architectures, so that an oracle can be of another kind than what it judges: a convolutional network, a residual
one, and a perceptron. Trained on a few hundred to some ten thousand images of 28 to 64 px, they take seconds.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad, relu

from lineament.classifier import AdaptedClassifier, from_module
from lineament.datasets.labelled import Labelled, floats
from lineament.errors import UsageError

__all__ = ["Architecture", "accuracy", "build", "features", "shifted", "train_small"]

Architecture = Literal["convolutional", "residual", "perceptron"]
BATCH = 64


class _Residual(nn.Module):
    """Two convolutions around which the input, brought to their shape, passes unchanged."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.around = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        hidden = relu(self.norms[0](self.first(images)))
        return relu(self.norms[1](self.second(hidden)) + self.around(images))


def build(architecture: Architecture, shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """An untrained network for images of ``shape`` (channels, height, width); its last layer gives the logits."""
    channels, height, width = shape
    if architecture == "convolutional":
        body = [
            nn.Conv2d(channels, 32, 5, 2, 2), nn.ReLU(), nn.Conv2d(32, 64, 5, 2, 2), nn.ReLU(), nn.Flatten(),
            nn.Linear(64 * -(-height // 4) * -(-width // 4), 128), nn.ReLU(), nn.Dropout(0.5),
        ]  # fmt: skip
        return nn.Sequential(*body, nn.Linear(128, classes))
    if architecture == "residual":
        blocks = [_Residual(channels, 16, 1), _Residual(16, 32, 2), _Residual(32, 64, 2)]
        return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
    if architecture == "perceptron":
        layers = [nn.Flatten(), nn.Linear(channels * height * width, 256), nn.ReLU(), nn.Dropout(0.5)]
        return nn.Sequential(*layers, nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, classes))
    raise UsageError(f"architecture: expected convolutional, residual or perceptron, got {architecture!r}")


def train_small(
    part: Labelled,
    classes: int,
    *,
    architecture: Architecture = "convolutional",
    seed: int = 0,
    epochs: int | None = None,
) -> AdaptedClassifier:
    """Train a small classifier from scratch: AdamW, a falling rate, images moved by up to two pixels.

    Args:
        part: what it learns from.
        classes: how many logits it gives.
        architecture: one of the three.
        seed: of weights, batches and shifts; the caller's generator is left as it was.
        epochs: None for about 600 steps, at least three epochs.

    Returns:
        Image batch to logits ``(batch, classes)``.
    """
    if not len(part):
        raise UsageError("part: expected images to learn from, got none")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels, height, width = part.images.shape[1:]
        network = build(architecture, (channels, height, width), classes)
        batches = -(-len(part) // BATCH)
        steps = batches * (epochs or max(3, round(600 / batches)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
        for step in range(steps):
            if step % batches == 0:
                order = torch.randperm(len(part))
            index = order[step % batches * BATCH :][:BATCH]
            if len(index) < 2:  # batch normalisation needs more than one image
                index = order[:BATCH] if len(order) > 1 else order.repeat(2)
            loss = cross_entropy(network(shifted(floats(part.images[index]), 2)), part.labels[index])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return from_module(network)


@torch.no_grad()
def accuracy(classifier: AdaptedClassifier, part: Labelled) -> float:
    """The share of images whose greatest logit is that of their label."""
    return float((classifier(floats(part.images)).argmax(1) == part.labels).double().mean())


@torch.no_grad()
def features(classifier: AdaptedClassifier, images: Float32[Tensor, "n channels height width"]) -> Tensor:
    """The inputs of its last layer ``(n, d)``: the feature space in which KID and FID of small images are measured."""
    if not isinstance(classifier.module, nn.Sequential):
        raise UsageError(f"{classifier.name}: expected one of train_small")
    body = classifier.module[:-1]
    return torch.cat([body(part) for part in torch.split(images, classifier.batch_size)])


def shifted(
    images: Float32[Tensor, "n channels height width"], most: int
) -> Float32[Tensor, "n channels height width"]:
    """The whole batch moved by up to ``most`` pixels each way at random; what comes in at an edge repeats the edge."""
    down, right = (int(value) for value in np.asarray(torch.randint(0, 2 * most + 1, (2,))))
    height, width = images.shape[2:]
    return pad(images, (most,) * 4, mode="replicate")[:, :, down : down + height, right : right + width]
