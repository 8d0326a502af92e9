"""Pictures between page and studio: an upload comes as any file, all else as a PNG of the editor's size."""

import base64
import binascii
import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lineament.errors import UsageError

__all__ = ["FORMATS", "MAX_PIXELS", "decoded", "from_data_url", "to_data_url"]

Pixels = UInt8[NDArray[Any], "height width 3"]

FORMATS = ("JPEG", "PNG", "WEBP")
"""The only decoders that an upload reaches."""

MAX_PIXELS = 16_000_000
"""Of an upload; more are refused by the head of the file, before any is decoded."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 100
"""A progressive JPEG is gone over once a scan; encoders write about ten, and ten bytes are enough for one."""

PREFIX = "data:image/png;base64,"


def decoded(content: bytes) -> tuple[Pixels, bool]:
    """The pixels of an uploaded file, turned as its EXIF says, transparency on white; and whether it is grey.

    Raises:
        UsageError: it is none of `FORMATS`, has over `MAX_PIXELS`, or cannot be read to its end.
    """
    if content.startswith(b"\xff\xd8") and content.count(START_OF_SCAN) > MAX_SCANS:  # before Pillow goes over them all
        raise UsageError(f"picture: the JPEG file has over {MAX_SCANS} scans; save it anew as a common JPEG")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError(f"{image.width} x {image.height}")
            return _rgb(ImageOps.exif_transpose(image)), Image.getmodebase(image.mode) == "L"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UsageError(f"picture: over {MAX_PIXELS:,} pixels ({error}); make it smaller") from None
    except UnidentifiedImageError:
        raise UsageError(f"picture: not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from None
    except Exception:  # from bytes made to harm, decoders raise whatever they come across
        raise UsageError("picture: it cannot be read to its end; save it anew") from None


def to_data_url(pixels: Pixels) -> str:
    """Pixels as the address of an image on the page."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def from_data_url(url: str) -> Pixels:
    """The pixels of `to_data_url`; ``UsageError`` for what did not come from there."""
    try:
        content = base64.b64decode(url.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):  # the latter for what is not ASCII
        raise UsageError(f"picture: expected {PREFIX}..., as the studio sends them") from None
    return decoded(content)[0]


def _rgb(image: Image.Image) -> Pixels:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("RGB"))
