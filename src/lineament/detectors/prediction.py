"""Run a detector over many images: batches, one pass, probabilities as an array."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lineament.datasets.base import AttributeDataset
from lineament.detectors.detector import Detector
from lineament.images import to_batch

__all__ = ["log_odds", "sigmoid"]


@torch.inference_mode()
def log_odds(
    detector: Detector,
    dataset: AttributeDataset,
    memory: NDArray[np.uint8] | None = None,
    *,
    batch: int = 128,
    progress: bool = False,
) -> NDArray[np.float32]:
    """Calibrated log-odds ``(n, attributes)`` of every image of a set, in the detector's attribute order.

    Args:
        detector: any.
        dataset: its eye positions are used where it has them.
        memory: ``(n, height, width, channels)`` uint8, decoded beforehand (`datasets.pixels`); None reads the files.
        batch: images at a time.
        progress: whether to show a bar on standard error.
    """
    device = detector.head.weight.device
    found = []
    chunks: Sequence[NDArray[np.int64]] = np.array_split(np.arange(len(dataset)), max(1, -(-len(dataset) // batch)))
    for chunk in track(chunks, "predicting", console=Console(stderr=True), disable=not progress, transient=True):
        images = to_batch(memory[chunk]) if memory is not None else dataset.images(chunk)
        images = images.expand(-1, 3, -1, -1).to(device)
        eyes = None if dataset.eyes is None else torch.from_numpy(np.ascontiguousarray(dataset.eyes[chunk])).to(device)
        found.append(detector(images, eyes).cpu().numpy())
    return np.concatenate(found)


def sigmoid(log_odds: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds to probabilities, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds.astype(np.float64) / 2)))
