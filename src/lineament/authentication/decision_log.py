"""The log of decisions: JSON lines from which every decision can be made again, bit for bit. It holds no image.

The first line names the policy and the stages, every other one what was observed, read and decided. Readings tell what
a person looks like, so the file is readable by its owner alone; templates appear by their hash only.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.cascade import Stage
from lineament.authentication.monitor import Decision, Monitor, Observation, Policy
from lineament.errors import JobError, LineamentError

__all__ = ["FORMAT", "DecisionLog", "replay"]

FORMAT = 1

MAX_LINE = 1 << 20
"""Longer lines are refused: one of three stages of 100 attributes takes some 8 kB."""


class DecisionLog:
    """A log being written, one line a decision, each on the disk's way before the next is made; a context manager.

    Args:
        path: a new file; ``JobError`` if it exists or cannot be made.
        monitor: whose decisions it will hold, from its first one on.
    """

    def __init__(self, path: str | Path, monitor: Monitor) -> None:
        self.path = Path(path)
        try:
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii")
        except FileExistsError:
            raise JobError(f"{path}: exists; a log is never overwritten, name a new file") from None
        except OSError as error:
            raise JobError(f"{path}: could not be made ({error.strerror or error})") from None
        self._write({"format": FORMAT, "policy": asdict(monitor.policy), "stages": _stages(monitor.stages)})

    def __enter__(self) -> "DecisionLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, observation: Observation | float, decision: Decision) -> None:
        """Add what was observed, or the time of a tick, and the decision on it; ``JobError`` if the disk fails."""
        seen = observation if isinstance(observation, Observation) else Observation(observation)
        line = {"time": _plain(seen.time), "tick": seen is not observation, "face": seen.image is not None}
        self._write(line | {"problems": dict(seen.problems), "decision": asdict(decision)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line, allow_nan=False, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise JobError(f"{self.path}: could not be written ({error.strerror or error})") from None


def replay(path: str | Path, stages: Sequence[Stage]) -> list[Decision]:
    """Make every decision of a log again, from its readings alone, by the policy it names.

    A last line that was cut off, as by a loss of power, is left out. Bits are equal on the same machine and versions.

    Args:
        path: what a `DecisionLog` wrote.
        stages: with the templates and cohorts of then; their detectors are not asked.

    Raises:
        JobError: not such a log, one of other templates, or a decision that comes out differently; names the line.
    """
    lines = _lines(Path(path))
    tape = _Tape()
    try:
        head = next(lines)
        if head["format"] != FORMAT or head["stages"] != _stages(stages):
            raise JobError(f"{path}: line 1: of another format, or of other templates than those given")
        played = [replace(stage, read=partial(tape.read, number)) for number, stage in enumerate(stages)]
        monitor = Monitor(played, Policy(**head["policy"]))
        decisions = []
        for number, line in enumerate(lines, 2):
            decisions.append(_again(monitor, tape, line))
            if json.loads(json.dumps(asdict(decisions[-1]))) != line["decision"]:
                raise JobError(f"{path}: line {number}: the decision comes out differently, so the log was changed")
    except StopIteration:
        raise JobError(f"{path}: holds no whole line") from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LineamentError):
            raise JobError(f"{path}: {error}") from None
        raise JobError(f"{path}: not a log of decisions ({type(error).__name__}: {error})") from None
    return decisions


@dataclass
class _Tape:
    """What the stages said in one line of the log, in place of detectors."""

    readings: list[list[float]] = field(default_factory=list)
    failure: str = ""

    def read(self, stage: int, image: object, eyes: object) -> NDArray[np.float64]:
        if stage < len(self.readings):
            return np.array(self.readings[stage], dtype=np.float64)
        kind, _, text = self.failure.partition(": ")
        raise type(kind, (Exception,), {})(text)  # so that the monitor tells of it in the same words


def _again(monitor: Monitor, tape: _Tape, line: dict[str, Any]) -> Decision:
    tape.readings, tape.failure = line["decision"]["readings"], line["decision"]["failure"]
    time = math.nan if line["time"] is None else line["time"]
    if line["tick"]:
        return monitor.tick(time)
    image = np.zeros((1, 1, 3), np.uint8) if line["face"] else None
    return monitor.observe(Observation(time, image, problems=line["problems"]))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a log; ``JobError`` names the one that is not of JSON, or too long."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(partial(file.readline, MAX_LINE), b""), 1):
                if not line.endswith(b"\n"):
                    if len(line) == MAX_LINE:
                        raise JobError(f"{path}: line {number}: longer than {MAX_LINE:,} bytes")
                    return
                yield json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JobError(f"{path}: line {number}: not JSON ({error})") from None
    except OSError as error:
        raise JobError(f"{path}: could not be read ({error.strerror or error})") from None


def _stages(stages: Sequence[Stage]) -> list[dict[str, str]]:
    templates = [stage.template for stage in stages]
    return [{"model": one.model, "cohort": one.cohort, "template": one.sha256} for one in templates]


def _plain(time: object) -> float | None:
    """A time as JSON takes it: None for what is none."""
    return float(time) if isinstance(time, Real) and math.isfinite(time) else None
