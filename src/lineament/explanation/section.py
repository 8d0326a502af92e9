"""The dossier's section on what a detector looks at: images on the other side of its decisions, masks, attribution."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lineament import report
from lineament.classifier import from_function
from lineament.datasets.pixels import resized
from lineament.detectors.evaluation import evaluate
from lineament.explanation.attribution import attribute
from lineament.explanation.decisions import Decisions, of_attribute
from lineament.explanation.explainer import Explanation, explain, flips
from lineament.explanation.loading import Explained, evenly, for_detector
from lineament.explanation.strips import block, decided_from, strips
from lineament.images import to_batch
from lineament.report import Finding, Fragment, Row, Section

if TYPE_CHECKING:
    from markupsafe import Markup

    from lineament.subject import Readings, Subject

__all__ = ["SECTION"]

IMAGES, QUICK_IMAGES = 80, 40
"""Test images an attribute that are explained, half of them with it and half without."""

SHOWN, MAPPED = 4, 12
"""Strips an attribute, and images whose occlusion maps are averaged."""

WITHOUT_EXPLAINER = 4
"""Attributes shown by occlusion alone, where there is no explainer."""

FLIPS = 0.5
"""Share of the decisions that an explainer flips, either way, from which its masks say what the detector goes by."""

GREY = 0.5
"""What hides a place of a photograph (Zeiler & Fergus 2014)."""

HEAT = (235, 98, 30)


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Every attribute that there is an explainer of; without any, occlusion maps and how to train one."""
    test = subject.readings("test", lambda share: progress(0.3 * share))
    explained = [one for one in for_detector(subject.detector, subject.explainers)  # type: ignore[arg-type]
                 if one.explainer.classes[1] in subject.attributes]  # fmt: skip
    if not explained:
        return _by_occlusion(subject, test, lambda share: progress(0.3 + 0.7 * share))
    blocks, figures = [], []
    for i, one in enumerate(explained):
        part, told = _attribute(subject, test, one)
        blocks += part
        figures.append(told)
        progress(0.3 + 0.7 * (i + 1) / len(explained))
    return Fragment([*_overview(figures), *blocks], _findings(figures), {"explanations": figures})


SECTION = Section("What it looks at, and what would change its mind", run, cost=12)


def _attribute(subject: "Subject", test: "Readings", one: Explained) -> tuple[list["Markup"], dict[str, Any]]:
    """Strips, mean masks of both directions, the mean occlusion map, and the figures of one explainer."""
    name = one.explainer.classes[1]
    images, names = _pictures(subject, test, name, one.explainer.shape[1:], QUICK_IMAGES if subject.quick else IMAGES)
    found = explain(one.explainer, one.decisions, images)
    crossed = one.decisions.predict(found.composite) == found.target
    had = found.source == 1
    at = float(flips(found, one.decisions).nanmedian())
    figures = {
        "attribute": name,
        "images": len(found),
        "removed": _mean(crossed[had]),
        "added": _mean(crossed[~had]),
        "flips_at": None if np.isnan(at) else at,
        "mask": float(found.mask.mean()),
    }
    shown = evenly(found.source.cpu().numpy(), SHOWN).tolist()
    readable = report.readable(name)
    return [
        report.prose(f"{_words(figures)} {decided_from(one.decisions)}", heading=readable),
        block(strips(found[shown], one.decisions, [names[i] for i in shown]), f"Explanations of {readable}"),
        _maps(found, one.decisions, readable),
    ], figures


def _maps(found: Explanation, decisions: Decisions, name: str) -> "Markup":
    """Where each direction changes the image, on average, beside what occlusion says of images that have it."""
    pictures, captions = [], []
    for with_it, told in ((1, "mask that takes it away"), (0, "mask that puts it on")):
        chosen = found.source == with_it
        if chosen.any():
            pictures.append(_heat(found.images[chosen], found.mask[chosen].mean((0, 1))))
            captions.append(f"{told}\nmean of {int(chosen.sum())} images")
    if (have := (found.source == 1).nonzero()[:MAPPED, 0]).numel():
        images = found.images[have]
        pictures.append(_heat(images, _occlusion(decisions, images).mean(0)))
        captions.append(f"occlusion, beside\nmean of {len(images)} images that have it")
    return report.image_grid(pictures, captions, label=f"Where {name} is looked for", width=144)


def _by_occlusion(subject: "Subject", test: "Readings", progress: Callable[[float], None]) -> Fragment:
    """Occlusion maps of the attributes that are detected best, for want of explainers."""
    detector, attributes = subject.detector, _detected_best(subject)

    def log_odds(images: Tensor) -> Tensor:
        return detector.probabilities(images).double().logit(1e-9)

    shape = test.dataset.read(0).shape[:2]
    pictures, captions = [], []
    for i, name in enumerate(attributes):
        threshold = float(subject.thresholds[subject.attributes.index(name)])
        decisions = of_attribute(from_function(log_odds), detector.attributes, name, min(max(threshold, 1e-3), 0.999))
        images, _ = _pictures(subject, test, name, shape, 2 * MAPPED)
        images = images[decisions.predict(images) == 1]
        progress((i + 1) / len(attributes))
        if len(images):
            pictures.append(_heat(images, _occlusion(decisions, images).mean(0)))
            captions.append(f"{report.readable(name)}\nmean of {len(images)} images that have it")
    text = (
        "No explainer of this detector was given, so this shows by occlusion where it looks: orange is where a grey "
        "square lowers the log-odds of the attribute most. What would change its mind is shown once 'lineament train "
        "explainer --attribute NAME --data DATA --detector FOLDER --out RUN' has trained an explainer, in minutes, and "
        "'lineament dossier --explainer RUN' is told of it."
    )
    grid = [report.image_grid(pictures, captions, label="Occlusion maps", width=144)] if pictures else []
    return Fragment([report.prose(text), *grid], (), {"occlusion": list(attributes)})


def _detected_best(subject: "Subject") -> list[str]:
    """The attributes of the greatest AUC on development people."""
    part = subject.readings("development")
    auc = evaluate(part.probabilities, part.labels, subject.thresholds, part.dataset.identity,
                   attributes=subject.attributes, majority=np.full(len(subject.attributes), 0), resamples=0,
                   seed=subject.seed).auc[:, 0]  # fmt: skip
    best = np.argsort(-np.nan_to_num(auc), kind="stable")[:WITHOUT_EXPLAINER]
    return [subject.attributes[i] for i in best]


def _pictures(
    subject: "Subject", test: "Readings", name: str, shape: Sequence[int], count: int
) -> tuple[Tensor, list[str]]:
    """``count`` test images at random, half of them with the attribute as far as the detector finds any."""
    column = subject.attributes.index(name)
    order = np.random.default_rng(subject.seed).permutation(len(test.dataset))
    present = (test.probabilities[order, column] >= subject.thresholds[column]).astype(np.int64)
    rows = order[evenly(present, count)]
    batch = to_batch(np.stack([resized(test.dataset.read(int(i)), (shape[0], shape[1])) for i in rows]))
    return batch.expand(-1, 3, -1, -1), [test.dataset.names[i] for i in rows]


def _occlusion(decisions: Decisions, images: Tensor) -> Tensor:
    """Maps ``(n, height, width)`` with a coarse square: what it costs grows with the number of places."""
    window = max(2, min(images.shape[2:]) // 5)
    target = torch.ones(len(images), dtype=torch.int64)
    return attribute("occlusion", decisions, images, target, baseline=GREY, window=window, stride=window // 2)


def _heat(images: Tensor, values: Tensor) -> NDArray[np.uint8]:
    """The mean image in grey, orange where ``values`` ``(height, width)`` are great: ``(height, width, 3)`` uint8."""
    mean = images.mean((0, 1))[..., None].cpu().numpy()
    share = (values.clamp(min=0) / values.max().clamp(min=1e-9))[..., None].cpu().numpy()
    return np.asarray(255 * mean * (1 - 0.85 * share) + np.array(HEAT) * 0.85 * share).clip(0, 255).astype(np.uint8)


def _mean(crossed: Tensor) -> float | None:
    return float(crossed.double().mean()) if len(crossed) else None


def _share(value: float | None) -> report.Cell:
    return report.percent(float("nan") if value is None else value)


def _overview(figures: Sequence[dict[str, Any]]) -> list["Markup"]:
    rows: list[Row] = [
        [report.readable(row["attribute"]), *(_share(row[key]) for key in ("removed", "added", "flips_at", "mask")),
         report.number(row["images"])]
        for row in figures
    ]  # fmt: skip
    columns = ["attribute", "flipped, taking it away", "flipped, putting it on", "at so much of the change (median)",
               "mask, share of image (mean)", "images"]  # fmt: skip
    return [
        report.prose(
            "A network trained for one attribute redraws a face so that the detector decides otherwise, and a mask "
            "says where: outside of it nothing changes. What the mask covers is what the detector goes by. The dial "
            "mixes the change in step by step; the blue part of its line begins where the decision flips.",
            "For speed these faces are cut out by the eyes' usual place, not by each face's own, so a decision may "
            "differ from the ones above. Every composite is judged by the detector itself.",
        ),
        report.table(columns, rows, "How often the composite flips the decision, and how much it takes"),
    ]


def _words(figures: dict[str, Any]) -> str:
    said = [
        f"{'taking it away' if key == 'removed' else 'putting it on'} flips {figures[key]:.0%}"
        for key in ("removed", "added") if figures[key] is not None
    ]  # fmt: skip
    at = figures["flips_at"]
    half = "" if at is None else f", half of the flipped by {at:.0%} of the change"
    return (
        f"Of {figures['images']} test images, {' and '.join(said)} of the decisions{half}. The mask covers "
        f"{figures['mask']:.0%} of the image."
    )


def _findings(figures: Sequence[dict[str, Any]]) -> list[Finding]:
    """The attribute whose decision flips by the least change, among those of which half flip, either way."""
    flipping = [row for row in figures if all((row[key] or 0) >= FLIPS for key in ("removed", "added"))]
    if not flipping:
        return []
    least = min(flipping, key=lambda row: float(row["mask"]))
    name = report.readable(least["attribute"])
    text = f"of the image is redrawn, on average, to flip the answer about {name}; least of {len(figures)} explained"
    return [Finding("weak flank", f"{least['mask']:.0%}", text)]
