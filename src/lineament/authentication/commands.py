"""What the verbs `enrol`, `verify` and `watch` do. The command line parses and calls these."""

import json as json_module
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live

from lineament import report
from lineament.authentication.cascade import Cascade, Finding
from lineament.authentication.cohort import Cohort
from lineament.authentication.decision_log import DecisionLog, replay
from lineament.authentication.enrolment import enrol as enrol_seen
from lineament.authentication.enrolment import enrol_typed
from lineament.authentication.live import Costs, View, telling
from lineament.authentication.looking import observations
from lineament.authentication.models import Keeping, Models
from lineament.authentication.monitor import Decision, Monitor, Observation, Policy
from lineament.authentication.readings import read
from lineament.authentication.reasons import Reason, differences, situations
from lineament.authentication.sources import paced, pictures
from lineament.authentication.template import Template
from lineament.errors import JobError, UsageError, nearest

__all__ = ["LEFT_OUT", "answers", "enrol", "verify", "watch"]

LEFT_OUT = {
    "none": "no face found", "several": "several faces", "too_small": "face too small", "dark": "too dark",
    "over_exposed": "over-exposed", "blurred": "blurred", "turned": "face turned away",
}  # fmt: skip
"""Why a picture is of no use, in few words; the codes are those of `faces.situation`."""


def enrol(
    user: str, sources: Sequence[str], models: Models, keeping: Keeping, *, attributes: str, fmr: float, rate: float,
    same_camera: bool = False,
) -> None:  # fmt: skip
    """Make a template a detector, keep it sealed, and say what is in it; arguments as on the command line."""
    if bool(sources) == bool(attributes):
        raise UsageError("enrol: name pictures, clips or a camera, or else --attributes; one of the two")
    if keeping.file is not None and len(models.detectors) > 1:
        raise UsageError("--out: a file holds the template of one detector; use a store for several")
    if attributes and same_camera:
        raise UsageError("--same-camera: answers typed in were seen by no camera; leave it out, or enrol from pictures")
    keeping.refuse_taken()
    if attributes:
        typed = [answers(attributes, cohort.attributes) for cohort in models.cohorts]
        templates = [enrol_typed(user, *each, fmr=fmr) for each in zip(typed, models.cohorts, strict=True)]
    else:
        templates = _seen(user, sources, models, fmr, rate, same_camera)
    place = keeping.put(templates)
    for template, cohort in zip(templates, models.cohorts, strict=True):
        print(_summary(template, cohort))
        if template.threshold < 0:
            _tell(
                f"WARNING: the threshold is below 0, so a face that is likelier to be somebody else's than {user}'s "
                f"would pass. Perhaps these {'answers' if template.typed else 'pictures'} are unlike those of the "
                "cohort: is it the right --detector, and the right --cohort?"
            )
    print(f"Sealed in {place}")


def _seen(
    user: str, sources: Sequence[str], models: Models, fmr: float, rate: float, same_camera: bool
) -> list[Template]:
    """Templates out of pictures; each source counts as one occasion. What was left out is told."""
    usable: list[tuple[str, NDArray[np.uint8], NDArray[np.float32] | None]] = []
    left_out, last = Counter[str](), "none came"
    for source, observation in models.observed(sources, rate):
        left_out.update(list(observation.problems)[:1])  # the first one is the gravest
        last = " ".join(observation.problems.values()) or last
        if observation.image is not None and not observation.problems:
            usable.append((source, observation.image, observation.eyes))
    if not usable:
        raise JobError(f"{', '.join(sources)}: no picture can be used: {last}")
    if left_out:
        why = [LEFT_OUT.get(code, code) for code in left_out]
        if len(why) > 1:
            why = [f"{words} ({count})" for words, count in zip(why, left_out.values(), strict=True)]
        _tell(f"left out {_counted(left_out.total(), 'picture')}: {', '.join(why)}")
    occasions = [source for source, *_ in usable]
    templates = []
    for detector, cohort in zip(models.detectors, models.cohorts, strict=True):
        readings = np.stack([read(detector, image, eyes) for _, image, eyes in usable])
        templates.append(enrol_seen(user, readings, cohort, occasions=occasions, fmr=fmr, same_camera=same_camera))
    return templates


def _summary(template: Template, cohort: Cohort) -> str:
    """Of what the template is made, how strict it is, and which attributes tell this person most from others."""
    sure = template.mean >= cohort.cuts
    words = [f"{report.readable(name)} {'yes' if sure[template.attributes.index(name)] else 'no'}"
             for name in telling(template, cohort)[:6]]  # fmt: skip
    low, high = template.fmr_interval
    pictures, occasions = _counted(template.images, "picture"), _counted(template.occasions, "occasion")
    made = "answers typed in" if template.typed else f"{pictures} of {occasions}"
    return (
        f"{template.user}: enrolled from {made}. Needs a score of {template.threshold:+.1f}, {_strictness(template)} "
        f"(95 % interval {100 * low:.2g} to {100 * high:.2g} %).\n"
        f"Most telling: {', '.join(words)}."
    )


def _strictness(template: Template) -> str:
    return f"which {100 * template.fmr:.2g} % of strangers reach"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _tell(text: str) -> None:
    """What is no answer goes to standard error."""
    Console(stderr=True, markup=False, highlight=False).print(text, soft_wrap=True)


def answers(text: str, known: Sequence[str]) -> dict[str, str]:
    """``"Eyeglasses=no, Mustache=yes"`` as a mapping; ``UsageError`` for another form or name, or one twice."""
    found: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, answer = (part.strip() for part in entry.partition("="))
        name = name.replace(" ", "_")
        if not equals:
            raise UsageError(f"--attributes: expected NAME=yes, NAME=no or NAME=any with commas between, got {entry!r}")
        if name not in known:
            raise UsageError(f"--attributes: {nearest(name, known, 'attribute')}")
        if name in found:
            raise UsageError(f"--attributes: {name} is answered twice")
        found[name] = answer.lower()
    return found


def verify(user: str, sources: Sequence[str], models: Models, keeping: Keeping, *, rate: float, json: bool) -> int:
    """Hold pictures, all of them together, against a user; 0 if accepted, 1 if refused."""
    if not sources:
        raise UsageError("verify: name pictures, clips or a camera")
    stages = models.stages(keeping.get(user, models))
    cascade, found, problems, used, count = Cascade(stages, float("inf")), None, dict[str, str](), 0, 0
    for count, (_, observation) in enumerate(models.observed(sources, rate), 1):  # noqa: B007
        problems.update(observation.problems)
        if observation.image is not None and not observation.problems:
            found, used = cascade.ask(observation.image, observation.eyes, 0.0), used + 1
    stage = stages[found.stage if found else -1]
    reasons = situations(problems) if found is None else ()
    if found and not found.accepted:
        reasons = differences(stage.cohort, stage.template, found.evidence)
    verdict = _Verdict(found is not None and found.accepted, found, stage.template, reasons, problems, used, count)
    print(verdict.as_json() if json else verdict)
    return 0 if verdict.accepted else 1


@dataclass(frozen=True)
class _Verdict:
    """What `verify` prints."""

    accepted: bool
    found: Finding | None
    template: Template
    reasons: tuple[Reason, ...]
    problems: dict[str, str]
    used: int
    pictures: int

    def as_json(self) -> str:
        plain = {name: getattr(self, name) for name in ("accepted", "problems", "used", "pictures")}
        plain |= {name: getattr(self.template, name) for name in ("user", "fmr", "fmr_interval")}
        plain |= {name: getattr(self.found, name) for name in ("score", "threshold", "stage")} if self.found else {}
        return json_module.dumps(plain | {"reasons": [asdict(reason) for reason in self.reasons]}, indent=1)

    def __str__(self) -> str:
        scored = ""
        if self.found:
            scored = (
                f"score {self.found.score:+.1f}; {self.found.threshold:+.1f} needed, {_strictness(self.template)}; "
            )
        head = f"{'ACCEPTED' if self.accepted else 'REFUSED'} as {self.template.user}: {scored}"
        return "\n  ".join(
            [f"{head}{self.used} of {_counted(self.pictures, 'picture')} used", *(r.sentence for r in self.reasons)]
        )


def watch(
    user: str, source: str, models: Models, keeping: Keeping, *, rate: float, seconds: float, speed: float,
    json: bool, log: Path | None, again: Path | None,
) -> None:  # fmt: skip
    """Watch a source until it ends, or a log ``again``, in a live view or as JSON lines; as on the command line."""
    stages = models.stages(keeping.get(user, models))
    monitor = Monitor(stages, Policy(fmr=stages[0].template.fmr))
    view = View(source if again is None else str(again), stages, monitor.policy)
    if again is not None:
        decisions = replay(again, stages)
        _show((decision for _, decision in paced(((each.time, each) for each in decisions), speed)), view, json)
        _tell(f"{again}: {_counted(len(decisions), 'decision')}, all come out the same")
        return
    played = pictures(source, rate=rate, seconds=seconds, speed=speed)
    with _ended_by_signal(), nullcontext() if log is None else DecisionLog(log, monitor) as written:
        _show(_decisions(monitor, observations(played, models.look(view.costs)), view.costs, written), view, json)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """SIGTERM, as a service manager sends it, ends what runs within as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _decisions(
    monitor: Monitor, seen: Iterator[Observation], costs: Costs, log: DecisionLog | None
) -> Iterator[Decision]:
    for observation in seen:
        with costs("detector"):
            decision = monitor.observe(observation)
        if log is not None:
            log.write(observation, decision)
        yield decision


def _show(decisions: Iterator[Decision], view: View, json: bool) -> None:
    """Show or print decisions as they come; a view is followed by what happened, also if it was stopped."""
    first = list(islice(decisions, 1))  # before there is a view: what fails at once is told without one
    console = Console()
    try:
        with nullcontext() if json else Live(view, console=console):
            for decision in chain(first, decisions):
                view.show(decision)
                if json:
                    print(json_module.dumps(_plain(decision)), flush=True)
    finally:
        if not json:
            console.print(
                "" if console.is_terminal else "\n",
                view.summary(),
                sep="",
                soft_wrap=True,
                highlight=False,
                markup=False,
            )


def _plain(decision: Decision) -> dict[str, object]:
    """A decision for programs; the readings are for the log."""
    return {name: value for name, value in asdict(decision).items() if name != "readings"}
