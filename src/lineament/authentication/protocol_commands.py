"""What the verbs `protocol list` and `protocol run` do: tables of what there is, and of what came out beside print."""

import json as json_module
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lineament import report
from lineament.artifacts import write_atomically
from lineament.authentication.comparison import WANTED
from lineament.authentication.curves import draw_det, draw_roc
from lineament.authentication.methods import parse
from lineament.authentication.protocol_run import Outcome, Result, run
from lineament.authentication.protocols import (
    BLURRED,
    ENROLMENT,
    LIT_LEFT,
    LIT_RIGHT,
    PROTOCOLS,
    SHARP,
    TASKS,
    Protocol,
    Rule,
    find_protocol,
)
from lineament.authentication.published import published
from lineament.datasets.registry import find_dataset, open_dataset
from lineament.errors import UsageError

__all__ = ["list_protocols", "run_protocol", "words"]

UNITS = {"image": "an image", "clip": "a clip", "session": "a person's session", "person": "a person's images"}
NAMED = {ENROLMENT: "the enrolment task", TASKS: "the other tasks"}
STYLES = {LIT_LEFT: "lit from the left", LIT_RIGHT: "lit from the right", SHARP: "sharp camera",
          BLURRED: "blurred camera"}  # fmt: skip
"""The declarations of `protocols`, in words."""


def list_protocols(root: Path | None) -> None:
    """Print every protocol, those whose data are there first: who enrols, what is a probe, which table is beside."""
    console = _console()
    places = {
        name: "embedded" if each.data == "portraits" else "found" if find_dataset(each.data, root) else "not found"
        for name, each in PROTOCOLS.items()
    }
    for name in sorted(PROTOCOLS, key=lambda name: places[name] == "not found"):
        protocol, found = PROTOCOLS[name], f"data: {places[name]}"
        table = Table(
            Column("trial", no_wrap=True), "gallery", "probes", "beside", box=box.SIMPLE_HEAD,
            title=escape(f"{name} ({protocol.data}; {found}): {protocol.about}"), title_justify="left",
        )  # fmt: skip
        for trial in protocol.trials:
            beside = ", ".join(f"table {number}" for number, _ in trial.published)
            on = f" (on {protocol.published_on})" if beside and protocol.published_on else ""
            table.add_row(*map(escape, (trial.label, words(trial.gallery), words(trial.probe), beside + on)))
        console.print(table)


def words(rule: Rule) -> str:
    """What one vector of a rule is made of, without regular expressions: ``"a clip, session 1, the other tasks"``."""
    told, many = [UNITS[rule.each]], len(rule.sessions)
    if rule.sessions:
        which = f"{rule.sessions[0]} to {rule.sessions[-1]}" if many > 5 else ", ".join(rule.sessions)
        told.append(f"session{'s' * (many > 1)} {which}")
    if rule.named:
        told.append(NAMED.get(rule.named, f"site {rule.named.strip('^/')}"))
    if rule.half:
        told.append(f"{('first', 'second')[rule.half - 1]} half by name")
    if rule.style:
        told.append(STYLES[rule.style])
    return ", ".join(told)


def run_protocol(
    name: str, *, methods: str, root: Path | None, json: bool, plot: Path | None, seed: int, resamples: int
) -> Outcome:
    """Run a protocol and print its tables, or everything as JSON; arguments as in the verb."""
    protocol, chosen = find_protocol(name), parse(methods)
    if resamples < 1:
        raise UsageError(f"--resamples: expected at least 1, got {resamples}")
    dataset = open_dataset(protocol.data, root, **protocol.options)
    outcome = run(protocol, dataset, chosen, resamples=resamples, seed=seed)
    if plot is not None:
        _plots(outcome, plot)
    if json:
        print(json_module.dumps(_plain(name, protocol, outcome), indent=1))
        return outcome
    console = _console()
    console.print(_rates(name, outcome), *_beside(protocol, outcome), _figures(outcome))
    counts = f"{outcome.people} people compared, {outcome.images:,} faces read"
    missed = f", {outcome.faceless:,} images without a face left out" if outcome.faceless else ""
    console.print(f"{counts}{missed}. Tuned on: {outcome.tuned_on}.", highlight=False)
    for trial, reason in outcome.left_out.items():
        console.print(escape(f"left out: {trial}: {reason}"), highlight=False)
    return outcome


def _rates(name: str, outcome: Outcome) -> Table:
    """Equal error rates as the dissertation prints them: a row a trial, a column a method."""
    table = Table(
        Column("EER, per cent", no_wrap=True), box=box.SIMPLE_HEAD, title=name, padding=(0, 1),
        caption="below each the 95 % bootstrap interval over people",
    )  # fmt: skip
    for method in dict.fromkeys(result.method for result in outcome.results):
        table.add_column(escape(_lines(method)), justify="right")
    for trial in _trials(outcome):
        table.add_row(escape(trial), *(_cell(result.rates.eer) for result in outcome.results if result.trial == trial))
    return table


def _beside(protocol: Protocol, outcome: Outcome) -> Iterator[Table]:
    """The dissertation's tables, with the rows that have the role of a trial which was run."""
    trials = [trial for trial in protocol.trials if trial.label in _trials(outcome)]
    for number in dict.fromkeys(number for trial in trials for number, _ in trial.published):
        told = {t.label: published(n, row) for t in trials for n, row in t.published if n == number}
        names = list(dict.fromkeys(name for row in told.values() for name in row))
        title = f"published, table {number}" + f" (on {protocol.published_on})" * bool(protocol.published_on)
        table = Table(Column("EER, per cent", no_wrap=True), box=box.SIMPLE_HEAD, title=title, padding=(0, 1))
        for name in names:
            table.add_column(name, justify="right")
        for label, row in told.items():
            table.add_row(escape(label), *(f"{100 * row[name]:.0f}" if name in row else "" for name in names))
        yield table


def _figures(outcome: Outcome) -> Table:
    """Every other figure, a block a trial and a row a method."""
    heads = ("FNMR at\nFMR 1 %", "FNMR at\nFMR 0.1 %", "HTER", f"FMR for\n{WANTED:.0%} wanted", "FNMR\nthere")
    table = Table(
        Column("per cent", no_wrap=True), *(Column(head, justify="right") for head in heads),
        box=box.SIMPLE_HEAD, padding=(0, 1),
        caption="HTER, and the FMR that became of the wanted one: at thresholds chosen on other people",
    )  # fmt: skip
    for trial in _trials(outcome):
        rows = [result for result in outcome.results if result.trial == trial]
        table.add_section()
        table.add_row(f"[bold]{escape(trial)}[/bold]", *[""] * len(heads))
        table.add_row(f"[dim]{rows[0].rates.genuine:,} genuine, {rows[0].rates.impostor:,} impostor[/dim]")
        for result in rows:
            rates = result.rates
            spans = (rates.fnmr_at_fmr_1, rates.fnmr_at_fmr_01, rates.hter, rates.fmr, rates.fnmr)
            table.add_row(escape(_lines(result.method, "  ")), *map(_cell, spans))
    return table


def _console() -> Console:
    """Wide enough for these tables where the output is a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else 150)


def _trials(outcome: Outcome) -> list[str]:
    return list(dict.fromkeys(result.trial for result in outcome.results))


def _lines(method: str, indent: str = "") -> str:
    """A method's short name on several lines, as narrow as it goes."""
    return indent + re.sub(r" \+ | (?=\()|(?=@)", lambda cut: f"{cut[0].rstrip()}\n{indent}", short(method))


def short(method: str) -> str:
    """A method's name with the last word of each folder for the whole path: ``detector:runs/celeba`` to ``celeba``."""
    return re.sub(r"\w+:[^+@ ]*?([^/+@ ]+)/?(?=$|[+@ ])", r"\1", method).replace("+", " + ")


def _cell(span: Any) -> str:
    figure, low, high = (100 * np.asarray(span)).tolist()
    return "" if np.isnan(figure) else f"{figure:.1f}\n[dim]{low:.1f}–{high:.1f}[/dim]"


def _plots(outcome: Outcome, folder: Path) -> None:
    """A picture a trial: DET on the left, ROC on the right."""
    for trial in _trials(outcome):
        drawing, axes = report.axes(10, 4.4, 2)
        shown = {short(result.method): result.curve for result in outcome.results if result.trial == trial}
        draw_det(axes[0], shown)
        draw_roc(axes[1], shown)
        axes[0].set_title(trial, loc="left")
        report.legend(axes[1], loc="lower right")
        name = re.sub(r"\W+", "_", trial).strip("_")
        write_atomically(folder / f"{name}.png", partial(drawing.savefig, dpi=150))


def _plain(name: str, protocol: Protocol, outcome: Outcome) -> dict[str, Any]:
    def row(result: Result) -> dict[str, Any]:
        return {"trial": result.trial, "method": result.method, **result.rates.to_dict()}

    return {
        "protocol": name,
        "data": protocol.data,
        "about": protocol.about,
        "people": outcome.people,
        "images": outcome.images,
        "without_face": outcome.faceless,
        "tuned_on": outcome.tuned_on,
        "left_out": dict(outcome.left_out),
        "results": [row(result) for result in outcome.results],
        "published": {
            trial.label: {
                f"{number}: {who}": eer for number, at in trial.published for who, eer in published(number, at).items()
            }
            for trial in protocol.trials
        },
        "published_on": protocol.published_on or protocol.data,
    }
