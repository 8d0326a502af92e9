"""The image batch: float32 ``(batch, channels, height, width)``, values in [0, 1], RGB or one grey channel.

Every public function that takes images checks them here, at the door, so that an error names what came.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from lineament.errors import JobError, UsageError

__all__ = ["MAX_PIXELS", "check_images", "read_image", "to_batch", "to_uint8"]

MAX_PIXELS = 64_000_000
"""Images of more pixels than this are refused unread: no face needs them, and a small file can hide a huge one."""


def check_images(images: Tensor, *, channels: int | None = None, name: str = "images") -> Tensor:
    """Return ``images`` unchanged if they are an image batch, else raise ``UsageError`` saying what came.

    Args:
        images: ``(batch, channels, height, width)`` float32 in [0, 1], channels 1 or 3.
        channels: the one channel count that is legal here, or None for either.
        name: what to call the argument in the message.
    """
    if not isinstance(images, Tensor):
        raise UsageError(f"{name}: expected a torch tensor, got {type(images).__name__}; see images.to_batch")
    shape = tuple(images.shape)
    if images.ndim != 4:
        raise UsageError(f"{name}: expected (batch, channels, height, width), got shape {shape}")
    if images.dtype != torch.float32:
        raise UsageError(f"{name}: expected float32 in [0, 1], got {images.dtype}; divide uint8 pixels by 255")
    if shape[1] not in (1, 3):
        raise UsageError(f"{name}: expected 1 or 3 channels in dimension 1, got shape {shape}")
    if channels is not None and shape[1] != channels:
        wanted = {1: "grey images (1 channel)", 3: "colour images (3 channels)"}[channels]
        raise UsageError(f"{name}: expected {wanted}, got {shape[1]} channel(s) in shape {shape}")
    if images.numel():
        low, high = (bound.item() for bound in torch.aminmax(images.detach()))
        if not (low >= 0 and high <= 1):  # written so that NaN fails too
            raise UsageError(f"{name}: expected values in [0, 1], got [{low:.3g}, {high:.3g}] (NaN counts as outside)")
    return images


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Decode one image file to ``(height, width, 3)`` uint8 RGB; raise ``JobError`` naming the file if it cannot be.

    Grey files become three equal channels, transparency is put on white, and EXIF rotation is applied.
    """
    from PIL import ImageOps

    path = Path(path)
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise JobError(f"{path}: {image.width}x{image.height} px is over the limit of {MAX_PIXELS:,} pixels")
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                rgba = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return np.asarray(upright.convert("RGB"))
    except FileNotFoundError:
        raise JobError(f"{path}: no such file") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise JobError(f"{path}: not a readable image, or cut off ({error})") from None


def to_batch(pixels: NDArray[np.uint8]) -> Tensor:
    """``(batch, height, width, channels)`` uint8 to an image batch; copies."""
    return torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).to(torch.float32).div_(255).contiguous()


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """An image batch to ``(batch, height, width, channels)`` uint8, rounded to nearest."""
    check_images(images)
    pixels: NDArray[np.uint8] = images.detach().cpu().mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels
