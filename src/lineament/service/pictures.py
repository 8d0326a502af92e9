"""Uploaded bytes to pixels: JPEG and PNG only, as announced, and never more pixels than allowed."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lineament.service.problems import Problem

__all__ = ["KINDS", "decoded"]

KINDS = {"image/jpeg": "JPEG", "image/png": "PNG"}
"""Content types that are taken, and the only decoder that each reaches."""

START_OF_SCAN, MAX_SCANS = b"\xff\xda", 100
"""A progressive JPEG is gone over once a scan; encoders write about ten, and ten bytes are enough for one."""


def decoded(content: bytes, kind: str, most: int) -> NDArray[np.uint8]:
    """The pixels ``(height, width, 3)`` uint8 RGB of one image, turned as its EXIF says; transparency is put on white.

    Args:
        content: the file.
        kind: its content type, one of `KINDS`; a file of another kind is refused.
        most: pixels; more are refused by the head of the file, before any is decoded.

    Raises:
        Problem: 415 for another kind of file, 413 for too many pixels, 422 for one that is grey or cannot be read to
            its end.
    """
    if KINDS[kind] == "JPEG" and content.count(START_OF_SCAN) > MAX_SCANS:  # before Pillow, which goes over them all
        raise Problem(422, "unreadable", f"the JPEG image has over {MAX_SCANS} scans; save it anew as a common JPEG")
    try:
        with Image.open(io.BytesIO(content), formats=(KINDS[kind],)) as image:
            if image.width * image.height > most:
                raise Image.DecompressionBombError(f"{image.width}x{image.height}")
            if Image.getmodebase(image.mode) == "L":
                raise Problem(422, "grey", "the image is grey, and detectors are trained on colour; send one in colour")
            return _rgb(ImageOps.exif_transpose(image))
    except Problem:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Problem(413, "pixels", f"the image has over {most:,} pixels ({error}); make it smaller") from None
    except UnidentifiedImageError:
        raise Problem(415, "kind", f"the content is not of its type, {kind}; taken are {', '.join(KINDS)}") from None
    except Exception:  # from bytes made to harm, decoders raise whatever they come across
        raise Problem(422, "unreadable", f"the {KINDS[kind]} image cannot be read to its end; send it again") from None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("RGB"))
