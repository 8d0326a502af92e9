"""The main job: one page that says what a detector is good at, where it is blind and where it is weak.

Each wing offers its sections; this file only collects them, in reading order, and writes the page.
"""

import json as json_format
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lineament import __version__
from lineament.artifacts import write_atomically
from lineament.authentication import refusals
from lineament.authentication import section as verification
from lineament.datasets import section as contents
from lineament.datasets.pixels import at_size
from lineament.datasets.registry import open_dataset
from lineament.defense import section as defense
from lineament.detectors import blind_spots
from lineament.detectors import detector as detectors
from lineament.detectors import discovery_section as discovery
from lineament.detectors import section as detection
from lineament.detectors.loading import load_any
from lineament.editing import section as editing
from lineament.errors import JobError, LineamentError, UsageError
from lineament.explanation import section as explanation
from lineament.explanation.loading import for_detector
from lineament.report import Fragment, Section, page
from lineament.subject import ImageError, Subject

__all__ = ["SECTIONS", "dossier", "run_sections", "write"]

SECTIONS: list[Section] = [
    contents.SECTION,
    detection.SECTION,
    blind_spots.SECTION,
    discovery.SECTION,
    verification.SECTION,
    refusals.SECTION,
    editing.SECTION,
    explanation.SECTION,
    defense.SECTION,
]
"""In the order in which they are read. A wing adds its own here, and nothing else."""


def dossier(
    data: str = "portraits",
    root: Path | None = None,
    detector: Path | None = None,
    out: Path = Path("dossier.html"),
    seed: int = 0,
    quick: bool = False,
    json: Path | None = None,
    explainers: Sequence[Path] = (),
    generator: Path | None = None,
    editor: Path | None = None,
) -> None:
    """Write the dossier of one detector on one data set.

    ``JobError`` if a section failed; then the page is written all the same, unless an image cannot be read or every
    section failed.

    Args:
        data: a registered data set with attribute labels and a development and a test part.
        root: its folder, or one that holds it under its usual name.
        detector: an artifact; None takes the one that comes with the package, which is for ``"portraits"``.
        out: the HTML file.
        seed: of everything drawn at random.
        quick: some hundred images of each part and 200 resamples.
        json: a file for all figures, if wanted.
        explainers: folders of explainers of this detector; one of another is refused.
        generator: folder of a generator of such images, for the section on attacks.
        editor: folder of an editor of such images; None takes the one that comes with the package, of portraits.
    """
    if detector is None and data != "portraits":
        place = f" --root {shlex.quote(str(root))}" if root else ""
        raise UsageError(
            f"{data}: no detector for it comes with lineament; train one with 'lineament train detector --data "
            f"{data}{place} --out runs/{data}' and pass it with --detector runs/{data}"
        )
    chosen = detectors.shipped("portraits") if detector is None else load_any(detector)
    subject = Subject(
        at_size(open_dataset(data, root), chosen.shape),
        chosen,
        seed=seed,
        quick=quick,
        explainers=explainers,
        generator=generator,
        editor=editor,
    )
    subject.attributes  # noqa: B018 - a detector for other attributes is refused before any work
    for_detector(chosen, explainers)  # and so is an explainer of another detector
    if generator is not None:
        defense.before(subject)  # and a generator of other images
    if editor is not None:
        editing.opened(subject)  # and an editor of other attributes
    flags = {"--data": data, "--root": root, "--detector": detector, "--out": out, "--seed": seed, "--json": json,
             "--generator": generator, "--editor": editor}  # fmt: skip
    command = shlex.join(
        ["lineament", "dossier", *(str(word) for pair in flags.items() if pair[1] is not None for word in pair)]
        + ["--explainer", *map(str, explainers)] * bool(explainers)
        + ["--quick"] * quick
    )
    write(subject, run_sections(subject, SECTIONS), out, command=command, json=json)
    Console(stderr=True).print(f"The dossier is in {out}; it opens in any browser.", highlight=False, soft_wrap=True)


def run_sections(
    subject: Subject, sections: Sequence[Section], *, visible: bool = True
) -> list[tuple[str, Fragment | str]]:
    """Run each section; one that fails leaves its message in place of its fragment, and the others go on.

    Only an image that cannot be read stops them all: it raises `ImageError`.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    results: list[tuple[str, Fragment | str]] = []
    with Progress(*columns, console=Console(stderr=True), disable=not visible) as bars:
        everything = bars.add_task("[bold]Dossier", total=sum(section.cost for section in sections))
        done = 0.0
        for section in sections:
            bar = bars.add_task(section.title, total=1.0)

            def progress(share: float, task: Any = bar, cost: float = section.cost, before: float = done) -> None:
                bars.update(task, completed=share)
                bars.update(everything, completed=before + cost * share)

            results.append((section.title, _attempt(section, subject, progress)))
            progress(1.0)
            done += section.cost
    return results


def write(
    subject: Subject,
    results: Sequence[tuple[str, Fragment | str]],
    out: Path,
    *,
    command: str = "",
    json: Path | None = None,
) -> None:
    """Write the page, and the figures as JSON if asked; raise ``JobError`` naming the sections that failed.

    If all of them failed nothing is written, so that an earlier page stays.
    """
    messages = [part for _, part in results if isinstance(part, str)]
    if messages and len(messages) == len(results):
        raise JobError(f"{out}: not written, for every section failed: {messages[0]}")
    provenance = _provenance(subject, command)
    title = f"{len(subject.attributes)} attributes of {subject.dataset.name}"
    measured = f", on {len(subject.computed['test'].dataset):,} test images" if "test" in subject.computed else ""
    subtitle = f"What this detector is good at, where it is blind and where it is weak{measured}." + (
        " Quick schedule: a first look, not a measurement." if subject.quick else ""
    )
    write_atomically(out, page(title, subtitle, results, provenance).encode())
    if json is not None:
        figures = {
            "provenance": dict(provenance),
            "sections": {name: dict(part.data) for name, part in results if isinstance(part, Fragment)},
            "failed": {name: part for name, part in results if isinstance(part, str)},
        }
        write_atomically(json, (json_format.dumps(figures, indent=1, default=_plain) + "\n").encode())
    if failed := [f"{name!r} ({part})" for name, part in results if isinstance(part, str)]:
        raise JobError(f"{out}: written, but {len(failed)} section(s) failed: {'; '.join(failed)}")


def _attempt(section: Section, subject: Subject, progress: Any) -> Fragment | str:
    try:
        return section.run(subject, progress)
    except ImageError:
        raise
    except LineamentError as error:
        return str(error)
    except Exception as error:  # a defect of ours in one section must not lose the others
        if os.environ.get("LINEAMENT_DEBUG"):
            Console(stderr=True).print_exception()
        return (
            f"a defect in lineament, please report it with the traceback that LINEAMENT_DEBUG=1 prints: "
            f"{type(error).__name__}: {error}"
        )


def _provenance(subject: Subject, command: str) -> list[tuple[str, str]]:
    data, card = subject.dataset, subject.detector.card
    parts = ", ".join(f"{len(part.dataset):,} {split}" for split, part in subject.computed.items())
    said = [f"{key} {card[key]}" for key in ("kind", "data", "licence", "weights_sha256") if card.get(key)]
    return [
        ("Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by lineament {__version__}"),
        ("Command", command or "from Python"),
        ("Data", f"{data.name}, {len(data):,} images; read for this page: {parts or 'none'}"),
        ("Data licence", data.licence),
        ("Detector", "; ".join(said) or "no card"),
        ("Training", "; ".join(_training(card)) or "not in the card"),
        ("Seed", str(subject.seed)),
        (
            "Schedule",
            f"{'quick' if subject.quick else 'full'}, {subject.resamples:,} resamples of people unless stated",
        ),
        ("Versions", f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"),
    ]


def _training(card: Mapping[str, Any]) -> list[str]:
    """What a card says of the training, in words; it comes from a file, so nothing is taken for granted."""
    facts: dict[str, Any] = {}
    for key in ("training", "images", "metrics"):
        facts |= card[key] if isinstance(card.get(key), dict) else {}
    facts |= facts["schedule"] if isinstance(facts.get("schedule"), dict) else {}
    words = (("preset", str, "preset {}"), ("seed", int, "seed {}"), ("steps", int, "{:,} steps"),
             ("train", int, "{:,} training images"), ("development", int, "{:,} development images"),
             ("development_accuracy", float, "development accuracy {:.1%}"))  # fmt: skip
    return [text.format(facts[key]) for key, kind, text in words if isinstance(facts.get(key), kind)]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
