"""What the verb `calibrate` does: make the cohort that a detector's templates are enrolled against."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from lineament.authentication.cohort import Cohort, load
from lineament.authentication.cohort import calibrate as make
from lineament.authentication.scoring import finest_fmr
from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import at_size
from lineament.datasets.registry import open_dataset
from lineament.detectors.detector import shipped
from lineament.detectors.loading import load_any
from lineament.errors import JobError, UsageError

__all__ = ["PORTRAITS", "calibrate"]

PORTRAITS: dict[str, Any] = {"people": 500, "images_per_person": 8, "sessions": 4, "seed": 101}
"""Portraits are drawn anew for a cohort: nobody in them is in any other set, there are enough people to show a false
match rate of 0.6 %, and four days tell how a person varies. The shipped cohort was made so."""


def calibrate(*, data: str, root: Path | None, detector: Path | None, out: Path) -> Cohort:
    """Make a cohort, write it to ``out``, and say what it can show; arguments as on the command line.

    Raises:
        JobError: another cohort lies in ``out`` already, whose templates would open no more.
    """
    chosen = shipped() if detector is None else load_any(detector)
    people = at_size(_people(data, root), chosen.shape)
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("reading", total=1.0)
        cohort = make(chosen, people, lambda share: progress.update(task, completed=share))
    if (out / "card.json").exists() and load(out).sha256 != cohort.sha256:
        raise JobError(f"{out}: holds another cohort, which templates may need; name a new folder, or remove this one")
    cohort.save(out)
    console.print(
        f"{out}: a cohort of {cohort.people:,} people in {len(cohort.readings):,} images; the finest false match rate "
        f"it can show is {finest_fmr(cohort):.2g}. Next: lineament enrol",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    return cohort


def _people(data: str, root: Path | None) -> AttributeDataset:
    if data == "portraits":
        return open_dataset(data, **PORTRAITS)
    part = open_dataset(data, root).part("development")
    if not len(part):
        raise UsageError(f"{data}: has no development part; a cohort must not hold people who are tested")
    return part
