"""The audit log: one JSON line an event, each carrying the hash of the one before it.

It holds who asked for whom and what came of it; no image, no reading, no template, no key. A line that was changed,
added or taken out breaks the chain from there on. Lines cut off at the end do not show by themselves, and somebody who
may write the file can write a new chain: both show against a head (number and hash of the last line) noted elsewhere,
so the service prints it when it starts and when it stops.
"""

import hashlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from lineament.errors import JobError

if sys.platform != "win32":
    import fcntl

__all__ = ["AuditLog", "Head", "check"]

MAX_LINE = 1 << 16
"""No line is longer; only so much of the end of a file is read to go on with it."""


class Head(NamedTuple):
    """The last line of a log: its number, from 1, and its hash. An empty log has number 0."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


EMPTY = Head(0, "0" * 64)


class AuditLog:
    """An audit log open for writing; it only ever grows.

    Args:
        path: the file; one that is there is gone on with, and a line torn by a power cut is left and noted as such.

    Raises:
        JobError: the file cannot be opened, another service has it open, or its last whole line is none of ours.
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._lock = Path(path), threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise JobError(f"{path}: could not be opened ({error.strerror or error})") from None
        try:
            _lock(self._file, self.path)
            self.head, torn = _end(self._file, self.path)
            if torn:
                self._append(b"\n")
                self.write("torn", bytes=torn)
        except JobError:
            os.close(self._file)
            raise

    def write(self, event: str, **facts: str | int | float | None) -> None:
        """Append one event; ``JobError`` if the disk does not take it, and then nothing may be granted."""
        with self._lock:
            body = {"number": self.head.number + 1, "time": datetime.now(UTC).isoformat(), "event": event, **facts}
            digest = _hash(self.head.hash, body)
            self._append(json.dumps({**body, "hash": digest}).encode() + b"\n")
            self.head = Head(self.head.number + 1, digest)

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) == len(line):  # one call, so that a kill leaves all of it or nothing
                return
            os.ftruncate(self._file, before)  # half a line would be glued to the next
        except OSError as error:
            raise JobError(f"{self.path}: could not be written ({error.strerror or error})") from None
        raise JobError(f"{self.path}: could not be written whole; is the disk full?")

    def close(self) -> None:
        """Bring it to the disk and let it go."""
        os.fsync(self._file)
        os.close(self._file)


def check(path: str | Path, noted: str | None = None) -> Head:
    """Read a whole log and return its head; ``JobError`` names the first line that does not follow from the others.

    ``noted`` is a head that somebody wrote down before (as text); a log without that line is refused too.
    """
    path, head, torn, met = Path(path), EMPTY, 0, noted in (None, str(EMPTY))
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                entry = _entry(line)
                if entry is None and not torn:
                    torn = len(line.rstrip(b"\n"))
                    continue
                follows = entry is not None and _follows(head, entry)
                if entry is None or not follows or (torn and entry.get("bytes") != torn):
                    raise JobError(
                        f"{path}: line {number} does not follow from those before: changed, added or removed"
                    )
                head, torn = Head(head.number + 1, str(entry["hash"])), 0
                met = met or str(head) == noted
    except OSError as error:
        raise JobError(f"{path}: could not be read ({error.strerror or error})") from None
    if torn:
        raise JobError(f"{path}: the last line is torn or changed; the {head.number} before it hold")
    if not met:
        raise JobError(f"{path}: has no line {noted}: it was cut off, or written anew, since that was noted")
    return head


def _lock(file: int, path: Path) -> None:
    """Keep other services from the file until it is closed; on Windows nothing does."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = "another service writes to it, and two would break its chain; name another file with --audit"
            raise JobError(f"{path}: {told}") from None
        except OSError as error:
            raise JobError(f"{path}: could not be locked ({error.strerror or error})") from None


def _hash(previous: str, body: Mapping[str, object]) -> str:
    return hashlib.sha256(previous.encode() + json.dumps(body).encode()).hexdigest()


def _entry(line: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(line) if line.endswith(b"\n") and len(line) <= MAX_LINE else None
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("hash"), str) else None


def _follows(head: Head, entry: dict[str, object]) -> bool:
    body = {name: value for name, value in entry.items() if name != "hash"}
    return entry.get("number") == head.number + 1 and _hash(head.hash, body) == entry["hash"]


def _end(file: int, path: Path) -> tuple[Head, int]:
    """The head of an open log, and the length of a torn line after it."""
    size = os.fstat(file).st_size
    end = os.pread(file, 2 * MAX_LINE, max(0, size - 2 * MAX_LINE))
    whole, _, torn = end.rpartition(b"\n")
    if not whole:
        return EMPTY, len(torn)
    entry = _entry(whole.rpartition(b"\n")[2] + b"\n")
    if entry is None or not isinstance(entry.get("number"), int):
        raise JobError(f"{path}: does not end with a line of an audit log; name another file, or move this one away")
    return Head(int(str(entry["number"])), str(entry["hash"])), len(torn)
