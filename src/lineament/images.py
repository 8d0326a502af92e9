"""The image batch: float32 ``(batch, channels, height, width)``, values in [0, 1], RGB or one grey channel.

Every public function that takes images checks them here, at the door, so that an error names what came.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from lineament.errors import JobError, UsageError

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Undecodable",
    "check_images",
    "decode_upload",
    "is_grey",
    "read_image",
    "to_batch",
    "to_uint8",
]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is read. Pillow knows more, some of which it hands to other programs, and no hostile file should reach those."""

MAX_PIXELS = 64_000_000
"""Images of more pixels than this are refused unread: no face needs them, and a small file can hide a huge one."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 100
"""A progressive JPEG is gone over once a scan; encoders write about ten, and ten bytes are enough for one."""


def check_images(
    images: object, *, channels: int | None = None, name: str = "images"
) -> Float32[Tensor, "batch channels height width"]:
    """Return ``images`` unchanged if they are an image batch, else raise ``UsageError`` saying what came.

    Args:
        images: whatever came; legal is ``(batch, channels, height, width)`` float32 in [0, 1], channels 1 or 3.
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
    if images.numel() and not torch.compiler.is_compiling():  # a graph being exported has no values to look at
        low, high = (bound.item() for bound in torch.aminmax(images.detach()))
        if not (low >= 0 and high <= 1):  # written so that NaN fails too
            raise UsageError(f"{name}: expected values in [0, 1], got [{low:.3g}, {high:.3g}] (NaN counts as outside)")
    return images


class Undecodable(UsageError):
    """What came is no image that is taken.

    Attributes:
        reason: it is of another ``"format"``, it has too many ``"pixels"`` or ``"scans"``, or its ``"content"`` is
            broken or cut off.
    """

    def __init__(self, reason: Literal["format", "pixels", "scans", "content"], told: str) -> None:
        super().__init__(told)
        self.reason = reason


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Decode one image file to ``(height, width, 3)`` uint8 RGB; raise ``JobError`` naming the file if it cannot be.

    Grey files become three equal channels, 16 bits a channel become 8, transparency is put on white, and EXIF
    rotation is applied. Formats: see ``FORMATS``.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe would wait forever
        raise JobError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        return _decoded(path, str(path), FORMATS, MAX_PIXELS)[0]
    except Undecodable as error:
        raise JobError(str(error)) from None


def decode_upload(content: bytes, name: str, formats: Sequence[str], most: int) -> tuple[NDArray[np.uint8], bool]:
    """Decode the bytes of a file that came over a network, as `read_image` does; and say whether it is grey.

    Args:
        content: the file; what was made to harm is refused.
        name: what to call it in messages.
        formats: the only decoders that it reaches, of ``FORMATS``.
        most: pixels; more are refused by the head of the file, before any is decoded.

    Raises:
        Undecodable: for its ``reason``.
    """
    if content.startswith(b"\xff\xd8") and content.count(START_OF_SCAN) > MAX_SCANS:  # before Pillow goes over them all
        raise Undecodable("scans", f"{name}: a JPEG file of over {MAX_SCANS} scans; save it anew as a common one")
    return _decoded(io.BytesIO(content), name, formats, most)


def _decoded(file: Path | io.BytesIO, name: str, formats: Sequence[str], most: int) -> tuple[NDArray[np.uint8], bool]:
    try:
        with Image.open(file, formats=tuple(formats)) as image:
            if image.width * image.height > most:
                raise Image.DecompressionBombError(f"{image.width} x {image.height}")
            return np.asarray(_to_rgb(ImageOps.exif_transpose(image))), Image.getmodebase(image.mode) == "L"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Undecodable("pixels", f"{name}: over {most:,} pixels ({error}); make it smaller") from None
    except UnidentifiedImageError:
        wanted = " or ".join([", ".join(formats[:-1]), formats[-1]] if len(formats) > 1 else formats)
        raise Undecodable("format", f"{name}: not a {wanted} file") from None
    except Exception as error:  # from bytes made to harm, decoders raise whatever they come across
        raise Undecodable("content", f"{name}: not a readable image, or cut off ({error})") from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow would clip at 255 instead of scaling
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("32 bits a channel have no known range; save it with 8 or 16")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")


def is_grey(path: str | Path) -> bool:
    """Whether an image file has one channel, by its head alone; False for what is no image.

    Black-and-white photos that are stored in colour, of which CelebA has some, do not count.
    """
    try:
        with Image.open(path) as image:
            return Image.getmodebase(image.mode) == "L"
    except (OSError, Image.DecompressionBombError):
        return False


def to_batch(pixels: NDArray[Any]) -> Float32[Tensor, "batch channels height width"]:
    """``(batch, height, width, channels)`` uint8, channels 1 or 3, to an image batch; copies."""
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in (1, 3):
        raise UsageError(
            f"pixels: expected uint8 (batch, height, width, 1 or 3 channels), got {pixels.dtype} {pixels.shape}"
        )
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32, order="C")).div_(255)


def to_uint8(images: Tensor) -> UInt8[NDArray[np.uint8], "batch height width channels"]:
    """An image batch to ``(batch, height, width, channels)`` uint8, rounded to nearest."""
    check_images(images)
    pixels: NDArray[np.uint8] = images.detach().cpu().mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels
