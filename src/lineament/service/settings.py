"""What the service grants: sizes, rates and times, in one frozen place."""

import math
import os
from dataclasses import dataclass, fields

from lineament.errors import UsageError

__all__ = ["DEFAULT", "Settings"]


@dataclass(frozen=True)
class Settings:
    """Every bound of the service; each is positive.

    Attributes:
        image_bytes: largest image file.
        image_pixels: most pixels of an image; read from its head, before any are decoded.
        images: most images of one enrolment.
        room: most bytes of bodies at hand, from before they are read until they are answered; more are refused.
        rate: requests a second that a key may send for long; frames of a watch count too.
        burst: requests that a key may send at once.
        address_rate, address_burst: the same for one address, counted before its key is looked at.
        replay_window: seconds that a request stays valid; its nonce is remembered that long.
        clock_ahead: seconds that a client's clock may be ahead of ours.
        work: most pieces of work at hand, those at work and those waiting; more are refused.
        threads: pieces at work at the same time; all of them calculate, so more than two a core gain nothing.
        batch: most faces that the detector takes at once.
        body_seconds: time to send a body.
        work_seconds: time until a piece of work is given up.
        silence: seconds without a frame after which a watch locks and closes.
        recheck: seconds after which a watch asks anew whether its key and its user are still there.
        watches: most watches at once.
        key_watches: most of them by one key.
    """

    image_bytes: int = 8 << 20
    image_pixels: int = 16_000_000
    images: int = 32
    room: int = 256 << 20
    rate: float = 20.0
    burst: float = 40.0
    address_rate: float = 50.0
    address_burst: float = 100.0
    replay_window: float = 60.0
    clock_ahead: float = 2.0
    work: int = 32
    threads: int = 2 * (os.cpu_count() or 1)
    batch: int = 16
    body_seconds: float = 20.0
    work_seconds: float = 20.0
    silence: float = 5.0
    recheck: float = 5.0
    watches: int = 64
    key_watches: int = 8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{field.name}: expected a positive number, got {value}")
            if field.type is int and value != int(value):
                raise UsageError(f"{field.name}: expected a whole number, got {value}")
        if self.burst < 1 or self.address_burst < 1:
            raise UsageError(f"burst: expected at least 1, got {min(self.burst, self.address_burst)}")

    @property
    def body_bytes(self) -> int:
        """Largest body of an enrolment: all its images, and a little for what stands between them."""
        return min(self.images * self.image_bytes, 64 << 20) + (64 << 10)


DEFAULT = Settings()
"""As the service runs unless told otherwise."""
