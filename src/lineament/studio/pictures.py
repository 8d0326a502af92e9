"""Pictures between page and studio: an upload comes as any file, all else as a PNG of the editor's size."""

import base64
import binascii
import io
from typing import Any

from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from lineament.errors import UsageError
from lineament.images import decode_upload

__all__ = ["FORMATS", "MAX_PIXELS", "decoded", "from_data_url", "to_data_url"]

Pixels = UInt8[NDArray[Any], "height width 3"]

FORMATS = ("JPEG", "PNG", "WEBP")
"""The only decoders that an upload reaches."""

MAX_PIXELS = 16_000_000
"""Of an upload; more are refused by the head of the file, before any is decoded."""

PREFIX = "data:image/png;base64,"


def decoded(content: bytes) -> tuple[Pixels, bool]:
    """The pixels of an uploaded file, turned as its EXIF says, transparency on white; and whether it is grey.

    Raises:
        UsageError: it is none of `FORMATS`, has over `MAX_PIXELS`, or cannot be read to its end.
    """
    return decode_upload(content, "picture", FORMATS, MAX_PIXELS)


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
