"""Small grey images of two kinds, a bar on the left or on the right, and a classifier that knows which."""

import torch
from torch import Tensor

from lineament.classifier import from_module
from lineament.explanation.decisions import Decisions
from lineament.explanation.presets import ExplainerConfig


class LeftOrRight(torch.nn.Module):
    """The log-odds of a bar on the right."""

    def forward(self, images: Tensor) -> Tensor:
        """``(batch, 1)``."""
        half = images.shape[3] // 2
        return 20 * (images[..., half:].mean((1, 2, 3)) - images[..., :half].mean((1, 2, 3)))[:, None]


def bars(n: int, size: int = 8, seed: int = 0) -> Tensor:
    """``(n, 1, size, size)`` uint8; the odd ones have their bar on the right."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 30, (n, 1, size, size), generator=generator)
    place = torch.randint(0, size // 2 - 1, (n,), generator=generator) + (torch.arange(n) % 2) * (size // 2)
    images[torch.arange(n), 0, :, place] = 230
    images[torch.arange(n), 0, :, place + 1] = 230
    return images.to(torch.uint8)


DECISIONS = Decisions(from_module(LeftOrRight()), ("left", "right"), column=0)

TINY = ExplainerConfig(
    width=8, discriminator_width=8, steps=60, batch=8, kappa=0.3, evaluations=2, gan=1.0, classifier=2.0, count=2.0,
    shift=0, noise=0.0, penalty=1.0, learning_rate=1e-3,
)  # fmt: skip
