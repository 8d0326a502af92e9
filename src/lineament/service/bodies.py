"""The bodies of requests, read with a limit on bytes, parts and time, and kept in memory: no image touches the disk."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from lineament.service.pictures import KINDS
from lineament.service.problems import Problem
from lineament.service.settings import Settings

__all__ = ["Room", "Upload", "content_type", "read_image", "read_images", "read_json"]

Upload = tuple[bytes, str]
"""An image file as it came, and its content type."""

JSON_BYTES = 64 << 10
MULTIPART = "multipart/form-data"


class Room:
    """Memory for bodies; who comes when it is taken is refused before a byte of theirs is read.

    Args:
        most: bytes of all bodies at hand.
    """

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def of(self, request: Request, most: int) -> Iterator[None]:
        """Keep place for a body: as long as it is announced to be, or for ``most`` bytes; ``Problem`` if there is none.

        A server of HTTP reads no more of a body than was announced.
        """
        announced = request.headers.get("content-length", "")
        size = min(int(announced[:20]), most) if announced.isdecimal() else most
        if self.taken + size > self.most:
            raise Problem(503, "busy", "too many bodies are at hand already; try again", {"Retry-After": "1"})
        self.taken += size
        try:
            yield
        finally:
            self.taken -= size


def content_type(request: Request) -> str:
    """What the request says its body is, without parameters."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "encoding", "Content-Encoding: send the body as it is, not compressed")
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_image(request: Request, settings: Settings) -> Upload:
    """The one image that is the body."""
    kind = content_type(request)
    if kind not in KINDS:
        raise Problem(415, "kind", f"Content-Type: expected {' or '.join(KINDS)}, got {kind or 'none'}")
    return await _bounded(request, settings.image_bytes, settings.body_seconds), kind


async def read_images(request: Request, settings: Settings) -> list[tuple[str, Upload]]:
    """The images of a multipart body, each with its occasion: files named ``image``, or ``image.OCCASION``."""
    body = await _bounded(request, settings.body_bytes, settings.body_seconds)
    parser = _InMemory(request.headers, _once(body), max_files=settings.images, max_fields=0)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(400, "multipart", f"the multipart body cannot be read: {error.message}") from None
    except Exception:  # from bytes made to harm, parsers raise whatever they come across
        raise Problem(400, "multipart", "the multipart body cannot be read") from None
    try:
        return await _uploads(form, settings)
    finally:
        await form.close()


async def _uploads(form: FormData, settings: Settings) -> list[tuple[str, Upload]]:
    uploads: list[tuple[str, Upload]] = []
    for name, file in form.multi_items():
        part, _, occasion = name.partition(".")
        if part != "image" or not isinstance(file, UploadFile):
            raise Problem(400, "multipart", f"parts are files named image or image.OCCASION, got {name[:40]!r}")
        if file.content_type not in KINDS:
            raise Problem(415, "kind", f"part {len(uploads)}: expected Content-Type {' or '.join(KINDS)}")
        if (file.size or 0) > settings.image_bytes:
            raise Problem(413, "large", f"part {len(uploads)}: over {settings.image_bytes:,} bytes")
        uploads.append((occasion, (await file.read(), file.content_type)))
    if not uploads:
        raise Problem(400, "multipart", "the body holds no image; send files named image")
    return uploads


async def read_json(request: Request, settings: Settings) -> Any:
    """The JSON value that is the body."""
    body = await _bounded(request, JSON_BYTES, settings.body_seconds)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "json", "the body is not JSON") from None


async def _bounded(request: Request, most: int, seconds: float) -> bytes:
    """The body, counted as it comes: its announced length is believed only where it is too large already."""
    announced = request.headers.get("content-length", "0")
    too_large = Problem(413, "large", f"the body is over {most:,} bytes", {"Connection": "close"})
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        late = f"the body took over {seconds:g} seconds"
        raise Problem(408, "slow", late, {"Connection": "close"}) from None
    return bytes(body)


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # never to a file; the body was bounded before


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
