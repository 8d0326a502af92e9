"""How a program speaks to the service: fresh headers for every request, images as PNG, frames with their counter."""

import io
import secrets
import time
from functools import cache

from PIL import Image

from lineament.datasets.portraits import portraits
from lineament.service.stream import COUNTER

IMAGES = 12
"""Images a person, on four days."""


def headers(key: str | None = None, **more: str) -> dict[str, str]:
    """What every request carries."""
    fresh = {"X-Nonce": secrets.token_hex(16), "X-Timestamp": f"{time.time():.6f}"}
    return fresh | ({"Authorization": f"Bearer {key}"} if key else {}) | more


@cache
def image(person: int, number: int) -> bytes:
    """A PNG of one of the people whom the shipped detector never saw."""
    roll = portraits(40, IMAGES, sessions=4, seed=77)
    file = io.BytesIO()
    Image.fromarray(roll.read(person * IMAGES + number)).save(file, "PNG")
    return file.getvalue()


def images(person: int, numbers: range) -> list[tuple[str, tuple[str, bytes, str]]]:
    """The parts of an enrolment."""
    return [("image", (f"{n}.png", image(person, n), "image/png")) for n in numbers]


def frame(counter: int, content: bytes) -> bytes:
    """A message of a watch."""
    return COUNTER.pack(counter) + content
