"""BlazeFace, short range: boxes and six key points of every face in a picture (Bazarevsky et al. 2019).

The network looks at a square of 128x128 px. A face that is small in the picture (eyes under 6 % of the longer side
apart) or that overfills it goes unseen, so a picture without a face is looked at again: with a margin, then in
overlapping tiles of a half and of a quarter of its longer side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.faces.align import check_photo
from lineament.faces.models import DETECTOR, infer

__all__ = ["KEYPOINTS", "Face", "anchors", "decode", "detect", "suppress"]

KEYPOINTS = ("right eye", "left eye", "nose tip", "mouth", "right ear", "left ear")
"""The key points in order; right and left are the person's own."""

SIDE = 128
THRESHOLD = 0.5
LOOKS = (1.0, 1.5, 0.5, 0.25)
"""Side of the square looked at, in longer sides of the picture, in the order tried until a face is found."""
CLOSE = 3.0
"""Faces under this share of the square (1 / 3) are looked at again in a square of three times their side."""

Found = tuple[NDArray[np.float32], NDArray[np.float32]]
"""``(n, 16)`` boxes and key points in pixels of the picture, and ``(n,)`` scores."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face; every position is (x, y) in fractions of the picture's width and height and may lie outside [0, 1].

    Attributes:
        box: ``(4,)`` left, top, right, bottom.
        score: the detector's probability that this is a face.
        keypoints: ``(6, 2)``, see ``KEYPOINTS``.
        eyes: ``(2, 2)`` eye centres, image-left first: from the landmarks if there are any, else from the key points.
        landmarks: ``(468, 3)``, or None before ``landmarks.mark``; the third value is depth in fractions of the width,
            smaller is nearer.
        presence: the landmark network's probability that it sees a face; None before ``landmarks.mark``.
    """

    box: NDArray[np.float32] = field(repr=False)
    score: float
    keypoints: NDArray[np.float32] = field(repr=False)
    eyes: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False)
    presence: float | None = None


def detect(image: NDArray[np.uint8]) -> list[Face]:
    """Every face of ``image`` ``(height, width, 3)`` uint8 whose score is at least ``THRESHOLD``, largest first.

    Raises:
        UsageError: not such an image, or the extra ``faces`` is not installed.
        JobError: the model files were not fetched.
    """
    height, width = check_photo(image).shape[:2]
    picture, size = Image.fromarray(image), np.array([width, height], dtype=np.float32)
    for look in LOOKS:
        seen = _merged([_look(picture, *square) for square in _squares(width, height, look)])
        small = look * max(width, height) / CLOSE
        rows, scores = _merged([_closer(picture, row, score, small) for row, score in zip(*seen, strict=True)])
        if len(rows):
            points = rows.reshape(-1, 8, 2) / size
            faces = [Face(p[:2].reshape(4), float(s), p[2:], p[2:4]) for p, s in zip(points, scores, strict=True)]
            return sorted(faces, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))
    return []


def _merged(found: list[Found]) -> Found:
    empty = np.zeros((0, 16), np.float32), np.zeros(0, np.float32)
    rows, scores = (np.concatenate(pieces) for pieces in zip(empty, *found, strict=True))
    return suppress(rows, scores)


def _closer(picture: Image.Image, row: NDArray[np.float32], score: float, small: float) -> Found:
    """A face of less than ``small`` pixels as seen from close by, which is exact; none if it is no face from there."""
    side = float(np.max(row[2:4] - row[:2]))
    if side >= small:
        return row[None], np.array([score], dtype=np.float32)
    left, top = (row[:2] + row[2:4] - CLOSE * side) / 2
    rows, scores = _merged([_look(picture, float(left), float(top), CLOSE * side)])
    middle = (row[:2] + row[2:4]) / 2
    here = np.abs((rows[:, :2] + rows[:, 2:4]) / 2 - middle).max(1) < side / 2
    return rows[here][:1], scores[here][:1]


def _squares(width: int, height: int, look: float) -> Iterator[tuple[float, float, float]]:
    """Squares (left, top, side) that cover the picture, in pixels; neighbours overlap by at least half."""
    side = look * max(width, height)
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, side


def _starts(length: float, side: float) -> NDArray[np.float64]:
    if side >= length:
        return np.array([(length - side) / 2])
    return np.linspace(0, length - side, 1 + int(np.ceil((length - side) / (side / 2) - 1e-9)))


def _look(picture: Image.Image, left: float, top: float, side: float) -> Found:
    """What the network sees in one square."""
    box = (round(left), round(top), round(left + side), round(top + side))
    square = picture.crop(box).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2
    )  # black where it leaves the picture
    seen = infer(DETECTOR, np.asarray(square, dtype=np.float32) / 127.5 - 1)
    rows, scores = decode(seen["regressors"], seen["classificators"][:, 0])
    kept = scores >= THRESHOLD
    extent = np.array([box[2] - box[0], box[3] - box[1]] * 8, dtype=np.float32)
    return rows[kept] * extent + np.array(box[:2] * 8, dtype=np.float32), scores[kept]


@cache
def anchors() -> NDArray[np.float32]:
    """``(896, 2)`` anchor centres (x, y) in fractions of the square: 16x16 cells with two each, 8x8 with six each."""
    grids = []
    for cells, each in ((16, 2), (8, 6)):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grids.append(np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2).repeat(each, 0))
    return np.concatenate(grids)


def decode(
    regressors: NDArray[np.float32], logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Network outputs to boxes and key points, in fractions of the square.

    Args:
        regressors: ``(896, 16)`` in pixels of the square: box centre, box size and six key points; all but the size
            are relative to the anchor.
        logits: ``(896,)``.

    Returns:
        ``(896, 16)`` left, top, right, bottom, then six (x, y); and ``(896,)`` probabilities.
    """
    offsets = regressors.reshape(-1, 8, 2) / SIDE
    centre, half = offsets[:, 0] + anchors(), offsets[:, 1] / 2
    points = np.concatenate(
        [(centre - half)[:, None], (centre + half)[:, None], offsets[:, 2:] + anchors()[:, None]], 1
    )
    return points.reshape(-1, 16), 1 / (1 + np.exp(-logits.clip(-80, 80)))


def suppress(
    rows: NDArray[np.float32], scores: NDArray[np.float32], overlap: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weighted non-maximum suppression: each best box becomes the score-weighted mean of all that overlap it.

    Args:
        rows: ``(n, 4 + k)``; the first four columns are left, top, right, bottom.
        scores: ``(n,)``.
        overlap: boxes whose intersection over union with the best exceeds this are the same face.

    Returns:
        ``(m, 4 + k)`` and ``(m,)``, best score first; a mean keeps the score of its best box.
    """
    merged, best = [], []
    rows, scores = (values[np.argsort(-scores, kind="stable")] for values in (rows, scores))
    area = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
    while len(rows):
        inner = np.minimum(rows[:, 2:4], rows[0, 2:4]) - np.maximum(rows[:, :2], rows[0, :2])
        shared = np.prod(inner.clip(0), axis=1)
        same = shared > overlap * (area + area[0] - shared)
        same[0] = True  # also a box without area, which overlaps nothing
        merged.append(np.average(rows[same], axis=0, weights=scores[same]))
        best.append(scores[0])
        rows, scores, area = rows[~same], scores[~same], area[~same]
    return np.array(merged, dtype=np.float32).reshape(-1, rows.shape[1]), np.array(best, dtype=np.float32)
