"""What the verb `discover` does: cluster, hold the clusters against the labels, write contact sheets and figures."""

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lineament.artifacts import check_writable, write_atomically
from lineament.datasets.base import AttributeDataset
from lineament.datasets.registry import open_dataset
from lineament.detectors.detector import load, shipped
from lineament.detectors.discovery import Discovered, Settings
from lineament.detectors.discovery_figures import cluster_figures, part_figures
from lineament.detectors.discovery_run import discover as make
from lineament.detectors.discovery_run import sample
from lineament.detectors.discovery_section import overview, sheets
from lineament.detectors.prediction import decoded
from lineament.errors import UsageError
from lineament.report import Finding, Fragment, page, prose

__all__ = ["discover", "held"]

UNSEEN = 2000
"""Images of the test part at most on which the clusters are held against labels."""


def discover(
    *, out: Path, data: str, root: Path | None, detector: Path | None, settings: Settings, dry_run: bool
) -> None:
    """Write the discovery, ``sheets.html`` and ``figures.json`` into ``out``; arguments as on the command line."""
    if detector is None and data != "portraits":
        raise UsageError(f"{data}: no detector for it comes with lineament; name one of your own with --detector")
    chosen = shipped() if detector is None else load(detector)
    dataset = open_dataset(data, root)
    planned, index = Discovered(chosen, (), settings), sample(dataset, settings)
    if not (dataset.labels[index] >= 0).any():
        raise UsageError(f"{data}: has no attribute labels, so there is nothing to hold the clusters against")
    if dry_run:
        parts = {part.name: part.embedding for part in planned.detector.parts}
        resolved = {"data": data, "images": len(index), "parts": parts, "out": str(out), "settings": asdict(settings)}
        print(json.dumps(resolved, indent=1))
        return
    check_writable(out)
    flags = {"--data": data, "--root": root, "--detector": detector, "--out": out}
    flags |= {f"--{name}": value for name, value in asdict(settings).items()}
    words = [str(word) for pair in flags.items() if pair[1] is not None for word in pair]
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("discovering", total=1.0)
        found = make(
            chosen, dataset, out, settings,
            progress=lambda share, doing: bars.update(bar, completed=0.8 * share, description=doing),
        )  # fmt: skip
        bars.update(bar, completed=0.8, description="test people")
        rows, fragments = held(found, dataset, progress=lambda share: bars.update(bar, completed=0.8 + 0.2 * share))
    facts = {"data": data, "detector": found.card["config"]["detector_sha256"], "settings": asdict(settings)}
    write_atomically(out / "figures.json", (json.dumps({**facts, "parts": rows}, indent=1) + "\n").encode())
    write_atomically(
        out / "sheets.html", _page(found, rows, fragments, shlex.join(["lineament", "discover", *words])).encode()
    )
    Console(stderr=True).print(
        f"Contact sheets: {out / 'sheets.html'}. Figures: {out / 'figures.json'}. Features of faces: "
        f"lineament.detectors.discovery.load({str(out)!r}).discovered_vectors(dataset).",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def held(
    found: Discovered, dataset: AttributeDataset, *, progress: Callable[[float], None] = lambda share: None
) -> tuple[list[dict[str, Any]], list[Fragment]]:
    """The figures and the contact sheets of each part, on the images of the dictionary and on people of the test part.

    Args:
        found: a discovery on this set.
        dataset: the whole set.
        progress: hears the share done.
    """
    settings, memory = found.settings, decoded(dataset, found.detector.shape)
    index, test = sample(dataset, settings), np.flatnonzero(dataset.split == 2)
    test = np.sort(np.random.default_rng(settings.seed).permutation(test)[:UNSEEN])
    seen, others = (replace(dataset, read=memory.__getitem__).subset(rows) for rows in (index, test))
    vectors = found.discovered_vectors(dataset, memory, test, progress=lambda share: progress(share / 2))
    nearest = vectors.reshape(len(test), len(found.dictionaries), settings.clusters).argmax(2)
    tests, rows, fragments = settings.clusters * len(dataset.attributes) * len(found.dictionaries), [], []
    for i, (part, one) in enumerate(zip(found.detector.parts, found.dictionaries, strict=True)):
        unseen = (nearest[:, i], others) if len(test) else None
        agreement, figures = part_figures(one, seen, settings, tests, unseen)
        rows.append(figures | {"clusters": cluster_figures(agreement, dataset.attributes, tests)})
        fragments.append(
            Fragment(
                sheets(
                    part, seen, one.clusters.numpy(), agreement, tests, nominal=found.detector.eyes, seed=settings.seed
                )
            )
        )
        progress(0.5 + (i + 1) / len(found.dictionaries) / 2)
    return rows, fragments


def _page(found: Discovered, rows: Sequence[dict[str, Any]], fragments: Sequence[Fragment], command: str) -> str:
    card, count = found.card, found.settings.clusters * len(rows)
    named = sum(row["explained"] for row in rows)
    tests = count * len(rows[0]["attributes"])
    text = (
        f"The embeddings of {card['images']:,} training images are sorted into {found.settings.clusters} groups a "
        "part, without labels (sparse subspace clustering). A label is named under a group if it is more common there "
        f"than chance allows, with 95% confidence for all {tests:,} comparisons together; people are counted, not "
        "images. In brackets: how many times as common as overall. Pictures are drawn at random, each of another "
        "person, and show the window of the face that the part looks through. Groups without a label, or of fewer than "
        "ten pictures, are folded away. Controls: the same groups against labels moved to other images, and groups "
        "made by k-means."
    )
    mean = {key: float(np.mean([row[key] for row in rows])) for key in ("nmi", "nmi_kmeans", "nmi_moved")}
    findings = [
        Finding("strength", f"{named} of {count}", "groups in which some label is more common than chance allows"),
        Finding("blind spot", f"{count - named} of {count}", "groups that no label explains: look at what they share"),
        Finding("weak flank" if mean["nmi"] < mean["nmi_kmeans"] else "strength", f"{mean['nmi']:.3f}",
                "normalised mutual information of groups and labels, mean over parts and attributes; k-means has "
                f"{mean['nmi_kmeans']:.3f}, labels moved to other images have {mean['nmi_moved']:.3f}"),
    ]  # fmt: skip
    first = Fragment([prose(text), overview(rows)], findings)
    provenance = [("Command", command), ("Data", card["data"]), ("Data licence", card["licence"]),
                  ("Detector", f"weights {card['config']['detector_sha256']}")]  # fmt: skip
    subtitle = "What the detector's part networks see alike, found without labels, and which labels that is."
    parts = [(row["part"], fragment) for row, fragment in zip(rows, fragments, strict=True)]
    return page(
        f"Discovered attributes of {card['data']}", subtitle, [("What the groups are", first), *parts], provenance
    )
