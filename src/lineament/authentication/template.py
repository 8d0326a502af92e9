"""The template: what is kept of an enrolled person. Attributes and how they vary, never an image.

Its bytes are canonical JSON: one template has one spelling, so that equal templates have equal bytes and one hash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.errors import JobError, UsageError

__all__ = ["FORMAT", "MAX_BYTES", "Template"]

FORMAT = 1
"""Version of the bytes; another one is refused."""

MAX_BYTES = 1 << 20
"""Longer ones are refused unread: a template of 100 attributes takes some 5 kB."""


@dataclass(frozen=True, eq=False)
class Template:
    """One enrolled person as one detector sees them; equal and hashed by its bytes.

    Attributes:
        user: whose; 1 to 200 printable characters.
        model: sha256 of the detector's artifact (`readings.model_of`); readings of another detector mean nothing here.
        cohort: sha256 of the cohort that the threshold was measured on (`Cohort.sha256`).
        attributes: names, in the detector's order.
        mean: ``(attributes,)`` float64 log-odds; NaN is "any", an attribute that is not looked at.
        deviation: ``(attributes,)`` float64 > 0, in log-odds: how much this person's readings vary, as learnt at
            enrolment and shrunk towards the cohort's.
        occasions: on how many occasions (days, clips) the images were taken; those of one resemble each other.
        images: how many images the mean is made of; 0 if typed in.
        typed: whether the attributes were typed in instead of seen.
        threshold: the score from which on a reading is accepted (`scoring`), in natural logarithms.
        fmr: the false match rate that was wanted, in (0, 1).
        fmr_interval: the 95 % interval of the rate at this threshold, over the people of the cohort.
        created: when, ISO 8601 with its offset from UTC.
        same_camera: whether it will be watched by the camera, at the place, of the enrolment (`scoring.scorer`).

    Raises:
        UsageError: values that no enrolment gives; the message names the field.
    """

    user: str
    model: str
    cohort: str
    attributes: tuple[str, ...]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    occasions: int
    images: int
    typed: bool
    threshold: float
    fmr: float
    fmr_interval: tuple[float, float]
    created: str
    same_camera: bool = False

    def __post_init__(self) -> None:
        if wrong := _wrong(self):
            raise UsageError(f"template: {wrong}")
        for values in (self.mean, self.deviation):
            values.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    @property
    def sha256(self) -> str:
        """The hash of its bytes, 64 hex digits: names the template where its content must not stand, as in a log."""
        return sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Canonical JSON in ASCII: keys sorted, no spaces, numbers so that they read back bit for bit, "any" null."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)} | {
            "mean": [None if np.isnan(value) else value for value in self.mean.tolist()],
            "deviation": self.deviation.tolist(),
        }
        text = json.dumps({"format": FORMAT} | plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode("ascii")

    @classmethod
    def from_bytes(cls, content: bytes) -> "Template":
        """What `to_bytes` wrote; ``JobError`` for anything else, be it cut off, changed, or of another format."""
        if len(content) > MAX_BYTES:
            raise JobError(f"template: {len(content):,} bytes, expected no more than {MAX_BYTES:,}")
        try:
            plain = json.loads(content.decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise JobError(f"template: not JSON, or cut off ({error})") from None
        if not isinstance(plain, dict):
            raise JobError(f"template: expected a JSON object, got {type(plain).__name__}")
        if plain.pop("format", None) != FORMAT:
            raise JobError(f"template: not of format {FORMAT}, which this version reads; enrol again")
        try:
            template = cls(**_converted(plain))
            same = template.to_bytes() == content
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
            raise JobError(f"{'' if isinstance(error, UsageError) else 'template: '}{error}; enrol again") from None
        if not same:
            raise JobError("template: not in the canonical spelling, so it was changed after it was written")
        return template


def _converted(plain: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as the constructor takes them; their meaning is checked there."""
    mean = [np.nan if value is None else value for value in plain["mean"]]
    return dict(plain) | {
        "attributes": tuple(plain["attributes"]),
        "mean": np.array(mean, dtype=np.float64),
        "deviation": np.array(plain["deviation"], dtype=np.float64),
        "fmr_interval": tuple(plain["fmr_interval"]),
    }


def _wrong(template: Template) -> str:
    """What no enrolment would have written, in words; empty if nothing."""
    count = len(template.attributes)
    checks = {
        "user": _is_name(template.user),
        "model": _is_hash(template.model),
        "cohort": _is_hash(template.cohort),
        "attributes": 0 < len(set(template.attributes)) == count and all(map(_is_name, template.attributes)),
        "mean": _is_vector(template.mean, count) and not np.isinf(template.mean).any()
        and not np.isnan(template.mean).all(),
        "deviation": _is_vector(template.deviation, count) and bool(np.isfinite(template.deviation).all())
        and bool((template.deviation > 0).all()),
        "occasions": type(template.occasions) is int and template.occasions >= 1,
        "images": type(template.images) is int and (template.images == 0) == (template.typed is True),
        "typed": type(template.typed) is bool,
        "threshold": _is_number(template.threshold),
        "fmr": _is_number(template.fmr) and 0 < template.fmr < 1,
        "fmr_interval": len(template.fmr_interval) == 2 and all(map(_is_number, template.fmr_interval))
        and 0 <= template.fmr_interval[0] <= template.fmr_interval[1] <= 1,
        "created": _is_time(template.created),
        "same_camera": type(template.same_camera) is bool and not (template.typed and template.same_camera),
    }  # fmt: skip
    return next((f"{name} is {getattr(template, name)!r:.80}, which no enrolment gives" for name in checks
                 if not checks[name]), "")  # fmt: skip


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")


def _is_vector(values: object, count: int) -> bool:
    return isinstance(values, np.ndarray) and values.dtype == np.float64 and values.shape == (count,)


def _is_number(value: object) -> bool:
    return type(value) is float and bool(np.isfinite(value))


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
