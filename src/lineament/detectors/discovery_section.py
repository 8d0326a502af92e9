"""Contact sheets of what a detector groups together, and the dossier's section on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray

from lineament import report
from lineament.datasets.base import AttributeDataset
from lineament.detectors.detector import Detector
from lineament.detectors.discovery import Settings, embeddings
from lineament.detectors.discovery_figures import cluster_figures, part_figures
from lineament.detectors.discovery_run import clustered
from lineament.detectors.enrichment import Agreement
from lineament.detectors.evaluation import people
from lineament.detectors.presets import Part
from lineament.faces.parts import crop
from lineament.images import to_uint8
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from lineament.subject import Subject

__all__ = ["SECTION", "members", "overview", "sheets", "words"]

CLUSTERS, IMAGES = 10, 2000
"""What the dossier looks at: enough groups to be of one kind each, enough images for their labels to be tested."""

TELLING = 5
"""Labels named under a cluster."""

FEW = 10
"""A cluster of fewer pictures is folded away: nothing can be seen in it."""

NO_LABEL = "No label is more common than chance allows."


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Clusters of test images, shown for the part whose clusters have most to do with the labels."""
    detector, test = subject.detector, subject.readings("test", lambda share: progress(0.4 * share)).dataset
    if not isinstance(detector, Detector):
        return Fragment([report.prose("This detector has no part networks, so it has no embeddings to group.")])
    if len(test) < 5 * CLUSTERS:
        return Fragment([report.prose(f"This needs {5 * CLUSTERS} test images or more; there are {len(test)}.")])
    test = test.subset(np.sort(np.random.default_rng(subject.seed).permutation(len(test))[:IMAGES]))
    memory = np.stack([test.read(i) for i in range(len(test))])
    found = embeddings(detector, test, memory, progress=lambda share: progress(0.4 + 0.3 * share))
    blocks = torch.split(found, [part.embedding for part in detector.parts], 1)
    settings, tests = Settings(CLUSTERS, seed=subject.seed), CLUSTERS * len(test.attributes) * len(detector.parts)
    results = []
    for done, (part, points) in enumerate(zip(detector.parts, blocks, strict=True), 1):
        one = clustered(part.name, points, settings)
        results.append((part, one, *part_figures(one, test, settings, tests)))
        progress(0.7 + 0.25 * done / len(blocks))
    best, one, held, figures = max(results, key=lambda result: result[3]["nmi"])
    rows = [row for *_, row in results]
    which = f", here those of the part {best.name}, whose groups say most about the labels" if len(rows) > 1 else ""
    text = (
        f"{len(test):,} test images are sorted into {CLUSTERS} groups by the detector's embeddings alone (sparse "
        f"subspace clustering), without labels{which}. A label is named under a group if it is more common there than "
        f"chance allows, with 95% confidence for all {tests:,} comparisons together; in brackets how many times as "
        f"common as overall. Groups without a label, or of fewer than ten pictures, are folded away below. Of all "
        f"groups, {figures['explained']} have such a label; when every image is given the labels of another, "
        f"{figures['explained_moved']} have. Pictures are drawn at random from each group; they show the "
        f"window that the part {best.name} looks through."
    )
    return Fragment(
        [report.prose(text), *([overview(rows)] if len(rows) > 1 else []),
         *sheets(best, test, one.clusters.numpy(), held, tests, nominal=detector.eyes,
                 seed=subject.seed, count=10)],
        _findings(figures), {"parts": rows},
    )  # fmt: skip


SECTION = Section("What it groups together", run, cost=5)


def overview(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """A table of `part_figures`, one row a part."""
    columns = ["part", "groups with a label", "with a moved label", "NMI", "unseen people", "moved labels", "k-means",
               "purity", "without groups"]  # fmt: skip
    lines: list[Row] = [
        [
            row["part"],
            *(report.number(row[key]) for key in ("explained", "explained_moved")),
            *(report.number(row.get(key, np.nan), 3) for key in ("nmi", "nmi_unseen", "nmi_moved", "nmi_kmeans")),
            *(report.percent(row[key]) for key in ("purity", "majority")),
        ]
        for row in rows
    ]
    return report.table(
        columns,
        lines,
        "What the groups say of the labels, mean over attributes: normalised mutual information (NMI; 0 nothing), and "
        "purity, the accuracy of giving each image the commoner answer of its group, or of all images",
    )


def sheets(
    part: Part, dataset: AttributeDataset, clusters: NDArray[np.int64], found: Agreement, tests: int,
    *, nominal: NDArray[np.float32], seed: int = 0, count: int = 12,
) -> list[Markup]:  # fmt: skip
    """One sheet a cluster: its size, the labels over-represented in it, and ``count`` of its crops drawn at random.

    Clusters without such a label, or of fewer than `FEW` pictures, come last and are folded away.

    Args:
        part: whose window is cut out.
        dataset: the images that were clustered; they share one size.
        clusters: ``(n,)`` which cluster each is in.
        found: how they agree with the labels.
        tests: see `Agreement.over_represented`.
        nominal: ``(2, 2)`` where the eyes are if the data do not say, `Detector.eyes`.
        seed: of the draw; nobody is drawn twice into one sheet.
        count: pictures a sheet.
    """
    blocks, folded = [], []
    for cluster in np.flatnonzero(found.sizes).tolist():
        rows = members(clusters == cluster, dataset.identity, count, seed)
        eyes = nominal if dataset.eyes is None else dataset.eyes[rows]
        where = torch.from_numpy(np.array(np.broadcast_to(eyes, (len(rows), 2, 2))))
        pictures = to_uint8(crop(dataset.images(rows), where, part.window).clamp(0, 1))
        title, told = f"Group {cluster + 1}", words(found, cluster, dataset.attributes, tests)
        grid = report.image_grid(
            list(pictures), [dataset.names[i] for i in rows], label=f"{part.name}, {title}", bare=True,
            width=int(np.clip(part.window.width, 64, 112)),
        )  # fmt: skip
        if found.sizes[cluster] < FEW or told.endswith(NO_LABEL):
            folded.append(_folded(f"{title}: {told}", grid))
        else:
            blocks += [report.prose(told, heading=title), grid]
    return blocks + folded


def _folded(summary: str, block: Markup) -> Markup:
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, block)


def members(inside: NDArray[np.bool_], identity: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Up to ``count`` images of a cluster at random, of as many people."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(inside))
    _, first = np.unique(people(identity)[order], return_index=True)
    return np.asarray(order[np.sort(first)[:count]])


def words(found: Agreement, cluster: int, attributes: Sequence[str], tests: int) -> str:
    """One sentence or two: how large a cluster is and what is over-represented in it, with share and lift."""
    size, share = found.sizes[cluster], found.sizes[cluster] / found.sizes.sum()
    over = cluster_figures(found, attributes, tests)[cluster]["over_represented"]
    named = ", ".join(
        f"{report.readable(one['attribute'])} {one['share']:.0%} ({one['lift']:.1f}×)" for one in over[:TELLING]
    )
    more = f", and {len(over) - TELLING} more" if len(over) > TELLING else ""
    said = f"More common than chance allows: {named}{more}." if over else NO_LABEL
    return f"{size:,} images, {share:.0%} of all. {said}"


def _findings(figures: Mapping[str, Any]) -> list[Finding]:
    unnamed = len(figures["sizes"]) - figures["explained"]
    text = f"of {len(figures['sizes'])} groups of images that look alike to the detector, no label explains"
    return [Finding("blind spot", f"{unnamed:,}", text)] if unnamed else []
