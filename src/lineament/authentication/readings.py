"""A reading: what one detector says of one aligned face, a vector of log-odds."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.errors import JobError, UsageError
from lineament.images import to_batch
from lineament.subject import AttributeDetector

__all__ = ["LIMIT", "as_log_odds", "model_of", "read", "read_all"]

LIMIT = 1e-4
"""Probabilities count as at least this far from 0 and 1: how sure a detector is beyond that tells nothing of a face."""


BATCH = 64
"""Images that are read at a time."""


def as_log_odds(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities as log-odds, float64 in [-9.21, 9.21]; NaN stays NaN."""
    return np.asarray(logit(np.clip(probabilities.astype(np.float64), LIMIT, 1 - LIMIT)))


@torch.inference_mode()
def read(
    detector: AttributeDetector, image: NDArray[np.uint8], eyes: NDArray[np.floating] | None
) -> NDArray[np.float64]:
    """The reading ``(attributes,)`` of one face ``(height, width, 3)`` uint8 in the detector's frame.

    Args:
        detector: any.
        image: RGB, aligned.
        eyes: ``(2, 2)`` eye centres in fractions of width and height; None where the image is framed as in training.

    Raises:
        JobError: the detector's answer is no probability (outside [0, 1], or NaN).
    """
    places = None if eyes is None else torch.from_numpy(np.asarray(eyes, dtype=np.float32)[None])
    reading: NDArray[np.float64] = _answer(detector, to_batch(image[None]), places)[0]
    return reading


@torch.inference_mode()
def read_all(
    detector: AttributeDetector, dataset: AttributeDataset, progress: Callable[[float], None] | None = None
) -> NDArray[np.float64]:
    """The readings ``(n, attributes)`` of all images of a set, which share one size; ``progress`` hears the share done.

    Raises:
        JobError: an image cannot be read, or an answer is no probability.
    """
    found = []
    for chunk in np.array_split(np.arange(len(dataset)), max(1, -(-len(dataset) // BATCH))):
        images = dataset.images(chunk)
        places = None if dataset.eyes is None else torch.from_numpy(np.ascontiguousarray(dataset.eyes[chunk]))
        found.append(_answer(detector, images.expand(-1, 3, -1, -1), places))
        if progress is not None:
            progress((chunk[-1] + 1) / len(dataset))
    return np.concatenate(found)


def _answer(detector: AttributeDetector, images: Tensor, eyes: Tensor | None) -> NDArray[np.float64]:
    answer: NDArray[np.float64] = detector.probabilities(images, eyes).double().cpu().numpy()
    if not (answer.min() >= 0 and answer.max() <= 1):  # written so that NaN fails too
        raise JobError("the detector gave numbers outside [0, 1], or NaN, as probabilities")
    return as_log_odds(answer)


def model_of(detector: AttributeDetector) -> str:
    """The sha256 that names a detector's artifact, weights and thresholds alike; ``UsageError`` if it was never saved.

    A detector `only` of some attributes still bears its whole artifact's name: templates list their attributes.
    """
    digest = detector.card.get("card_sha256")
    if not isinstance(digest, str):
        raise UsageError("detector: has no artifact, so no template can name it; save it and load it from there")
    return digest
