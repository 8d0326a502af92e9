"""Batches of a data set as detectors take them: images, where their eyes are, labels in the detector's order."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.images import to_batch

__all__ = ["FRAMED", "Images", "names_sha256"]

FRAMED = np.array([[0.38, 0.45], [0.62, 0.45]], dtype=np.float32)
"""Where a detector takes the eyes to be if nobody knows: about where loose head crops have them."""


class Images:
    """Batches of a data set on the device: images, eye positions and labels in the detector's attribute order."""

    def __init__(
        self,
        dataset: AttributeDataset,
        attributes: Sequence[str],
        memory: NDArray[np.uint8],
        train: NDArray[np.int64],
    ) -> None:
        self.memory, self.device = memory, torch.device("cpu")
        self.labels = np.stack([dataset.column(name) for name in attributes], 1)
        self.eyes = dataset.eyes if dataset.eyes is not None else np.broadcast_to(FRAMED, (len(dataset), 2, 2))
        self.nominal = np.median(self.eyes[train], axis=0).astype(np.float32)
        self.shape = (memory.shape[1], memory.shape[2])

    def facts(self, dataset: AttributeDataset) -> dict[str, Any]:
        """What tells these images and labels apart from any others, for the run's folder."""
        digest = sha256("\n".join(dataset.names).encode("utf-8", "surrogatepass"))
        for array in (self.labels, dataset.split, self.eyes, self.memory[0], self.memory[-1]):
            digest.update(np.ascontiguousarray(array).tobytes())
        return {"name": dataset.name, "images": len(dataset), "shape": self.shape, "sha256": digest.hexdigest()}

    def batch(self, index: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Images ``(batch, 3, height, width)``, eyes ``(batch, 2, 2)``, labels ``(batch, attributes)``."""
        images = to_batch(self.memory[index]).to(self.device)
        images = images.expand(-1, 3, -1, -1)  # grey images become three equal channels
        eyes = torch.from_numpy(np.ascontiguousarray(self.eyes[index])).to(self.device)
        return images, eyes, torch.from_numpy(self.labels[index]).to(self.device)


def names_sha256(names: Sequence[str]) -> str:
    """The hash by which a card remembers which images a detector was trained on, whatever their order."""
    return sha256("\n".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()
