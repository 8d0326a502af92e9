"""Run a detector over a data set, or over image files whose faces may first have to be found."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import pixels, resized
from lineament.errors import JobError, UsageError
from lineament.images import is_grey, read_image, to_batch

if TYPE_CHECKING:
    from lineament.detectors.loading import AnyDetector

__all__ = ["Prediction", "decoded", "log_odds", "predict_file", "sigmoid"]


@torch.inference_mode()
def log_odds(
    detector: "AnyDetector",
    dataset: AttributeDataset,
    memory: NDArray[np.uint8],
    index: NDArray[np.int64] | None = None,
    *,
    batch: int = 128,
    progress: bool = False,
) -> NDArray[np.float32]:
    """Calibrated log-odds ``(n, attributes)`` of images of a set, in the detector's attribute order.

    Args:
        detector: any.
        dataset: its eye positions are used where it has them.
        memory: all its pixels, ``(images, height, width, channels)`` uint8; see `decoded`. Read batch by batch.
        index: ``(n,)`` which images; None for all.
        batch: images at a time.
        progress: whether to show a bar on standard error.
    """
    device = detector.device
    found = []
    index = np.arange(len(dataset)) if index is None else index
    chunks: Sequence[NDArray[np.int64]] = np.array_split(index, max(1, -(-len(index) // batch)))
    for chunk in track(chunks, "predicting", console=Console(stderr=True), disable=not progress, transient=True):
        images = to_batch(memory[chunk]).to(device).expand(-1, 3, -1, -1)
        eyes = None if dataset.eyes is None else torch.from_numpy(np.ascontiguousarray(dataset.eyes[chunk])).to(device)
        found.append(detector(images, eyes).cpu().numpy())
    return np.concatenate(found)


def decoded(dataset: AttributeDataset, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """All pixels of a set at a detector's ``shape``, decoded once and mapped into memory (`datasets.pixels`)."""
    if dataset.read(0).shape[:2] == shape:
        with suppress(UsageError):  # the first image has this size, others may not
            return pixels(dataset)
    return pixels(dataset, shape)


def sigmoid(log_odds: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds to probabilities, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds.astype(np.float64) / 2)))


@dataclass(frozen=True)
class Prediction:
    """What a detector says about one face in one file.

    Attributes:
        file: the image.
        face: its number in the image, 0 the largest.
        probabilities: attribute name to the probability that it is present.
        present: the names whose probability reaches their threshold.
        situation: what is wrong with the picture, in sentences; empty if nothing, or if no face was looked for.
    """

    file: str
    face: int
    probabilities: dict[str, float]
    present: tuple[str, ...]
    situation: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "file": self.file,
            "face": self.face,
            "present": list(self.present),
            "probabilities": self.probabilities,
            "situation": list(self.situation),
        }


@torch.inference_mode()
def predict_file(
    detector: "AnyDetector", path: str | Path, *, find_faces: bool = False, grey: bool = False
) -> list[Prediction]:
    """Read one image and return one prediction a face.

    Args:
        detector: any.
        path: an image file; ``JobError`` names it if it cannot be read.
        find_faces: look for faces and bring each into the frame that the detector was trained on (extra ``faces``;
            ``JobError`` if there is none). Without it the image counts as one face in that frame.
        grey: take a file of one channel as three equal ones; ``JobError`` otherwise, for a detector of colour images
            misreads hair, skin and lipstick in it.
    """
    image = read_image(path)
    if not grey and is_grey(path):
        raise JobError(f"{path}: is grey, and the detector was trained on colour images; --grey takes it all the same")
    situation: tuple[str, ...] = ()
    views = [resized(image, detector.shape)]
    if find_faces:
        from lineament.faces.align import Frame, align
        from lineament.faces.landmarks import find
        from lineament.faces.situation import assess

        faces = find(image)
        situation = tuple(assess(image, faces).problems.values())
        if not faces:
            raise JobError(f"{path}: {' '.join(situation)}")
        (left, right), (height, width) = detector.eyes.tolist(), detector.shape
        frame = Frame(eyes=((left[0], left[1]), (right[0], right[1])), width=width, height=height)
        views = [align(image, face.eyes, frame) for face in faces]
    predictions = []
    for number, view in enumerate(views):
        values = detector.probabilities(to_batch(view[None]).to(detector.device))[0].cpu().numpy()
        named = dict(zip(detector.attributes, (round(float(value), 4) for value in values), strict=True))
        present = tuple(np.array(detector.attributes)[values >= detector.thresholds].tolist())
        predictions.append(Prediction(str(path), number, named, present, situation))
    return predictions
