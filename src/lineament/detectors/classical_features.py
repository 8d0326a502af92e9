"""The 216 models that compete for every attribute (section 2.3.2), and their features, computed together.

A model is a part of the face, a feature and a cell size. Codes and gradients are computed once a face, on a canvas that
holds all nine parts; a *family* is the models that share one pass over its pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament.detectors import hog, lbp
from lineament.detectors.cells import CELLS, COLOUR, GREY, cell_sums, planes, pooled
from lineament.faces.parts import CLASSICAL_PARTS, Window

__all__ = ["FAMILIES", "MODELS", "TOO_SMALL", "Family", "Model", "Pixels", "pixels", "stacked", "vectors"]

Feature = Literal["LBP", "ColorLBP", "HOG", "ColorHOG"]
FEATURES: tuple[Feature, ...] = ("LBP", "ColorLBP", "HOG", "ColorHOG")


class Model(NamedTuple):
    """One of the 216: a key of ``CLASSICAL_PARTS``, what is computed of it, the side of its cells in px."""

    part: str
    feature: Feature
    cell: int

    def __str__(self) -> str:
        return f"{self.part} {self.feature} {self.cell}"


class Family(NamedTuple):
    """Models whose cells are whole multiples of one size, of one part and one kind of feature."""

    part: str
    kind: Literal["LBP", "HOG"]
    base: int

    def __str__(self) -> str:
        return f"{self.part}-{self.kind}-{self.base}"

    @property
    def models(self) -> tuple[Model, ...]:
        """Those of `MODELS` that belong to it."""
        return tuple(model for model in MODELS if family(model) == self)


def family(model: Model) -> Family:
    """Cells of 12 and 24 px are sums of those of 6, cells of 16 and 32 of those of 8."""
    return Family(model.part, "LBP" if model.feature.endswith("LBP") else "HOG", 6 if model.cell % 3 == 0 else 8)


_ALL = [Model(part, feature, cell) for part in CLASSICAL_PARTS for feature in FEATURES for cell in CELLS]
TOO_SMALL = tuple(m for m in _ALL if min(CLASSICAL_PARTS[m.part].width, CLASSICAL_PARTS[m.part].height) < 2 * m.cell)
"""Models that do not exist: their part is smaller than two cells, so it has no block."""
MODELS = tuple(model for model in _ALL if model not in TOO_SMALL)
"""Those that do; with ``TOO_SMALL`` they are 216."""
FAMILIES = tuple(dict.fromkeys(family(model) for model in MODELS))


def _canvas() -> Window:
    """The smallest window that holds every part; all their edges lie on its pixels."""
    edges = [(w.x - w.width / 2, w.x + w.width / 2, w.y - w.height / 2, w.y + w.height / 2)
             for w in CLASSICAL_PARTS.values()]  # fmt: skip
    left, right, top, bottom = (
        extreme(side) for extreme, side in zip((min, max, min, max), zip(*edges, strict=True), strict=True)
    )
    return Window((left + right) / 2, (top + bottom) / 2, round(right - left), round(bottom - top))


CANVAS = _canvas()


@dataclass(frozen=True)
class Pixels:
    """What the features of ``n`` faces are counted from, each ``(n, 4, height, width)`` of the canvas.

    Attributes:
        patterns: LBP bins.
        orientations: HOG bins.
        magnitudes: of the gradients.
    """

    patterns: NDArray[np.uint8]
    orientations: NDArray[np.uint8]
    magnitudes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.patterns)

    def at(self, index: NDArray[Any]) -> "Pixels":
        """Those of the faces at ``index``."""
        return Pixels(self.patterns[index], self.orientations[index], self.magnitudes[index])


def pixels(images: Tensor, eyes: Tensor) -> Pixels:
    """Codes and gradients of every face, once."""
    found = planes(images, eyes, CANVAS)
    orientations, magnitudes = hog.gradients(found)
    return Pixels(lbp.codes(found).numpy(), orientations.numpy(), magnitudes.numpy())


def stacked(parts: Sequence[Pixels]) -> Pixels:
    """The pixels of several batches as one."""
    return Pixels(*(np.concatenate([getattr(part, key) for part in parts]) for key in Pixels.__annotations__))


def vectors(pixels: Pixels, models: Sequence[Model]) -> dict[Model, NDArray[np.float32]]:
    """The feature vectors ``(n, d)`` of several models of *one* family, float32."""
    (own,) = {family(model) for model in models}
    wanted = sorted({plane for model in models for plane in _planes(model)})
    sums, describe = _sums(pixels, own, wanted), lbp.descriptors if own.kind == "LBP" else hog.descriptors
    found = {}
    for model in models:
        chosen = sums[:, [wanted.index(plane) for plane in _planes(model)]]
        found[model] = describe(pooled(chosen, model.cell // own.base), model.cell).flatten(1).numpy()
    return found


def _planes(model: Model) -> tuple[int, ...]:
    return COLOUR if model.feature.startswith("Color") else GREY


def _sums(pixels: Pixels, own: Family, wanted: Sequence[int]) -> Tensor:
    """The smallest cells' sums of a part, ``(n, len(wanted), rows, columns, bins)``."""
    window = CLASSICAL_PARTS[own.part]
    top = round(window.y - window.height / 2 - (CANVAS.y - CANVAS.height / 2))
    left = round(window.x - window.width / 2 - (CANVAS.x - CANVAS.width / 2))

    def cut(array: NDArray[Any], start: int) -> Tensor:
        part = array[start : start + 16, wanted, top : top + window.height, left : left + window.width]
        return torch.from_numpy(np.ascontiguousarray(part))

    starts = range(0, len(pixels), 16)
    if own.kind == "LBP":
        return torch.cat([cell_sums(cut(pixels.patterns, i), own.base, lbp.BINS) for i in starts])
    return torch.cat([
        cell_sums(cut(pixels.orientations, i), own.base, hog.ORIENTATIONS, cut(pixels.magnitudes, i)) for i in starts
    ])  # fmt: skip
