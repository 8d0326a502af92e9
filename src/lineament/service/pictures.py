"""Uploaded bytes to pixels: JPEG and PNG only, as announced, and never more pixels than allowed."""

import numpy as np
from numpy.typing import NDArray

from lineament.images import Undecodable, decode_upload
from lineament.service.problems import Problem

__all__ = ["KINDS", "decoded"]

KINDS = {"image/jpeg": "JPEG", "image/png": "PNG"}
"""Content types that are taken, and the only decoder that each reaches."""


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
    try:
        pixels, grey = decode_upload(content, "the image", (KINDS[kind],), most)
    except Undecodable as error:
        raise _problem(error, kind) from None
    if grey:
        raise Problem(422, "grey", "the image is grey, and detectors are trained on colour; send one in colour")
    return pixels


def _problem(error: Undecodable, kind: str) -> Problem:
    match error.reason:
        case "format":
            return Problem(415, "kind", f"the content is not of its type, {kind}; taken are {', '.join(KINDS)}")
        case "pixels":
            return Problem(413, "pixels", str(error))
        case "scans":
            return Problem(422, "unreadable", str(error))
        case "content":  # the decoder's own words stay inside
            return Problem(422, "unreadable", f"the {KINDS[kind]} image cannot be read to its end; send it again")
