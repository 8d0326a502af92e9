"""The 468-point face mesh: exact eyes, mouth and outline of a face that the detector found (Kartynnik et al. 2019)."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lineament.faces.align import check_photo, resample
from lineament.faces.detector import Face, detect
from lineament.faces.models import LANDMARKS, infer

__all__ = ["EYE_CORNERS", "find", "mark"]

EYE_CORNERS = ((33, 133), (362, 263))
"""Landmarks at the corners of the image-left and the image-right eye; unlike lids they stay put in a blink."""

SIDE = 192
MARGIN = 1.5
"""Side of the square handed to the network, in longer sides of the detector's box; as it was trained."""


def find(image: NDArray[np.uint8]) -> list[Face]:
    """Every face of ``image`` ``(height, width, 3)`` uint8 with its landmarks, largest first.

    Faces that the landmark network does not confirm (presence under 0.5) are left out.

    Raises:
        UsageError: not such an image, or the extra ``faces`` is not installed.
        JobError: the model files were not fetched.
    """
    marked = [mark(image, face) for face in detect(image)]
    return [face for face in marked if (face.presence or 0) >= 0.5]


def mark(image: NDArray[np.uint8], face: Face) -> Face:
    """``face`` with ``landmarks``, ``presence`` and exact ``eyes``, from a square turned so that its eyes are level."""
    height, width = check_photo(image).shape[:2]
    size = np.array([width, height], dtype=np.float64)
    left, right = (complex(*point) for point in face.keypoints[:2] * size)
    corners = face.box.reshape(2, 2) * size
    side = MARGIN * float(np.max(corners[1] - corners[0]))
    turn = (right - left) / (abs(right - left) or 1) or 1
    scale = turn * side / SIDE
    shift = complex(*corners.mean(0)) - scale * complex(SIDE, SIDE) / 2
    seen = infer(LANDMARKS, resample(image, scale, shift, SIDE, SIDE).astype(np.float32) / np.float32(255))
    mesh, logit = seen["conv2d_21"].reshape(-1, 3), float(seen["conv2d_31"].item())
    places = scale * (mesh[:, 0] + 1j * mesh[:, 1]) + shift
    landmarks = np.stack([places.real / width, places.imag / height, mesh[:, 2] * abs(scale) / width], 1)
    eyes = np.stack([landmarks[list(pair), :2].mean(0) for pair in EYE_CORNERS])
    return replace(
        face,
        eyes=eyes.astype(np.float32),
        landmarks=landmarks.astype(np.float32),
        presence=float(1 / (1 + np.exp(-np.clip(logit, -80, 80)))),
    )
