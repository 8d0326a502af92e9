"""A made-up MNIST: each digit a bar at its own place, in the files that the real one comes in."""

import struct
from pathlib import Path

import torch

SIDE = 28


def images(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """``(n, 28, 28)`` uint8: a bright bar whose column is twice the label, and some noise."""
    drawn = torch.randint(0, 40, (len(labels), SIDE, SIDE), generator=torch.Generator().manual_seed(seed))
    for offset in (4, 5):
        drawn[torch.arange(len(labels)), 4:24, 2 * labels + offset] = 230
    return drawn.to(torch.uint8)


def write(root: Path, folder: str, train: int, test: int) -> Path:
    """``root/folder/raw`` with so many images; returns ``root``."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", train), ("t10k", test)):
        labels = torch.arange(n) % 10
        content = images(labels, n).numpy().tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, n, SIDE, SIDE) + content)
        small = labels.to(torch.uint8).numpy().tobytes()
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, n) + small)
    return root
