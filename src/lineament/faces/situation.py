"""What keeps a picture from being judged: no face, several, too small, dark, over-exposed, blurred or turned away.

Light and sharpness are measured on the face alone, aligned so that its eyes are 24 px apart in 60x60 px.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lineament.errors import UsageError
from lineament.faces.align import Frame, align, check_photo
from lineament.faces.detector import Face

__all__ = ["FRAME", "Limits", "Situation", "assess", "blur"]

FRAME = Frame(((0.3, 0.36), (0.7, 0.36)), 60, 60)
"""The face as it is measured: from the brows to the chin, little else."""

FOREHEAD, CHIN, RIGHT_EAR, LEFT_EAR = 10, 152, 234, 454


@dataclass(frozen=True)
class Limits:
    """Where a picture stops being usable.

    With these limits 477 of 500 CelebA faces pass (20 are turned), 200 of 200 ORL, 162 of 164 Yale (side light), and
    133 of 134 video frames. At a quarter of its light every one of 250 of them is refused, at double brightness 84 %,
    under a Gaussian blur of 8 % of the eye distance every one, under one of 4 % half.

    Attributes:
        eye_distance: least distance between the eyes, in pixels; the smallest of 300 CelebA faces has 20.
        dark: least mean luminance of the face, 0 to 255. Half of CelebA lies between 112 and 141. Extended Yale B with
            the lamp up to 12 degrees from the camera has at least 82; beyond 50 degrees a quarter lies under 45.
        over_exposed: largest share of the face at 250 or more of 255; 99 % of CelebA lie under 0.05, the same at
            double brightness have a median of 0.49.
        blurred: largest blur effect, 0 sharp to 1; 99 % of CelebA lie under 0.75, blurred by 8 % of the eye distance
            all lie over 0.82.
        yaw: largest turn to the side, in degrees either way; 30 looks like a half profile.
        pitch: largest turn up or down, in degrees either way; faces that look straight ahead have about 8.
    """

    eye_distance: float = 16.0
    dark: float = 45.0
    over_exposed: float = 0.2
    blurred: float = 0.77
    yaw: float = 30.0
    pitch: float = 35.0


@dataclass(frozen=True)
class Situation:
    """What was measured, of the largest face, and what is wrong with it.

    Attributes:
        faces: how many there are.
        luminance: mean, 0 to 255; of the whole picture if it has no face.
        eye_distance: in pixels; like everything below None without a face.
        clipped: share of the face at 250 or more of 255.
        blur: blur effect, 0 sharp to 1.
        yaw, pitch: turn in degrees, positive when the image-left cheek or the forehead is nearer to the camera.
        problems: each problem's name (``none``, ``several``, ``too_small``, ``dark``, ``over_exposed``, ``blurred``,
            ``turned``) to a sentence that says what to do; empty if the picture is usable.
    """

    faces: int
    luminance: float
    eye_distance: float | None
    clipped: float | None
    blur: float | None
    yaw: float | None
    pitch: float | None
    problems: dict[str, str]

    @property
    def sentence(self) -> str:
        """All problems in words, or that there are none."""
        return " ".join(self.problems.values()) or "One face, well visible."


def assess(image: NDArray[np.uint8], faces: Sequence[Face], limits: Limits = Limits()) -> Situation:
    """Measure ``image`` ``(height, width, 3)`` uint8 with the ``faces`` that ``find`` saw in it, and say what is wrong.

    Raises:
        UsageError: not such an image, or faces without landmarks.
    """
    height, width = check_photo(image).shape[:2]
    if not faces:
        seen = Situation(0, float(_grey(image).mean()), None, None, None, None, None, {})
    else:
        eyes, grey = faces[0].eyes * (width, height), _grey(align(image, faces[0].eyes, FRAME))
        distance, clipped = float(np.hypot(*(eyes[1] - eyes[0]))), float((grey >= 250).mean())
        yaw, pitch = _turn(faces[0], width, height)
        seen = Situation(len(faces), float(grey.mean()), distance, clipped, blur(grey), yaw, pitch, {})
    return replace(seen, problems=dict(_problems(seen, limits)))


def _problems(seen: Situation, limits: Limits) -> Iterator[tuple[str, str]]:
    """Every limit that is not kept, with its sentence; without a face only darkness can still be told."""
    if not seen.faces:
        yield "none", "No face is in the picture: look into the camera."
    if seen.faces > 1:
        yield "several", f"{seen.faces} faces are in the picture: only one may be."
    if seen.eye_distance is not None and seen.eye_distance < limits.eye_distance:
        apart = f"its eyes are {seen.eye_distance:.0f} px apart, {limits.eye_distance:.0f} needed"
        yield "too_small", f"The face is too small: come closer ({apart})."
    if seen.luminance < limits.dark:
        yield (
            "dark",
            f"It is too dark: find more light (brightness {seen.luminance:.0f} of 255, {limits.dark:.0f} needed).",
        )
    if (seen.clipped or 0) > limits.over_exposed:
        yield "over_exposed", f"The face is over-exposed: turn from the light ({seen.clipped:.0%} of it is white)."
    if (seen.blur or 0) > limits.blurred:
        yield "blurred", f"The face is blurred: hold still (blur {seen.blur:.2f}, at most {limits.blurred:.2f})."
    if abs(seen.yaw or 0) > limits.yaw or abs(seen.pitch or 0) > limits.pitch:
        turn = f"yaw {seen.yaw:+.0f}, pitch {seen.pitch:+.0f} degrees"
        yield "turned", f"The face is turned away: look straight ahead ({turn})."


def blur(grey: NDArray[np.float64]) -> float:
    """Blur effect of a grey image ``(height, width)``, 0 sharp to 1, by how little more blurring changes it.

    Crété, Dolmiere, Ladret and Nicolas, The blur effect (2007): the share of the edges that outlives a mean over five
    pixels, on the axis where it is larger; an image without any edge counts as 1.
    """
    inside = (slice(2, -1), slice(2, -1))
    shares = []
    for axis in (0, 1):
        edges = np.abs(ndimage.sobel(grey, axis))[inside]
        softer = np.abs(ndimage.sobel(ndimage.uniform_filter1d(grey, 5, axis), axis))[inside]
        shares.append(1 - np.maximum(0, edges - softer).sum() / edges.sum() if edges.any() else 1.0)
    return float(max(shares))


def _grey(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey: NDArray[np.float64] = image @ np.array([0.299, 0.587, 0.114])
    return grey


def _darkness(luminance: float, limits: Limits) -> dict[str, str]:
    if luminance >= limits.dark:
        return {}
    return {"dark": f"It is too dark: find more light (brightness {luminance:.0f} of 255, {limits.dark:.0f} needed)."}


def _turn(face: Face, width: int, height: int) -> tuple[float, float]:
    """Yaw and pitch in degrees: how steeply the line from ear to ear, and from forehead to chin, runs into depth."""
    if face.landmarks is None:
        raise UsageError("faces: the situation needs landmarks; take the faces from landmarks.find")
    points = face.landmarks * (width, height, width)
    across, down = points[LEFT_EAR] - points[RIGHT_EAR], points[CHIN] - points[FOREHEAD]
    yaw, pitch = (float(np.degrees(np.arctan2(z, np.hypot(x, y)))) for x, y, z in (across, down))
    return yaw, pitch
