"""A picture becomes an observation: its face is found, its situation judged, and the face brought into the frame."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.monitor import Observation
from lineament.authentication.sources import PATIENCE, Picture
from lineament.datasets.celeba import LOOSE_EYES
from lineament.datasets.pixels import resized
from lineament.errors import JobError, LineamentError
from lineament.faces.align import Frame, align, check_photo
from lineament.faces.landmarks import find
from lineament.faces.situation import assess
from lineament.subject import AttributeDetector

__all__ = ["Look", "Timer", "frame_of", "look", "observations", "take_as_framed"]

Look = Callable[[float, NDArray[np.uint8]], Observation]
"""Time in seconds and picture ``(height, width, 3)`` uint8 to an observation."""

SILENT = f"The camera has sent no picture for {PATIENCE:g} s."

Timer = Callable[[str], AbstractContextManager[object]]
"""A stage's name to a context in which it runs; ``nullcontext`` where nobody measures."""


def frame_of(detector: AttributeDetector) -> Frame:
    """How a detector was trained to see faces; looser CelebA crops of 128 px for one that does not say."""
    height, width = getattr(detector, "shape", (128, 128))
    left, right = np.asarray(getattr(detector, "eyes", LOOSE_EYES), dtype=float).tolist()
    return Frame(((left[0], left[1]), (right[0], right[1])), width, height)


def look(time: float, image: NDArray[np.uint8], frame: Frame, timer: Timer = nullcontext) -> Observation:
    """Find the face in a photo or video frame, say what is wrong with the picture, and align the face.

    Args:
        time: of the picture, in seconds.
        image: ``(height, width, 3)`` uint8 RGB.
        frame: of the detectors.
        timer: measures the stages ``"face"`` and ``"situation"``.

    Returns:
        With several faces the largest one's image, which the monitor does not read; without one no image.

    Raises:
        UsageError: not such an image.
        JobError: the extra ``faces`` is not installed, or the face models were not fetched.
    """
    with timer("face"):
        faces = find(image)
    with timer("situation"):
        problems = assess(image, faces).problems
        if not faces:
            return Observation(time, problems=problems)
        return Observation(time, align(image, faces[0].eyes, frame), np.array(frame.eyes, np.float32), problems)


def take_as_framed(time: float, image: NDArray[np.uint8], frame: Frame) -> Observation:
    """A crop that is aligned already, as those of the training set were: nothing is looked for, and nothing judged."""
    return Observation(time, resized(check_photo(image), (frame.height, frame.width)))


def observations(played: Iterator[Picture], look: Look) -> Iterator[Observation]:
    """What the monitor is told of a source, to its end and whatever happens.

    The last observation always says that the source is lost: it ended, or it or the look at a picture failed; then the
    failure is raised as ``JobError``. What fails on the first picture already is raised at once, for nothing was seen.
    """
    time = None
    try:
        for moment, image in played:
            yield look(moment, image) if image is not None else Observation(moment, problems={"none": SILENT})
            time = moment
    except Exception as error:  # of any kind: whatever it is, it must lock
        if time is None:
            raise
        yield _lost(time, f"The source was lost: {error}")
        raise error if isinstance(error, LineamentError) else JobError(f"{type(error).__name__}: {error}") from error
    if time is not None:
        yield _lost(time, "The source has ended.")


def _lost(time: float, sentence: str) -> Observation:
    return Observation(math.nextafter(time, math.inf), problems={"lost": sentence})  # a clock that stood still is none
