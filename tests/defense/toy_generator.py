"""Images of 8 x 8 px with one bright bar, and generators that make such images without any training."""

import torch
from torch import Tensor

from lineament.defense.networks import Encoder, Generator

SHAPE = (1, 8, 8)


def bars(n: int, seed: int = 0) -> Tensor:
    """``(n, 1, 8, 8)`` uint8: a bright row or a bright column, the two classes in turn, in weak noise."""
    drawn = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 30, (n, *SHAPE), dtype=torch.uint8, generator=drawn)
    place = torch.randint(0, 8, (n,), generator=drawn)
    for i in range(n):
        index = (i, 0, place[i]) if i % 2 else (i, 0, slice(None), place[i])
        images[index] = 230
    return images


def generator(seed: int = 0, latent: int = 3) -> Generator:
    """An untrained generator whose images differ visibly with their latents."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Generator(SHAPE, latent=latent, width=4)
        with torch.no_grad():
            made.up[-1].weight.mul_(5)  # type: ignore[operator, union-attr]
    return made.eval().requires_grad_(False)


def encoder(seed: int = 0, latent: int = 3) -> Encoder:
    """An untrained encoder: its guess is as good as any."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(SHAPE, latent=latent, width=4).eval().requires_grad_(False)
