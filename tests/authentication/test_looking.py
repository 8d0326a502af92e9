"""Looking: one face is aligned, no face and two are told, and whatever happens to a source, the last word is lost."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lineament.authentication.looking import frame_of, look, observations, take_as_framed
from lineament.authentication.monitor import Observation
from lineament.authentication.sources import Picture
from lineament.detectors.detector import shipped
from lineament.errors import JobError
from lineament.faces.align import Frame
from tests.faces.conftest import astronaut, face_models

__all__ = ["astronaut", "face_models"]

FRAME = Frame(((0.3, 0.4), (0.7, 0.4)), 96, 80)
DARK = np.zeros((8, 8, 3), np.uint8)


def test_a_face_comes_aligned_with_its_eyes_where_the_frame_has_them(face_models, astronaut) -> None:
    seen = look(1.5, astronaut, FRAME)
    assert seen.time == 1.5 and not seen.problems
    assert seen.image.shape == (80, 96, 3)
    again = look(0, np.asarray(seen.image), FRAME)
    np.testing.assert_allclose(seen.eyes, FRAME.eyes, atol=1e-6)
    assert np.abs(again.image.astype(int) - seen.image).mean() < 20  # aligned already: nearly nothing moves


def test_two_faces_and_none_are_told(face_models, astronaut) -> None:
    twice = look(0, np.concatenate([astronaut, astronaut], 1), FRAME)
    assert "several" in twice.problems
    empty = look(0, np.full((200, 200, 3), 120, np.uint8), FRAME)
    assert set(empty.problems) == {"none"} and empty.image is None


def test_stages_are_measured(face_models, astronaut) -> None:
    from contextlib import contextmanager

    stages = []

    @contextmanager
    def timer(stage: str) -> Iterator[None]:
        stages.append(stage)
        yield

    look(0, astronaut, FRAME, timer)
    assert stages == ["face", "situation"]


def test_a_framed_crop_is_only_brought_to_size() -> None:
    seen = take_as_framed(2.0, DARK, FRAME)
    assert seen.image.shape == (80, 96, 3) and seen.eyes is None and not seen.problems


def test_a_detector_says_its_frame() -> None:
    detector = shipped()
    frame = frame_of(detector)
    assert (frame.height, frame.width) == detector.shape
    np.testing.assert_allclose(frame.eyes, detector.eyes)
    assert frame_of(object()).width == 128  # type: ignore[arg-type]  # one that does not say


def played(count: int, error: Exception | None) -> Iterator[Picture]:
    for n in range(count):
        yield float(n), DARK
    if error:
        raise error


def seen(time: float, image: NDArray[np.uint8]) -> Observation:
    return Observation(time, image)


def test_the_last_word_of_a_source_that_ends_is_that_it_is_lost() -> None:
    told = list(observations(played(2, None), seen))
    assert [bool(observation.problems) for observation in told] == [False, False, True]
    assert told[1].time < told[2].time == pytest.approx(1)
    assert told[2].problems == {"lost": "The source has ended."} and told[2].image is None


def failing(time: float, image: NDArray[np.uint8]) -> Observation:
    if time:
        raise ZeroDivisionError("in the face detector")
    return seen(time, image)


@pytest.mark.parametrize(
    ("film", "look", "words"),
    [
        (played(1, JobError("camera 0: it stopped sending")), seen, "camera 0: it stopped sending"),
        (played(1, MemoryError("all of it")), seen, "all of it"),
        (played(3, None), failing, "in the face detector"),
    ],
)
def test_whatever_fails_locks_first_and_is_told_then(film, look, words) -> None:
    told = observations(film, look)
    assert not next(told).problems
    lost = next(told)
    assert lost.time > 0 and words in lost.problems["lost"]
    with pytest.raises(JobError, match=words):
        next(told)


def test_a_source_that_fails_at_once_is_an_error() -> None:
    with pytest.raises(JobError, match="no such camera"):
        list(observations(played(0, JobError("no such camera")), seen))


def test_a_silent_camera_is_an_observation_without_face() -> None:
    (silence, _) = observations(iter([(3.0, None)]), seen)
    assert silence.image is None and "no picture" in silence.problems["none"]
