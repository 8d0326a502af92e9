"""An editor of the toy subject's squares that does by hand what others learn: it adds colour where an attribute is."""

import torch
from torch import Tensor

from lineament.editing.editor import Codes

CORNERS = {"Red": (slice(0, 12), slice(0, 12), 0), "Smiling": (slice(12, 24), slice(0, 12), 1)}
AMOUNT = 90 / 255


class Painter:
    """``size`` may be other than the squares' 24 px; ``paints`` names the corner painted instead of an attribute's."""

    def __init__(self, size: int = 24, paints: dict[str, str] | None = None) -> None:
        self.attributes, self.card = tuple(CORNERS), {"data": "squares"}
        self.shape, self.paints = (3, size, size), {name: name for name in CORNERS} | (paints or {})

    def _corner(self, name: str) -> tuple[slice, slice, int]:
        rows, columns, channel = CORNERS[name]
        rows, columns = (slice(*(end * self.shape[1] // 24 for end in (s.start, s.stop))) for s in (rows, columns))
        return rows, columns, channel

    def encode(self, images: Tensor) -> Codes:
        codes = []
        for name in self.attributes:
            rows, columns, channel = self._corner(name)
            beside = images[
                :, channel, : self.shape[1] // 2, self.shape[1] // 2 :
            ]  # no attribute has this channel there
            there = images[:, channel, rows, columns].mean((1, 2)) - beside.mean((1, 2)) > AMOUNT / 2
            codes.append(AMOUNT * there)
        return Codes(images.mean((1, 2, 3))[:, None], torch.stack(codes, 1)[:, :, None])

    def styles(self, images: Tensor) -> Tensor:
        return self.encode(images).a

    def decode(self, codes: Codes) -> Tensor:
        return self.edit(torch.full((len(codes.z), *self.shape), 0.4), Codes(codes.z, 0 * codes.a), codes)

    def edit(self, images: Tensor, before: Codes, after: Codes) -> Tensor:
        edited = images.clone()
        for i, name in enumerate(self.attributes):
            rows, columns, channel = self._corner(self.paints[name])
            edited[:, channel, rows, columns] += (after.a - before.a)[:, i, :, None]
        return edited.clamp(0, 1)

    def present(self, codes: Codes) -> Tensor:
        return 40 * (codes.a[:, :, 0] - AMOUNT / 2)

    def usual(self, i: int, c: int) -> Tensor:
        return torch.tensor([AMOUNT * c])

    def draw(self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        return self.usual(i, c) + 0.05 * scale * torch.randn(n, 1, generator=generator)
