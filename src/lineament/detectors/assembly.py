"""From trained networks to a detector: a head over their embeddings, its calibration, its thresholds."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lineament.detectors.batches import Images
from lineament.detectors.detector import Detector
from lineament.detectors.evaluation import thresholds
from lineament.detectors.heads import Head, calibrated, svm_head
from lineament.detectors.prediction import sigmoid
from lineament.detectors.presets import DetectorConfig

__all__ = ["embeddings", "finished", "mean_accuracy", "own_head", "uncalibrated"]


def uncalibrated(networks: nn.ModuleDict, config: DetectorConfig, data: Images, *, mirror: bool = False) -> Detector:
    """The networks as a detector with their own last layers for a head, uncalibrated."""
    return Detector(
        config.parts,
        dict(networks.items()),
        own_head(networks, config),
        attributes=config.attributes,
        thresholds=np.full(len(config.attributes), 0.5, np.float32),
        eyes=data.nominal,
        shape=data.shape,
        mirror=mirror,
    ).to(data.device)


@torch.inference_mode()
def embeddings(detector: Detector, data: Images, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """The concatenated embeddings ``(n, embedding)`` of the images at ``index``."""
    found = []
    for chunk in np.array_split(index, max(1, len(index) // 128)):
        images, eyes, _ = data.batch(chunk)
        found.append(detector.embeddings(images, eyes).cpu().numpy())
    return np.concatenate(found)


def mean_accuracy(scores: NDArray[np.float64], labels: NDArray[np.int8], cuts: NDArray[np.float64]) -> float:
    """Mean over attributes of the accuracy at these thresholds, on known labels."""
    known = labels >= 0
    right = ((scores >= cuts) == labels) & known
    return float((right.sum(0) / np.maximum(known.sum(0), 1)).mean())


def finished(
    networks: nn.ModuleDict,
    config: DetectorConfig,
    data: Images,
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    jobs: int,
) -> tuple[Detector, float]:
    """The detector, calibrated and with thresholds from development, and its accuracy on these same people.

    All in float32, as it will be used: the head is the networks' own or SVMs.
    """
    detector = uncalibrated(networks, config, data, mirror=config.mirror)
    train, development = parts
    second, labels = embeddings(detector, data, development), data.labels[development]
    head = own_head(networks, config)
    if config.head == "svm":
        first = embeddings(detector, data, train)
        head = svm_head((first, data.labels[train]), (second, labels), _carried(config), jobs=jobs)
    head = calibrated(head, second, labels)
    scores = sigmoid(head(second))
    cuts = thresholds(scores, labels, "mixed")
    return detector.with_head(head, cuts).cpu(), mean_accuracy(scores, labels, cuts)


def _carried(config: DetectorConfig) -> NDArray[np.bool_]:
    """``(attributes, embedding)``: which embedding units belong to parts that carry the attribute."""
    blocks = [
        np.outer([name in part.attributes for name in config.attributes], np.ones(part.embedding))
        for part in config.parts
    ]
    return np.concatenate(blocks, 1).astype(bool)


def own_head(networks: nn.ModuleDict, config: DetectorConfig) -> Head:
    """The networks' own last layers as one head whose log-odds are the mean over the parts that carry an attribute."""
    carriers = np.array([sum(name in part.attributes for part in config.parts) for name in config.attributes])
    weights, bias = [], np.zeros(len(config.attributes), np.float32)
    for part in config.parts:
        rows = [config.attributes.index(name) for name in part.attributes]
        layer = networks.get_submodule(f"{part.name}.logits")
        assert isinstance(layer, nn.Linear)
        own = layer.weight.detach().cpu().numpy()
        if part.architecture != "residual":  # two logits an attribute, absent and present
            own = own[1::2] - own[0::2]
        block = np.zeros((len(config.attributes), own.shape[1]), np.float32)
        block[rows] = own / carriers[rows, None]
        weights.append(block)
        if layer.bias is not None:
            bias[rows] += layer.bias.detach().cpu().numpy() / carriers[rows]
    return Head(np.concatenate(weights, 1), bias)
