"""The cascade: the cheap detector first, the next one only on doubt, and evidence that fades with time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.cohort import Cohort
from lineament.authentication.readings import model_of, read
from lineament.authentication.scoring import Score, continuity, doubt, scorer, threshold_at
from lineament.authentication.template import Template
from lineament.errors import JobError, UsageError
from lineament.subject import AttributeDetector

__all__ = ["Cascade", "Finding", "Read", "Stage"]

SESSION = 60.0
"""Half-life in seconds of what the person who unlocked looked like: long enough to remember, short enough for dusk."""

Read = Callable[[NDArray[np.uint8], "NDArray[np.float32] | None"], NDArray[np.float64]]
"""Image and eyes of an observation to a reading ``(attributes,)`` in log-odds."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One detector of a cascade, with the cohort and the template that its readings are held against.

    Attributes:
        read: image and eyes to a reading; `Stage.of` makes it from a detector.
        cohort: of that detector.
        template: enrolled by that detector against that cohort; ``JobError`` if it was not.
        score: the template's.
    """

    read: Read = field(repr=False)
    cohort: Cohort
    template: Template
    score: Score = field(init=False, repr=False)

    def __post_init__(self) -> None:
        template, cohort = self.template, self.cohort
        if (template.model, template.attributes) != (cohort.model, cohort.attributes):
            raise JobError(f"{template.user}: the template is of another detector than the cohort; enrol again")
        if template.cohort != cohort.sha256:
            raise JobError(f"{template.user}: the template was enrolled against another cohort; enrol again")
        score = scorer(cohort, template.mean, template.occasions, same_camera=template.same_camera)
        object.__setattr__(self, "score", score)

    @cached_property
    def doubt(self) -> tuple[float, float]:
        """Between which scores the next stage, if there is one, is asked; computed on the first use."""
        return doubt(self.cohort, self.score, self.template.fmr)

    @classmethod
    def of(cls, detector: AttributeDetector, cohort: Cohort, template: Template) -> "Stage":
        """The stage of a detector; ``JobError`` unless cohort and template are of just this one."""
        if (model_of(detector), tuple(detector.attributes)) != (cohort.model, cohort.attributes):
            raise JobError(
                f"the cohort is of detector {cohort.model[:12]}..., not of {model_of(detector)[:12]}...; "
                "name its own cohort, or make one with 'lineament calibrate'"
            )
        return cls(partial(read, detector), cohort, template)


@dataclass(frozen=True, eq=False)
class Finding:
    """What a cascade makes of the evidence so far.

    Attributes:
        accepted: whether the last stage asked takes it for the enrolled person.
        stage: that stage's number.
        score: its score of the evidence.
        threshold: from which on it accepts.
        same: whether the evidence is still that of the person who unlocked; True while locked.
        evidence: ``(attributes,)`` log-odds, the fading mean of its readings.
        readings: of this moment alone, one a stage asked.
    """

    accepted: bool
    stage: int
    score: float
    threshold: float
    same: bool
    evidence: NDArray[np.float64]
    readings: tuple[tuple[float, ...], ...]


class Cascade:
    """Stages with their evidence: the mean of a stage's readings, one of ``half_life`` seconds ago counting half.

    While unlocked it also asks whether the person who unlocked is still there: the first stage's evidence is held
    against its mean over the session so far (`scoring.continuity`). A stranger who takes the place differs from whoever
    sat there a moment ago, so the enrolled person may be asked for more leniently meanwhile.

    Args:
        stages: cheapest first, all of one person.
        half_life: in seconds, above 0.
        stay: how many times the wanted false match rate the last stage allows while unlocked.

    Raises:
        UsageError: no stage, or stages of several people.
    """

    def __init__(self, stages: Sequence[Stage], half_life: float, stay: float = 1.0) -> None:
        if len({stage.template.user for stage in stages}) != 1:
            raise UsageError(f"stages: expected one or more, all of one person, got {len(stages)}")
        self.stages, self.half_life, last = tuple(stages), half_life, stages[-1]
        self.lenient = last.template.threshold
        if stay > 1:
            self.lenient = min(self.lenient, threshold_at(last.cohort, last.score, stay * last.template.fmr))
        first = stages[0]
        known = tuple((~np.isnan(first.template.mean)).tolist())
        self._continues, self._changed = _continuity(first.cohort, known)
        self.forget()

    def forget(self) -> None:
        """Drop all evidence."""
        self._evidence = [_Fading(self.half_life) for _ in self.stages]
        self._session: _Fading | None = None

    def ask(
        self, image: NDArray[np.uint8], eyes: NDArray[np.float32] | None, time: float, *, unlocked: bool = False
    ) -> Finding:
        """Read an image seen at ``time`` (not before the last one's) by as many stages as it takes.

        Raises whatever a detector raises, and ``JobError`` if a reading or a score is not a number.
        """
        readings: list[tuple[float, ...]] = []
        for number, stage in enumerate(self.stages):
            reading = np.asarray(stage.read(image, eyes), dtype=np.float64)
            if reading.shape != (len(stage.template.attributes),) or not np.isfinite(reading).all():
                raise JobError(f"stage {number} gave no number for some attribute")
            readings.append(tuple(reading.tolist()))
            evidence = self._evidence[number].add(reading, time)
            score, last = float(stage.score(evidence)), number == len(self.stages) - 1
            if not np.isfinite(score):
                raise JobError(f"stage {number} gave no score")
            if last or not stage.doubt[0] <= score < stage.doubt[1]:
                break
        threshold = stage.doubt[1] if not last else self.lenient if unlocked else stage.template.threshold
        same = self._same() if unlocked else True
        accepted = score >= threshold and same
        if not unlocked:
            self._session = None
        elif accepted:  # whoever is refused must not become what is compared with
            self._session = self._session or _Fading(SESSION)
            self._session.add(self._evidence[0].mean, time)
        return Finding(accepted, number, score, threshold, same, evidence, tuple(readings))

    def _same(self) -> bool:
        """Whether the first stage's evidence continues the session, if there is one yet; a NaN does not."""
        if self._session is None:
            return True
        score = self._continues(self._evidence[0].mean, self._session.mean[self._continues.known])
        return bool(score >= self._changed)


class _Fading:
    """A mean of what came, in which what came ``half_life`` seconds ago counts half."""

    def __init__(self, half_life: float) -> None:
        self.half_life, self.mean, self._weight, self._time = half_life, np.zeros(0), 0.0, 0.0

    def add(self, value: NDArray[np.float64], time: float) -> NDArray[np.float64]:
        """The mean with this value."""
        older = self._weight * 0.5 ** ((time - self._time) / self.half_life) if self._weight else 0.0
        self.mean = (self.mean * older + value) / (older + 1) if older else value
        self._weight, self._time = older + 1, time
        return self.mean


@lru_cache(maxsize=16)
def _continuity(cohort: Cohort, known: tuple[bool, ...]) -> tuple[Score, float]:
    return continuity(cohort, np.array(known))
