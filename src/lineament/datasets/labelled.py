"""Images of known class in memory, as bytes: what small models of whole data sets are trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.errors import UsageError

__all__ = ["Labelled", "floats", "stored"]


@dataclass(frozen=True)
class Labelled:
    """Images of known class.

    Attributes:
        images: ``(n, channels, height, width)`` uint8; `floats` makes an image batch of them.
        labels: ``(n,)`` int64, the true class.
    """

    images: UInt8[Tensor, "n channels height width"]
    labels: Int64[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, label: int) -> UInt8[Tensor, "chosen channels height width"]:
        """The images of one class."""
        return self.images[self.labels == label]


def stored(dataset: AttributeDataset, index: NDArray[np.integer]) -> UInt8[Tensor, "n channels height width"]:
    """The images at ``index`` as bytes, decoded once; they must share one size."""
    pixels = [dataset.read(int(i)) for i in index]
    if sizes := {image.shape for image in pixels} - {pixels[0].shape} if pixels else set():
        raise UsageError(
            f"{dataset.name}: images differ in size ({pixels[0].shape} and {sizes.pop()}); bring them to one size first"
        )
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()


def floats(images: UInt8[Tensor, "n channels height width"]) -> Float32[Tensor, "n channels height width"]:
    """Bytes as an image batch, values in [0, 1]."""
    return images.float().div_(255)
