"""Video: clips as a set with one image a frame, read in order without decoding any frame twice (extra ``video``).

A folder of clips comes with a table ``clips.csv`` (columns ``clip``, ``subject`` and perhaps ``frames``, the length of
each clip), or with one folder a subject::

    clips.csv   yes.mkv   no.mkv          or          anna/yes.mkv   ben/no.mkv
"""

import atexit
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lineament.datasets.base import AttributeDataset
from lineament.datasets.files import image_paths, require, unique
from lineament.datasets.folder import read_table
from lineament.errors import JobError

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["VIDEO_SUFFIXES", "clip_set", "clips", "frames", "is_video"]

VIDEO_SUFFIXES = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm", ".wmv"})


def clips(root: str | Path) -> AttributeDataset:
    """Open a folder of clips; image ``i`` is one frame, its session the clip's name, its identity the subject.

    Subjects are numbered in the order of their sorted names. Everything is in the test part. Without a column
    ``frames``, opening the set walks through every clip once to count them, without decoding any.

    Raises:
        JobError: the folder has no clip, the table names one that is not there, or a clip cannot be read.
    """
    root = Path(root)
    table, counts = root / "clips.csv", None
    if table.exists():
        columns = read_table(table)
        if missing := {"clip", "subject"} - columns.keys():
            raise JobError(f"{table}: has no column {missing.pop()!r}; found {', '.join(columns)}")
        names, subjects = unique(columns["clip"], table), columns["subject"]
        paths = image_paths(root, names, table)
        if "frames" in columns:
            counts = [_count(cell, row + 2, table) for row, cell in enumerate(columns["frames"])]
    else:
        paths = sorted(path for path in require(root, "a folder of clips").glob("*/*") if is_video(path))
        names, subjects = [path.relative_to(root).as_posix() for path in paths], [path.parent.name for path in paths]
    if not paths:
        raise JobError(f"{root}: no clips; expected clips.csv, or one folder a subject with its clips")
    return clip_set("clips", paths, names, subjects, names, "the user's own", counts)


def _count(cell: str, line: int, table: Path) -> int:
    if not cell.isdecimal() or not 0 < len(cell) < 9:
        raise JobError(f"{table}: line {line}, column frames: {cell!r}; expected how many frames the clip has")
    return int(cell)


def is_video(path: Path) -> bool:
    """Whether a file's name says it is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def clip_set(
    name: str,
    paths: Sequence[Path],
    names: Sequence[str],
    subjects: Sequence[str],
    sessions: Sequence[str],
    licence: str,
    counts: Sequence[int] | None = None,
) -> AttributeDataset:
    """The set of all frames of the clips at ``paths``; the other lists give each clip's name, subject and session.

    ``counts`` are the clips' lengths in frames where they are known; otherwise the clips are walked through.
    """
    if counts is None:
        console = Console(stderr=True)
        steps = track(paths, f"counting frames of {name}", console=console, disable=not sys.stderr.isatty())
        counts = [len(_times(path)) for path in steps]
    clip = np.repeat(np.arange(len(paths)), counts)
    frame = np.concatenate([np.arange(count) for count in counts])
    _, person = np.unique(np.asarray(subjects), return_inverse=True)
    return AttributeDataset(
        name=name,
        read=ClipFrames(paths, clip, frame),
        names=[f"{names[c]}:{f:05}" for c, f in zip(clip.tolist(), frame.tolist(), strict=True)],
        attributes=(),
        labels=np.empty((len(clip), 0), dtype=np.int8),
        identity=person[clip].astype(np.int64),
        session=np.asarray(sessions)[clip],
        split=np.full(len(clip), 2, dtype=np.int8),
        licence=licence,
        sources=paths,
    )


@dataclass(frozen=True)
class ClipFrames:
    """``read`` of a set of frames: image ``i`` is frame ``frame[i]`` of ``paths[clip[i]]``."""

    paths: Sequence[Path]
    clip: NDArray[np.int64]
    frame: NDArray[np.int64]

    def __call__(self, i: int) -> NDArray[np.uint8]:
        """One frame, ``(height, width, 3)`` uint8; going on where the last call stopped decodes one frame only."""
        return _playing.frame(self.paths[self.clip[i]], int(self.frame[i]))


def frames(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame of one clip in order, ``(height, width, 3)`` uint8; raises ``JobError`` naming a torn file."""
    with _opened(Path(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


@contextmanager
def _opened(path: Path) -> "Iterator[InputContainer]":
    try:
        import av
    except ImportError:
        raise JobError("reading video needs PyAV: pip install 'lineament[video]'") from None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise JobError(f"{path}: has no video stream")
            yield container
    except (av.FFmpegError, OSError) as error:
        raise JobError(f"{path}: not a readable video, or cut off ({error})") from None


@lru_cache(maxsize=256)
def _times(path: Path) -> NDArray[np.int64]:
    """The presentation time of every frame, ascending, in the stream's units; found without decoding."""
    with _opened(path) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size]
    if not times or None in times:
        raise JobError(
            f"{path}: {'its frames carry no times' if times else 'holds no frame'}; convert it to mp4 or mkv"
        )
    return np.sort(np.array(times, dtype=np.int64))


def _walk(path: Path, first: int) -> "Iterator[NDArray[np.uint8]]":
    """The frames of a clip from number ``first`` on; seeks to the key frame before it and decodes from there."""
    start = int(_times(path)[first])
    with _opened(path) as container:
        container.seek(start, stream=container.streams.video[0])
        for frame in container.decode(video=0):
            if frame.pts is not None and frame.pts >= start:
                yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


class _Playing:
    """The clip that this process is reading: one decoder is open at a time, and it knows how far it has come."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.process = os.getpid()
        self.at: tuple[Path, int] | None = None  # clip, number of the next frame
        self.rest: Iterator[NDArray[np.uint8]] = iter(())
        self.inherited: list[object] = []

    def frame(self, path: Path, number: int) -> NDArray[np.uint8]:
        with self.lock:
            if number >= (length := len(_times(path))):
                raise JobError(f"{path}: has {length} frames, frame {number} was listed; cut off?")
            if self.process != os.getpid():  # a decoder does not survive a fork, and closing it would wait for ever
                self.inherited.append(self.rest)  # on threads that only the parent has
                self.process, self.at = os.getpid(), None
            if self.at != (path, number):
                self.rest = _walk(path, number)
            self.at = None
            image = next(self.rest, None)
            if image is None:
                raise JobError(f"{path}: ends before frame {number}; cut off?")
            self.at = (path, number + 1)
            return image


_playing = _Playing()


@atexit.register
def _stop() -> None:
    """Close the open clip while PyAV is still there to do it."""
    if _playing.process == os.getpid():
        _playing.rest = iter(())
