"""The live view of ``lineament watch``: the state and why, the score over time, attributes, and what it all costs."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text
from scipy.special import expit

from lineament.authentication.cohort import Cohort
from lineament.authentication.monitor import Decision, Policy, Stage
from lineament.authentication.reasons import NEVER_A_REASON
from lineament.authentication.template import Template
from lineament.report import readable

__all__ = ["Costs", "View", "bar", "sparkline", "telling"]

ROWS = 10
"""Attributes that are shown; the rest would not fit beside the score."""

READ = ("score", "threshold", "stage", "seen")
"""What of a decision was read out of pictures."""

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 20


class Costs:
    """Seconds of each stage of a picture, as means that follow what is going on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.arrivals: deque[float] = deque(maxlen=20)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure what runs within."""
        began = time.perf_counter()
        yield
        spent = time.perf_counter() - began
        self.seconds[stage] = 0.8 * self.seconds.get(stage, spent) + 0.2 * spent

    def tick(self) -> None:
        """Count one picture."""
        self.arrivals.append(time.perf_counter())

    @property
    def rate(self) -> float:
        """Pictures a second, over the last twenty."""
        span = self.arrivals[-1] - self.arrivals[0] if len(self.arrivals) > 1 else 0.0
        return (len(self.arrivals) - 1) / span if span > 0 else 0.0


class View:
    """What a person sees; a rich renderable.

    Args:
        source: what is watched.
        stages: as the monitor has them.
        policy: its own.
    """

    def __init__(self, source: str, stages: Sequence[Stage], policy: Policy) -> None:
        self.source, self.stages, self.policy = source, stages, policy
        self.costs = Costs()
        self.scores: deque[float] = deque(maxlen=60)
        self.decision: Decision | None = None
        self.began = 0.0
        self.unlocked: list[tuple[float, float]] = []

    def show(self, decision: Decision) -> None:
        """Take the next decision in; when the source is lost, what was read last stays in view."""
        last, self.decision = self.decision, decision
        self.began = decision.time if last is None else self.began
        if last is not None and any(reason.name == "lost" for reason in decision.reasons):
            self.decision = replace(decision, **{name: getattr(last, name) for name in READ})
        since = decision.time - self.began
        if last is not None and last.state == "unlocked":
            self.unlocked[-1] = (self.unlocked[-1][0], since)
        elif decision.state == "unlocked":
            self.unlocked.append((since, since))
        self.costs.tick()
        self.scores.append(np.nan if decision.score is None else decision.score - decision.threshold)

    def summary(self) -> str:
        """What happened, in one line; seconds count from the first decision."""
        if self.decision is None:
            return "Nothing was seen."
        spans = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in self.unlocked)
        why = self.decision.reasons[0].sentence if self.decision.reasons else "Stopped."
        score = "no score" if self.decision.score is None else f"last score {self.decision.score:+.1f}"
        told = f"Unlocked from {spans}" if spans else "Never unlocked"
        return f"{told}; {self.decision.state} at {self.decision.time - self.began:.1f} s: {why} ({score})"

    def __rich__(self) -> Group | Text:
        if self.decision is None:
            return Text(f"waiting for the first picture of {self.source}", style="dim")
        return Group(
            self._state(self.decision), self._score(self.decision), self._attributes(self.decision), self._foot()
        )

    def _state(self, decision: Decision) -> Panel:
        open_ = decision.state == "unlocked"
        style = "green" if open_ else "red"
        lines = [Text("The face matches." if open_ else "Nothing was seen yet.")]
        if decision.reasons:
            first, *more = (reason.sentence for reason in decision.reasons[:4])
            lines = [Text(first, "bold"), *(Text(sentence, "dim") for sentence in more)]
        user = self.stages[0].template.user
        title = Text.assemble((f" {decision.state.upper()} ", f"bold white on {style}"), f" {user} ")
        subtitle = f"{self.source}  {decision.time - self.began:.1f} s"
        return Panel(
            Group(*lines), title=title, title_align="left", subtitle=subtitle, subtitle_align="right",
            border_style=style, box=box.HEAVY,
        )  # fmt: skip

    def _score(self, decision: Decision) -> Group:
        told = "none yet" if decision.score is None else f"{decision.score:+.1f}"
        template = self.stages[decision.stage].template
        aim = "stay" if decision.threshold < template.threshold else "unlock"
        words = f"   score {told}, {decision.threshold:+.1f} needed to {aim}"
        words += f"; one stranger in {1 / template.fmr:,.0f} has that much" * (aim == "unlock")
        return Group(Text(), Text("   ") + sparkline(self.scores), Text(words))

    def _attributes(self, decision: Decision) -> Table:
        stage = self.stages[decision.stage]
        names, cuts = stage.template.attributes, expit(stage.cohort.cuts)
        enrolled = expit(stage.template.mean)
        named = [reason.name for reason in decision.reasons if reason.kind == "attribute"]
        bars = Column("seen ━  enrolled ┃", width=WIDTH, no_wrap=True)
        table = Table(Column("attribute", min_width=18), "enrolled", "seen", bars, box=box.SIMPLE_HEAD)
        for name in [*named, *(name for name in telling(stage.template, stage.cohort) if name not in named)][:ROWS]:
            i = names.index(name)
            was, now = enrolled[i] >= cuts[i], decision.seen.get(name)
            differs = now is not None and was != (now >= cuts[i])
            style = ("bold " if name in named else "") + ("red" if differs else "default")
            answers = "yes" if was else "no", "" if now is None else "yes" if now >= cuts[i] else "no"
            table.add_row(
                Text(readable(name), style), *(Text(word, style) for word in answers), bar(now, enrolled[i], differs)
            )
        return table

    def _foot(self) -> Text:
        spent = "   ".join(f"{stage} {1000 * seconds:.0f} ms" for stage, seconds in self.costs.seconds.items())
        policy = self.policy
        rule = f"locks after {policy.lock_after:g} s of refusal, or {policy.no_face_after:g} s without a face"
        return Text(f"   {self.costs.rate:.1f} pictures/s   {spent}\n   {rule}", style="dim")


def telling(template: Template, cohort: Cohort) -> list[str]:
    """Attributes in which the enrolled person differs from most people, the most telling first.

    Those that are "any", and those that are never a reason, are left out.
    """
    apart = np.abs(template.mean - cohort.mean) / template.deviation
    order = np.argsort(-np.nan_to_num(apart, nan=-1), kind="stable")
    names = [template.attributes[i] for i in order if np.isfinite(apart[i])]
    return [name for name in names if name not in NEVER_A_REASON]


def bar(seen: float | None, enrolled: float, differs: bool) -> Text:
    """A probability as a bar, with a tick where the enrolled one is."""
    filled = 0 if seen is None else round(seen * WIDTH)
    cells = np.where(np.arange(WIDTH) < filled, "━", "╌")
    text = Text.assemble(("".join(cells[:filled]), "red" if differs else "green"), ("".join(cells[filled:]), "dim"))
    tick = min(WIDTH - 1, round(enrolled * (WIDTH - 1)))
    return Text.assemble(text[:tick], ("┃", "bold"), text[tick + 1 :])


def sparkline(margins: Sequence[float]) -> Text:
    """Scores less threshold as a row of blocks, green where accepted, red where refused, blank where there was none."""
    values = np.asarray(margins, dtype=float)
    known = values[np.isfinite(values)]
    low, high = (min(known.min(), 0), max(known.max(), 0)) if len(known) else (0, 0)
    steps = np.nan_to_num((values - low) / ((high - low) or 1))
    return Text.assemble(
        *(
            (" ", "") if np.isnan(value) else (BLOCKS[1 + int(step * 7)], "green" if value >= 0 else "red")
            for value, step in zip(values, steps, strict=True)
        )
    )
