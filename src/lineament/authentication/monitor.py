"""The monitor: observations in, a state and its reasons out. It starts locked, and whatever goes wrong locks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.reasons import Reason

__all__ = ["Decision", "Observation", "Policy", "State"]

State = Literal["locked", "unlocked"]


@dataclass(frozen=True)
class Policy:
    """What it takes to unlock and to lock; all times in seconds of the source's clock.

    Attributes:
        fmr: the false match rate at which templates were enrolled; a template of another rate is refused.
        half_life: evidence of this age counts half as much as a new reading.
        unlock_after: a score must have been accepted for this long, without a break, before it unlocks.
        lock_after: a score may be refused for this long before it locks; a blink is shorter.
        no_face_after: this long without a reading (no face, or one too dark, blurred, turned) locks.
        max_gap: a longer step between two calls counts as a jump of the clock, and locks.
    """

    fmr: float = 0.01
    half_life: float = 2.0
    unlock_after: float = 1.0
    lock_after: float = 1.0
    no_face_after: float = 3.0
    max_gap: float = 5.0


@dataclass(frozen=True, eq=False)
class Observation:
    """What a source (clip, folder, camera) saw at one moment.

    Attributes:
        time: seconds, by the source's own clock, which never runs backwards.
        image: ``(height, width, 3)`` uint8 RGB, the face aligned to the detectors' frame; None where there is none.
        eyes: ``(2, 2)`` eye centres of ``image`` in fractions of width and height, image-left eye first; None where it
            is framed as the detectors' training images were.
        problems: what is wrong, code to sentence, as `faces.situation.assess` gives them; a face with any problem is
            not read. Codes that lock at once: ``"several"`` (faces) and ``"lost"`` (the source ended or failed).
    """

    time: float
    image: NDArray[np.uint8] | None = field(default=None, repr=False)
    eyes: NDArray[np.float32] | None = field(default=None, repr=False)
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What the monitor says after one observation; plain values, so that equal decisions are equal bit for bit.

    Attributes:
        time: of the observation, in seconds.
        state: ``"locked"`` or ``"unlocked"``.
        score: of the evidence so far, by the last stage asked; None while there is none.
        threshold: from which on that stage accepts.
        stage: the number of that stage, 0 the cheapest.
        reasons: why it is locked, the first first; empty while unlocked.
        seen: attribute name to the probability that the evidence so far gives it, by that stage.
        readings: the log-odds of this observation alone, one tuple a stage asked; for the log.
    """

    time: float
    state: State
    score: float | None
    threshold: float
    stage: int
    reasons: tuple[Reason, ...]
    seen: Mapping[str, float] = field(repr=False)
    readings: tuple[tuple[float, ...], ...] = field(default=(), repr=False)
