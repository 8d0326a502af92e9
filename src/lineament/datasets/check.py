"""What is in a data set and what is broken in it: every image is read once, nothing is changed."""

import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Column, Table

from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.files import ImageFiles
from lineament.errors import LineamentError

__all__ = ["Report", "check", "tables", "unlisted"]


@dataclass(frozen=True)
class Report:
    """What ``check`` found.

    Attributes:
        dataset: the set's name.
        images: how many images the set has.
        splits: images of each part.
        people: how many known identities; ``anonymous`` counts the images without one.
        sizes: images of each ``"HEIGHTxWIDTHxCHANNELS"``.
        attributes: for each attribute its ``present``, ``absent`` and ``unknown`` images.
        broken: image name to the reason why it cannot be read, or does not belong: a grey file where most are colour.
        unlisted: files beside the set's own that look like its images but that no list names.
        overlap: known people who are in more than one part.
    """

    dataset: str
    images: int
    splits: dict[str, int]
    people: int
    anonymous: int
    sizes: dict[str, int]
    attributes: dict[str, dict[str, int]]
    broken: dict[str, str]
    unlisted: list[str]
    overlap: list[int]

    @property
    def sound(self) -> bool:
        """Whether no image is broken, every image file is listed, and no person is in two parts."""
        return not (self.broken or self.unlisted or self.overlap)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {**asdict(self), "sound": self.sound}


def check(dataset: AttributeDataset) -> Report:
    """Read every image of ``dataset`` once and report what is there and what is broken; shows a progress bar."""
    sizes: Counter[str] = Counter()
    broken, grey = {}, []
    console = Console(stderr=True)
    quiet = not sys.stderr.isatty()
    for i in track(range(len(dataset)), f"reading {dataset.name}", console=console, disable=quiet):
        try:
            image = dataset.read(i)
        except LineamentError as error:
            broken[dataset.names[i]] = str(error)
            continue
        sizes["x".join(map(str, image.shape))] += 1
        if isinstance(dataset.read, ImageFiles) and dataset.read.is_grey(i):
            grey.append(dataset.names[i])
    if len(grey) < sizes.total() / 2:
        broken |= dict.fromkeys(grey, "grey image among colour ones: training would take it as colour; leave it out")
    known = dataset.identity >= 0
    pairs = np.unique(np.stack([dataset.identity[known], dataset.split[known]]), axis=1)
    people, parts = np.unique(pairs[0], return_counts=True)
    return Report(
        dataset=dataset.name,
        images=len(dataset),
        splits={part: int((dataset.split == i).sum()) for i, part in enumerate(SPLITS)},
        people=len(people),
        anonymous=int((~known).sum()),
        sizes=dict(sizes.most_common()),
        attributes={
            name: {
                word: int((dataset.labels[:, column] == value).sum())
                for word, value in (("present", 1), ("absent", 0), ("unknown", -1))
            }
            for column, name in enumerate(dataset.attributes)
        },
        broken=broken,
        unlisted=unlisted(dataset),
        overlap=people[parts > 1].tolist(),
    )


def unlisted(dataset: AttributeDataset) -> list[str]:
    """Files of the set's own kinds, in its own folders, that it does not list: images without a label, say."""
    suffixes = {source.suffix.lower() for source in dataset.sources}
    listed = {str(source) for source in dataset.sources}
    found = []
    for folder in sorted({str(source.parent) for source in dataset.sources}):
        if Path(folder).is_dir():
            with os.scandir(folder) as entries:
                found += [entry.path for entry in entries if entry.path not in listed]
    return sorted(path for path in found if Path(path).suffix.lower() in suffixes)


def tables(report: Report) -> list[Table]:
    """The report for people: a summary, the attributes if there are any, and what is broken."""
    summary = Table(title=report.dataset, show_header=False)
    parts = ", ".join(f"{part} {count:,}" for part, count in report.splits.items() if count)
    anonymous = f" ({report.anonymous:,} images of nobody known)" if report.anonymous else ""
    summary.add_row("images", f"{report.images:,} ({parts})")
    summary.add_row("people", f"{report.people:,}{anonymous}")
    summary.add_row("sizes", ", ".join(f"{size}: {count:,}" for size, count in list(report.sizes.items())[:6]))
    for word, things in (("broken", report.broken), ("unlisted", report.unlisted), ("in two parts", report.overlap)):
        summary.add_row(word, f"[red]{len(things):,}[/]" if things else "0")
    result = [summary]
    if report.attributes:
        prevalence = Table(
            "attribute", *(Column(word, justify="right") for word in ("present", "absent", "unknown", "share"))
        )
        for name, counts in report.attributes.items():
            known = counts["present"] + counts["absent"]
            share = f"{counts['present'] / known:.1%}" if known else "-"
            prevalence.add_row(name, *(f"{count:,}" for count in counts.values()), share)
        result.append(prevalence)
    if report.broken or report.unlisted:
        result.append(_faults(report))
    return result


def _faults(report: Report, most: int = 20) -> Table:
    """The first broken and unlisted files; ``--json`` has them all."""
    faults = Table(Column("image", overflow="fold"), Column("what is wrong", overflow="fold"), title="broken")
    rows = [*report.broken.items(), *((Path(path).name, f"{path}: in no list") for path in report.unlisted)]
    for name, reason in rows[:most]:
        faults.add_row(escape(name), escape(reason))
    if len(rows) > most:
        faults.add_row("...", f"and {len(rows) - most:,} more: --json lists them all")
    return faults
