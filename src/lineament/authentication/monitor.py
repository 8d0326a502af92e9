"""The monitor: observations in, a state and its reasons out. It starts locked, and whatever goes wrong locks it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lineament.authentication.cascade import Cascade, Finding
from lineament.authentication.cascade import Stage as Stage
from lineament.authentication.reasons import Reason, differences, situations
from lineament.errors import UsageError

__all__ = ["AT_ONCE", "Decision", "Monitor", "Observation", "Policy", "Stage", "State"]

State = Literal["locked", "unlocked"]

AT_ONCE = ("several", "lost")
"""Problems of an observation that lock without delay: other people look on, or the source ended or failed."""


REPLACED = Reason("face", "replaced", "This is not the person who unlocked.")


@dataclass(frozen=True)
class Policy:
    """What it takes to unlock and to lock; all times in seconds of the source's clock.

    Attributes:
        fmr: the false match rate at which templates must have been enrolled, in (0, 1).
        half_life: evidence of this age counts half as much as a new reading.
        stay: while unlocked a score is refused only where more than this many times ``fmr`` of the cohort's readings
            score higher, so that an owner whose score is near the threshold is not locked and unlocked all day. A
            stranger who takes an unlocked place must pass at that rate, and as the person who unlocked (`Cascade`). 1
            is no leniency.
        unlock_after: a score must have been accepted for this long, without a break, before it unlocks.
        lock_after: a score may be refused for this long before it locks; a blink is shorter.
        no_face_after: this long without a reading (no face, or one too dark, blurred, turned) locks.
        max_gap: a longer step between two calls counts as a jump of the clock, and locks.

    Raises:
        UsageError: a value out of range, named.
    """

    fmr: float = 0.01
    half_life: float = 1.0
    stay: float = 10.0
    unlock_after: float = 1.0
    lock_after: float = 1.5
    no_face_after: float = 3.0
    max_gap: float = 5.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = {"stay": 1.0, "unlock_after": 0.0, "lock_after": 0.0}.get(name, math.ulp(0.0))
            most = {"fmr": 1.0, "stay": 1 / self.fmr if self.fmr else 1.0}.get(name, math.inf)
            if type(value) not in (int, float) or not least <= value < most:
                raise UsageError(
                    f"policy: {name} is {value!r}, expected a number of {least:.2g} or more, under {most:g}"
                )


@dataclass(frozen=True, eq=False)
class Observation:
    """What a source (clip, folder, camera) saw at one moment.

    Attributes:
        time: seconds by the source's own clock, which only runs forwards.
        image: ``(height, width, 3)`` uint8 RGB, the face aligned to the detectors' frame; None where there is none.
        eyes: ``(2, 2)`` eye centres of ``image`` in fractions of width and height, image-left eye first; None where it
            is framed as the detectors' training images were.
        problems: what is wrong, code to sentence, as `faces.situation.assess` gives them; a face with any problem is
            not read. `AT_ONCE` lists those that lock without delay.
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
        threshold: from which on that stage accepts; a lower one while unlocked (`Policy.stay`).
        stage: the number of that stage, 0 the cheapest.
        reasons: why it is locked, the first first; empty while unlocked.
        seen: attribute name to the probability that the evidence so far gives it, by that stage; empty without any.
        readings: the log-odds of this observation alone, one tuple a stage asked; for the log.
        failure: what the detector that failed said; "" if none did.
    """

    time: float
    state: State
    score: float | None
    threshold: float
    stage: int
    reasons: tuple[Reason, ...]
    seen: Mapping[str, float] = field(repr=False)
    readings: tuple[tuple[float, ...], ...] = field(default=(), repr=False)
    failure: str = ""


class Monitor:
    """Watches whether the enrolled person is there.

    A score that is accepted for ``policy.unlock_after`` seconds unlocks, unless a frame between could not be read, or
    readings came further apart than ``policy.lock_after``; one that is refused for
    ``policy.lock_after``, frames that cannot be read between them or not, locks, and so do ``policy.no_face_after``
    seconds without a reading. At once, and with all evidence dropped, it locks when several faces are seen, the source
    is lost, a detector raises or gives no number, or the clock stands still, runs backwards or jumps. It never raises
    for what it observes.

    Args:
        stages: cheapest first, all of one person; see `Cascade` for how they are asked.
        policy: see `Policy`.

    Raises:
        UsageError: no stage, stages of two people, or a template of another false match rate than the policy's.
    """

    def __init__(self, stages: Sequence[Stage], policy: Policy = Policy()) -> None:
        for stage in stages:
            if stage.template.fmr != policy.fmr:
                raise UsageError(
                    f"{stage.template.user}: enrolled at an FMR of {stage.template.fmr:g}, but the policy says "
                    f"{policy.fmr:g}; enrol again at that rate, or change the policy"
                )
        self.stages, self.policy, self.cascade = tuple(stages), policy, Cascade(stages, policy.half_life, policy.stay)
        self.state: State = "locked"
        self._time = 0.0  # of the last call whose clock was sound
        self._started = False
        self._found: Finding | None = None
        self._read: float | None = None  # when the last reading was made
        self._accepting: bool | None = None  # whether its score was accepted; None without one, or after a break
        self._since = 0.0  # when that began

    def observe(self, observation: Observation) -> Decision:
        """The decision after one observation; its time must be after that of every earlier call."""
        fault = self._step(observation.time, still=False)
        fault = fault or next((reason for reason in situations(observation.problems) if reason.name in AT_ONCE), None)
        if fault is not None:
            return self._fail(fault)
        if observation.problems or observation.image is None:
            return self._unread(situations(observation.problems))
        try:
            unlocked = self.state == "unlocked"
            found = self.cascade.ask(observation.image, observation.eyes, self._time, unlocked=unlocked)
        except Exception as error:  # whatever a detector raises, it must lock, before anything is said of it
            self._lock()
            failure = _words(error)
            return self._fail(Reason("system", "detector", f"A detector failed ({failure})."), failure)
        return self._judge(found)

    def tick(self, now: float) -> Decision:
        """The decision at a moment at which the source gave nothing; ``now`` by the clock of the observations."""
        fault = self._step(now, still=True)
        if fault is not None:
            return self._fail(fault)
        if not self._accepting:  # a tick says nothing of a face: it neither breaks acceptance nor makes it last
            self._act()
        return self._decide((Reason("system", "silent", "Nothing comes from the source."),))

    def _step(self, time: float, *, still: bool) -> Reason | None:
        """Move the clock; what is wrong with it, if anything. ``still``: it may stand still."""
        if not (isinstance(time, Real) and math.isfinite(time)):
            self._started = False
            return Reason("system", "clock", "The clock gives no time.")
        passed, started = float(time) - self._time, self._started
        self._time, self._started = float(time), True
        if started and not (passed > 0 or (still and passed == 0)):
            return Reason("system", "clock", "The clock ran backwards or stood still.")
        if started and passed > self.policy.max_gap:
            return Reason("system", "clock", f"The clock jumped by {passed:.0f} s.")
        if self._read is not None and self._time - self._read >= self.policy.no_face_after:
            self._lock()
        return None

    def _judge(self, found: Finding) -> Decision:
        """A reading was made: what its acceptance or refusal, and for how long, makes of the state."""
        long_ago = self._read is None or self._time - self._read > self.policy.lock_after
        self._found, self._read = found, self._time
        if found.accepted != self._accepting or (found.accepted and long_ago):
            self._accepting, self._since = found.accepted, self._time
        self._act()
        if not found.accepted:
            stage = self.stages[found.stage]
            reasons = differences(stage.cohort, stage.template, found.evidence)
            if found.score >= found.threshold and reasons[0].kind == "face":
                reasons = (REPLACED,)
            return self._decide(reasons, found.readings)
        patience = f"It matches, and unlocks once it has done so for {self.policy.unlock_after:g} s."
        return self._decide((Reason("waiting", "accepting", patience),), found.readings)

    def _unread(self, reasons: tuple[Reason, ...]) -> Decision:
        """No reading was made: acceptance has lost its thread, refusal goes on."""
        if self._accepting:
            self._accepting = None
        self._act()
        return self._decide(reasons)

    def _act(self) -> None:
        lasted = self._time - self._since
        if self._accepting is True and lasted >= self.policy.unlock_after:
            self.state = "unlocked"
        if self._accepting is False and lasted >= self.policy.lock_after:
            self.state = "locked"

    def _fail(self, reason: Reason, failure: str = "") -> Decision:
        self._lock()
        return self._decide((reason,), failure=failure)

    def _lock(self) -> None:
        """Lock, and drop all evidence."""
        self.state = "locked"
        self.cascade.forget()
        self._found = self._read = self._accepting = None

    def _decide(
        self, reasons: tuple[Reason, ...], readings: tuple[tuple[float, ...], ...] = (), failure: str = ""
    ) -> Decision:
        found, reasons = self._found, () if self.state == "unlocked" else reasons
        if found is None:
            first = self.stages[0]
            threshold = first.template.threshold if len(self.stages) == 1 else first.doubt[1]
            return Decision(self._time, self.state, None, threshold, 0, reasons, {}, readings, failure)
        seen = dict(zip(self.stages[found.stage].template.attributes, expit(found.evidence).tolist(), strict=True))
        return Decision(
            self._time, self.state, found.score, found.threshold, found.stage, reasons, seen, readings, failure
        )


def _words(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # an exception that cannot even say what it is
        return type(error).__name__
