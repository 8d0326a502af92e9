"""Methods by name: what turns faces into vectors, and how two vectors are compared.

``lbp``, ``detector:FOLDER`` (``detector`` alone is the one that comes with the package), ``classical:FOLDER``,
``platform:FOLDER``, ``discovered:FOLDER``; several joined by ``+`` are fused. A treatment may follow after ``@``:

- ``published``: as in the dissertation. Networks and discovered attributes: inner product of probabilities; LBP, the
  votes of classical detectors and the distances from the margin of the platform variant: equation 2.2.
- ``standardised``: equation 2.2 on log-odds, standardised on the development people.
- ``whitened``: the same, with the directions in which one person varies weighed down.
- nothing: of the last two the one with the lower equal error rate among the development people. LBP has only the first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lineament.authentication.verification import Similarity
from lineament.detectors.prediction import sigmoid
from lineament.errors import UsageError, nearest

__all__ = ["Method", "Part", "Reader", "Treatment", "parse"]

Treatment = Literal["chosen", "published", "standardised", "whitened"]
KINDS = ("lbp", "detector", "classical", "platform", "discovered")

Vectors = NDArray[Any]


@dataclass(frozen=True)
class Reader:
    """What turns faces into readings.

    Attributes:
        name: as the user wrote it, without a treatment.
        shape: (height, width) of the frame into which larger pictures are brought.
        read: images ``(b, 3, height, width)`` in [0, 1] and eyes ``(b, 2, 2)`` to readings ``(b, d)``: log-odds, or
            values of which these are a straight line.
        published: readings to the vectors that the dissertation compares.
        similarity: by which it does.
        treatments: what else can be done with its readings.
    """

    name: str
    shape: tuple[int, int]
    read: Callable[[Tensor, Tensor], Vectors] = field(repr=False)
    published: Callable[[Vectors], Vectors] = field(repr=False)
    similarity: Similarity
    treatments: tuple[Treatment, ...] = get_args(Treatment)


@dataclass(frozen=True)
class Part:
    """A reader and what is done with its readings."""

    reader: Reader
    treatment: Treatment


@dataclass(frozen=True)
class Method:
    """One part, or several that are fused.

    Attributes:
        name: as the user wrote it.
        parts: what it consists of.
    """

    name: str
    parts: tuple[Part, ...]


def parse(text: str) -> list[Method]:
    """The methods of a comma-separated list; each artifact is opened once, however often it is named.

    Raises:
        UsageError: an unknown kind or treatment, a folder missing or too many, or a method named twice.
        JobError: an artifact that cannot be opened.
    """
    readers: dict[str, Reader] = {}
    names = [name.strip() for name in text.split(",")]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"methods: {', '.join(sorted(twice))} named twice")
    return [Method(name, tuple(_part(word, readers) for word in name.split("+"))) for name in names]


def _part(word: str, readers: dict[str, Reader]) -> Part:
    name, _, treatment = word.strip().partition("@")
    if name not in readers:
        readers[name] = _opened(name)
    reader = readers[name]
    chosen = treatment or reader.treatments[0]
    if chosen not in reader.treatments:
        raise UsageError(f"{word}: {nearest(chosen, reader.treatments, 'treatment')}")
    return Part(reader, chosen)


def _opened(name: str) -> Reader:
    kind, _, folder = name.partition(":")
    if kind not in KINDS:
        raise UsageError(f"methods: {nearest(kind, KINDS, 'method')}")
    if bool(folder) == (kind == "lbp") and kind != "detector":
        raise UsageError(f"methods: expected {'lbp without a folder' if folder else f'{kind}:FOLDER'}, got {name!r}")
    return {"lbp": _lbp, "discovered": _discovered}.get(kind, _detector)(name, Path(folder))


def _lbp(name: str, folder: Path) -> Reader:
    from lineament.detectors.lbp import face_vectors

    # at 256 px the eyes of the frame are as far apart as in the canonical one, in which the patterns are counted
    return Reader(name, (256, 256), face_vectors, lambda raw: raw, "inverse_distance", ("published",))


def _detector(name: str, folder: Path) -> Reader:
    from lineament.detectors.calibrated import ValueDetector
    from lineament.detectors.detector import shipped
    from lineament.detectors.loading import load_any

    kind, _, given = name.partition(":")
    detector = load_any(folder) if given else shipped()
    if (held := detector.card["kind"]) != kind:
        raise UsageError(f"{name}: holds a {held}; write {held}:{folder}")
    if isinstance(detector, ValueDetector):  # log-odds are a straight line of its values, and so are standardised alike
        return Reader(name, detector.shape, detector.values, lambda raw: raw, "inverse_distance")
    return Reader(name, detector.shape, lambda images, eyes: detector(images, eyes).numpy(), sigmoid, "inner_product")


def _discovered(name: str, folder: Path) -> Reader:
    from lineament.detectors.discovery import load

    found = load(folder)

    def read(images: Tensor, eyes: Tensor) -> Vectors:
        return np.asarray(found.features(found.detector.embeddings(images, eyes)).clamp(1e-6).log().numpy())

    return Reader(name, found.detector.shape, read, np.exp, "inner_product")
