"""The dossier's first section: what is in the data, before any detector looks at it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lineament import report
from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Subject

__all__ = ["FEW", "SECTION", "co_occurrence", "in_two_parts"]

FEW = 50
"""Fewer test images than this with an attribute, or without it, make its figures uncertain enough to say so."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Counts, prevalence, a contact sheet and the labels that go together."""
    dataset = subject.dataset
    parts = [dataset.part(split) for split in SPLITS]
    shared = in_two_parts(dataset)
    shares = np.stack([_prevalence(part.labels) for part in [*parts, dataset]])
    progress(0.3)
    sheet = _contact_sheet(parts[2] if len(parts[2]) else dataset, subject.seed, 24 if subject.quick else 48)
    progress(0.8)
    blocks = [
        report.prose(
            f"{len(dataset):,} images with {len(dataset.attributes)} attributes. Detectors learn on the training "
            "part; what is tuned here is tuned on the development part; every figure is measured on the test part.",
            _who(dataset, shared),
        ),
        _counts(parts),
        sheet,
        *_how_common(dataset, shares),
        *_together(dataset),
        *_unmatched(subject),
    ]
    data = {"images": len(dataset), "people": _people(dataset), "people_in_two_parts": shared}
    return Fragment(blocks, _findings(parts[2], shared), data)


SECTION = Section("The data", run, cost=2)


def co_occurrence(labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """The phi coefficient (Pearson's for two binary columns) of all pairs, ``(attributes, attributes)`` in [-1, 1].

    Each pair uses the images where both labels are known; NaN where one of them never varies there.
    """
    yes, no = (labels == 1).astype(float), (labels == 0).astype(float)
    both, first, second, neither = yes.T @ yes, yes.T @ no, no.T @ yes, no.T @ no
    spread = np.sqrt((both + first) * (second + neither) * (both + second) * (first + neither))
    phi: NDArray[np.float64] = np.divide(
        both * neither - first * second, spread, out=np.full_like(spread, np.nan), where=spread > 0
    )
    return phi


def _counts(parts: list[AttributeDataset]) -> "Markup":
    rows: list[Row] = [
        [split, report.number(len(part)), report.number(_people(part)),
         report.number(float(np.median(counts)) if len(counts := _images_per_person(part)) else np.nan),
         report.number(len(set(part.session.tolist()) - {""}) or np.nan)]
        for split, part in zip(SPLITS, parts, strict=True)
    ]  # fmt: skip
    return report.table(["part", "images", "people", "images a person (median)", "sessions"], rows, "The three parts")


def _contact_sheet(part: AttributeDataset, seed: int, count: int) -> "Markup":
    """One image each of some people, at random."""
    order = np.random.default_rng(seed).permutation(len(part))
    _, first = np.unique(
        np.where(part.identity < 0, -1 - np.arange(len(part)), part.identity)[order], return_index=True
    )
    chosen = order[np.sort(first)[:count]]
    names = [f"{part.names[i]}" for i in chosen]
    return report.image_grid([part.read(int(i)) for i in chosen], names, label="Contact sheet", width=72, bare=True)


def _how_common(dataset: AttributeDataset, shares: NDArray[np.float64]) -> list["Markup"]:
    order = np.argsort(-np.nan_to_num(shares[3]), kind="stable")
    drawing, axis = report.axes(4.4, 0.7 + 0.2 * len(order))
    height = np.arange(len(order))[::-1]
    axis.barh(height, np.nan_to_num(shares[3][order]), color=report.ACCENT, height=0.62)
    axis.set_yticks(height, [report.readable(dataset.attributes[i]) for i in order])
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.set_ylim(-0.7, len(order) - 0.3)
    alt = "Bar chart of the share of images that have each attribute: " + ", ".join(
        f"{report.readable(dataset.attributes[i])} {shares[3, i]:.0%}" for i in order[:3]
    )
    rows: list[Row] = [
        [report.readable(dataset.attributes[i]), *(report.percent(share) for share in shares[:, i])] for i in order
    ]
    return [
        report.prose(heading="How common each attribute is"),
        report.figure(drawing, alt + " are the most common.", "Share of all images with a known label."),
        report.table(
            ["attribute", *SPLITS, "all"], rows, "Share of images with each attribute, part by part", folded=True
        ),
    ]


def _together(dataset: AttributeDataset) -> list["Markup"]:
    phi = co_occurrence(dataset.labels)
    first, second = np.triu_indices(len(phi), 1)
    defined = np.isfinite(phi[first, second])
    first, second = first[defined], second[defined]
    order = np.argsort(-np.abs(phi[first, second]), kind="stable")[:16]
    rows: list[Row] = [
        [
            *(report.readable(dataset.attributes[i]) for i in (first[k], second[k])),
            report.number(phi[first[k], second[k]], 2),
        ]
        for k in order
    ]
    if not rows:
        return []
    return [
        report.prose(
            "A detector can learn the companion instead of the attribute. These labels go together, or exclude each "
            "other, most strongly (phi: 1 always together, 0 unrelated, −1 never together).",
            heading="Labels that go together",
        ),
        report.table(["attribute", "and", "phi"], rows, "The sixteen strongest associations between labels"),
    ]


def _unmatched(subject: "Subject") -> list["Markup"]:
    undetected, unlabelled = subject.unmatched
    texts = [
        f"{reason}: {', '.join(map(report.readable, names))}."
        for reason, names in (
            ("Labelled, but the detector does not know them", undetected),
            ("Detected, but without labels here, so left out", unlabelled),
        )
        if names
    ]
    return [report.prose(*texts, heading="Attributes left out")] if texts else []


def _findings(test: AttributeDataset, shared: int) -> list[Finding]:
    found = []
    if shared:
        text = "people are in more than one part, so figures on the test part flatter the detector"
        found.append(Finding("weak flank", f"{shared:,}", text))
    present, absent = (test.labels == 1).sum(0), (test.labels == 0).sum(0)
    rarer = np.minimum(present, absent)
    few = np.flatnonzero((rarer < FEW) & (rarer > 0))
    if len(few):
        rarest = few[rarer[few].argmin()]
        verb = "show" if present[rarest] <= absent[rarest] else "lack"
        others = f", and so for {len(few) - 1} more" if len(few) > 1 else ""
        text = f"test images {verb} {report.readable(test.attributes[rarest])}: too few for a firm figure{others}"
        found.append(Finding("weak flank", f"{rarer[rarest]:,}", text))
    return found


def _who(dataset: AttributeDataset, shared: int) -> str:
    if not _people(dataset):
        return "Who is in the images is not known, so each counts as a person of its own: intervals may be too narrow."
    overlap = f"but {shared:,} of them are in more than one part" if shared else "and nobody is in more than one part"
    return f"There are {_people(dataset):,} people, {overlap}."


def in_two_parts(dataset: AttributeDataset) -> int:
    """How many known people have images in more than one part."""
    known = dataset.identity >= 0
    places = np.unique(np.stack([dataset.identity[known], dataset.split[known].astype(np.int64)], axis=1), axis=0)
    return int((np.unique(places[:, 0], return_counts=True)[1] > 1).sum())


def _prevalence(labels: NDArray[np.int8]) -> NDArray[np.float64]:
    known = (labels >= 0).sum(0)
    share: NDArray[np.float64] = np.divide(
        (labels == 1).sum(0), known, out=np.full(len(known), np.nan), where=known > 0
    )
    return share


def _images_per_person(dataset: AttributeDataset) -> NDArray[Any]:
    return np.unique(dataset.identity[dataset.identity >= 0], return_counts=True)[1]


def _people(dataset: AttributeDataset) -> int:
    return len(_images_per_person(dataset))
