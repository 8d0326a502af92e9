"""Where pictures come from: a clip, a folder of pictures, or a camera, each picture with its time in seconds.

Clips and folders carry times of their own, so what is decided on them can be decided again; a camera has the clock of
the machine, and a picture that nobody had time for is dropped, so that what is seen is never old.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.clips import is_video
from lineament.datasets.files import IMAGE_SUFFIXES, require
from lineament.errors import JobError, UsageError
from lineament.images import is_grey, read_image

__all__ = ["CAMERAS", "Picture", "camera", "clip", "paced", "pictures", "still", "stills", "thinned"]

Picture = tuple[float, NDArray[np.uint8] | None]
"""When, in seconds of the source's clock, and what: ``(height, width, 3)`` uint8 RGB; None if the source is silent."""

Thing = TypeVar("Thing")

CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "video={}")}
"""Platform to FFmpeg's name for its cameras, and what a camera's name or number is put into."""

SLACK = 0.5
"""A clip may end so many seconds, or a tenth of it, before the length that it says it has: the last frame has a length
too, and ends are rounded."""

PATIENCE = 1.0
"""A camera that sends nothing for so many seconds counts as silent."""


def pictures(
    source: str, *, rate: float = 10.0, seconds: float = float("inf"), speed: float = 1.0
) -> Iterator[Picture]:
    """The pictures of whatever ``source`` names.

    Args:
        source: a video, a picture, a folder of pictures, or ``camera``, ``camera:1``, ``camera:NAME``.
        rate: at most so many pictures a second; those of a folder are this far apart.
        seconds: stop after this time.
        speed: how much faster than its own time a clip or a folder is played; infinity for as fast as it goes.

    Raises:
        UsageError: ``rate``, ``seconds`` or ``speed`` is not positive, ``rate`` is not finite, or this platform's
            cameras are not known.
        JobError: there is no such thing, it cannot be read, or it breaks off; from the iterator.
    """
    for name, value in {"rate": rate, "seconds": seconds, "speed": speed}.items():
        if not value > 0:
            raise UsageError(f"--{name}: expected a number above 0, got {value}")
    if rate == float("inf"):
        raise UsageError("--rate: expected a finite number above 0, got inf; a large one takes every picture")
    if source == "camera" or source.startswith("camera:"):
        played = thinned(camera(source.partition(":")[2]), rate)
    elif is_video(require(Path(source), "a clip, a picture, a folder of pictures, or camera[:NAME]")):
        played = paced(thinned(clip(Path(source)), rate), speed)
    else:
        played = paced(stills(Path(source), rate), speed)
    return _until(played, seconds)


def clip(path: Path) -> Iterator[Picture]:
    """Every frame of a video at its own time; raises ``JobError`` if it is torn, or has no frame or no times."""
    if not path.is_file():  # also keeps FFmpeg from taking the name for an address
        raise JobError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    yield from _decoded(str(path), str(path))


def stills(path: Path, rate: float) -> Iterator[Picture]:
    """One picture, or those of a folder in the order of their names, ``1 / rate`` seconds apart."""
    paths = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES) if path.is_dir() else [path]
    if not paths:
        raise JobError(f"{path}: no picture in it ({', '.join(sorted(IMAGE_SUFFIXES))})")
    for number, picture in enumerate(paths):
        yield number / rate, still(picture)


def still(path: Path) -> NDArray[np.uint8]:
    """One picture file, ``(height, width, 3)`` uint8; a grey one is refused, for detectors of colour misread it."""
    image = read_image(path)
    if is_grey(path):
        raise JobError(f"{path}: is grey, and detectors are trained on colour pictures; take one in colour")
    return image


def camera(device: str = "", *, kind: str | None = None, patience: float = PATIENCE) -> Iterator[Picture]:
    """The newest picture of a camera whenever one is asked for, at the time it came (``time.monotonic``).

    Args:
        device: its name or number; the first one unless given.
        kind: FFmpeg's name for the kind of device; this platform's cameras unless given.
        patience: after so many seconds without a picture one is given that is None.

    Raises:
        UsageError: this platform's cameras are not known, or need a name.
        JobError: it cannot be opened, is in use, or is lost; the message names it.
    """
    name, kind = (device, kind) if kind else _camera_name(device)
    slot: Queue[Picture | Exception] = Queue(maxsize=1)
    stopped = Event()
    Thread(target=_film, args=(name, kind, slot, stopped), daemon=True, name=f"camera {name}").start()
    try:
        while True:
            try:
                came = slot.get(timeout=patience)
            except Empty:
                came = (time.monotonic(), None)
            if isinstance(came, Exception):
                raise came
            yield came
    finally:
        stopped.set()


def thinned(played: Iterator[Picture], rate: float) -> Iterator[Picture]:
    """The first picture of every ``1 / rate`` seconds, counted from the first one's time."""
    first, last = None, -1
    for moment, image in played:
        first = moment if first is None else first
        if (number := int((moment - first) * rate + 1e-6)) > last:
            yield moment, image
            last = number


def paced(played: Iterator[tuple[float, Thing]], speed: float) -> Iterator[tuple[float, Thing]]:
    """Each thing when its time has come, ``speed`` times faster than its own clock; none is ever left out."""
    began = None
    for moment, thing in played:
        began = time.monotonic() - moment / speed if began is None else began
        time.sleep(max(0.0, began + moment / speed - time.monotonic()))
        yield moment, thing


def _until(played: Iterator[Picture], seconds: float) -> Iterator[Picture]:
    end = None
    for moment, image in played:
        end = moment + seconds if end is None else end
        if moment >= end:
            return
        yield moment, image


def _camera_name(device: str) -> tuple[str, str]:
    if sys.platform not in CAMERAS:
        raise UsageError(f"camera: unknown on {sys.platform}; known: {', '.join(CAMERAS)}. Record a clip instead")
    kind, pattern = CAMERAS[sys.platform]
    if kind == "dshow" and not device:
        raise UsageError("camera: name it as Windows does, such as 'camera:Integrated Camera'")
    if kind == "v4l2" and device and not device.isdecimal():  # a path
        return device, kind
    return pattern.format(device or "0"), kind


def _film(name: str, kind: str, slot: "Queue[Picture | Exception]", stopped: Event) -> None:
    """Keep the newest picture in ``slot`` until ``stopped``; the last thing in it is why there are no more."""
    came: Picture | Exception = JobError(f"camera {name}: it stopped sending")
    try:
        for _, image in _decoded(name, f"camera {name}", kind):
            if stopped.is_set():
                return
            _put(slot, (time.monotonic(), image))
    except Exception as error:  # whatever ends this thread, the monitor must hear of it
        came = error
    _put(slot, came)


def _put(slot: "Queue[Picture | Exception]", came: Picture | Exception) -> None:
    with suppress(Empty):
        slot.get_nowait()
    slot.put(came)


def _decoded(address: str, name: str, kind: str | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    try:
        import av
    except ImportError:
        raise JobError("clips and cameras need PyAV: pip install 'lineament[video]'") from None
    count, first, last, seconds, expected = 0, 0.0, 0.0, 0.0, ""
    try:
        with av.open(address, format=kind) as container:
            if not container.streams.video:
                raise JobError(f"{name}: has no video stream")
            seconds, expected = _promised(container)
            for frame in container.decode(video=0):
                if frame.time is None:
                    raise JobError(f"{name}: its frames carry no times; convert it to mp4 or mkv")
                yield frame.time, np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                first, last, count = frame.time if not count else first, frame.time, count + 1
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if count:
            raise JobError(f"{name}: breaks off after {count:,} frames{expected} ({reason})") from None
        if kind is None and not isinstance(error, PermissionError):
            raise JobError(f"{name}: not a clip that can be read (empty, damaged, or another kind of file)") from None
        raise JobError(f"{name}: not there, in use, or not readable ({reason})") from None
    if not count:
        raise JobError(f"{name}: holds no frame")
    if seconds - (last - first) > max(SLACK, 0.1 * seconds):
        raise JobError(f"{name}: breaks off after {count:,} frames{expected}")


def _promised(container: Any) -> tuple[float, str]:
    """Seconds that a clip says it lasts (0 if it does not, or its sound may last longer), and its frames in words."""
    stream, seconds = container.streams.video[0], (container.duration or 0) / 1e6
    frames = stream.frames or round(seconds * (stream.average_rate or 0))
    words = f" of some {frames:,} that it should have" if frames else ""
    return (seconds if len(container.streams) == 1 else 0.0), words
