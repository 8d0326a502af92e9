"""A set and an editor whose every edit can be foretold: an attribute is a bright quadrant of a square image."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.editing.editor import Codes

NAMES = ("North_West", "North_East", "South_West", "South_East")
PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
BRIGHT, DARK = 204, 51


class PatchEditor:
    """Its codes are the quadrants' mean values; present above a half.

    Args:
        attributes: that it draws, of `NAMES`.
        size: side of its images.
        leaks: attribute to another whose quadrant turns with it.
        stuck: images that show this attribute do not change.
    """

    def __init__(
        self,
        attributes: tuple[str, ...] = NAMES,
        size: int = 16,
        leaks: dict[str, str] | None = None,
        stuck: str | None = None,
    ) -> None:
        self.attributes, self.shape, self.card = attributes, (3, size, size), dict[str, Any]()
        self.leaks, self.stuck = leaks or {}, stuck

    def quadrant(self, name: str) -> tuple[slice, slice]:
        half = self.shape[1] // 2
        rows, columns = (slice(half * k, half * (k + 1)) for k in PLACES[NAMES.index(name)])
        return rows, columns

    def encode(self, images: Tensor) -> Codes:
        patches = [images[:, :, *self.quadrant(name)].mean((1, 2, 3)) for name in self.attributes]
        return Codes(images.flatten(1), torch.stack(patches, 1)[:, :, None])

    def styles(self, images: Tensor) -> Tensor:
        return self.encode(images).a

    def decode(self, codes: Codes) -> Tensor:
        return codes.z.unflatten(1, self.shape)

    def edit(self, images: Tensor, before: Codes, after: Codes) -> Tensor:
        result = images.clone()
        for name, change in zip(self.attributes, (after.a - before.a)[:, :, 0].T, strict=True):
            for touched in {name, self.leaks.get(name, name)}:
                result[:, :, *self.quadrant(touched)] += change[:, None, None, None]
        if self.stuck:
            held = images[:, :, *self.quadrant(self.stuck)].mean((1, 2, 3)) > 0.5
            result[held] = images[held]
        return result.clamp(0, 1)

    def present(self, codes: Codes) -> Tensor:
        return 20 * (codes.a[:, :, 0] - 0.5)

    def usual(self, i: int, c: int) -> Tensor:
        return torch.tensor([(DARK, BRIGHT)[c] / 255])

    def draw(self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        return self.usual(i, c) + 0.03 * scale * torch.randn(n, 1, generator=generator)


def patches(people: int = 60, images: int = 4, size: int = 16, seed: int = 0) -> AttributeDataset:
    """Squares of dark and bright quadrants by fair coins, a little different in each image."""
    draw = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    labels = draw.integers(0, 2, (len(identity), 4)).astype(np.int8)
    values = np.where(labels, BRIGHT, DARK) + draw.integers(-20, 21, labels.shape)

    def read(i: int) -> np.ndarray:
        grid = np.kron(values[i].reshape(2, 2), np.ones((size // 2, size // 2)))
        return np.repeat(grid[:, :, None], 3, 2).astype(np.uint8)

    return AttributeDataset(
        name="patches",
        read=read,
        names=[f"{i:04d}.png" for i in range(len(identity))],
        attributes=NAMES,
        labels=labels,
        identity=identity,
        session=np.array([f"day {i % 2}" for i in range(len(identity))]),
        split=(identity % 4).clip(0, 2).astype(np.int8),
        licence="made up here",
        eyes=np.tile(np.array([[0.3, 0.4], [0.7, 0.4]], np.float32), (len(identity), 1, 1)),
    )
