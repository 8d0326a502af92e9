"""What a generator makes, in one picture."""

import io
from pathlib import Path

import torch
from PIL import Image

from lineament.artifacts import write_atomically
from lineament.defense.networks import Generator
from lineament.images import to_uint8

__all__ = ["write_sheet"]

ROWS, COLUMNS = 8, 16

SIDE = 56
"""Pixels that a picture's side has at least."""


@torch.no_grad()
def write_sheet(generator: Generator, path: Path) -> None:
    """Write a PNG of 128 images, of the same latents each time, so that two sheets can be held side by side."""
    latents = torch.randn(ROWS * COLUMNS, generator.latent, generator=torch.Generator().manual_seed(0))
    device = next(generator.parameters()).device
    images = to_uint8(torch.cat([generator(part.to(device)).cpu() for part in torch.split(latents, 64)]))
    side, channels = images.shape[1], images.shape[3]
    sheet = images.reshape(ROWS, COLUMNS, side, side, channels).swapaxes(1, 2).reshape(ROWS * side, COLUMNS * side, -1)
    picture = Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet)
    larger = -(-SIDE // side)
    stream = io.BytesIO()
    picture.resize((picture.width * larger, picture.height * larger), Image.Resampling.NEAREST).save(stream, "PNG")
    write_atomically(path, stream.getvalue())
