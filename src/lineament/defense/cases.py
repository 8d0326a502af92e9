"""What of a subject's detector is attacked: some attributes, each a choice of two classes, on people of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lineament.classifier import Classifier, from_function, from_module
from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import resized
from lineament.detectors.detector import Detector
from lineament.detectors.evaluation import evaluate, people
from lineament.images import to_batch

if TYPE_CHECKING:
    from lineament.subject import AttributeDetector, Readings, Subject

__all__ = ["Case", "cases", "clean_images"]

ATTRIBUTES = 4
"""How many, of those that are detected best; a quick look takes half."""

KEPT = 0.9
"""Share of clean development images whose answer a purifier must let be, for an attribute to be taken first."""


@dataclass(frozen=True)
class Case:
    """One attribute of the detector as a choice between two classes, and images to attack it on.

    Attributes:
        attribute: its name.
        classifier: logits ``(batch, 2)``: without it, with it; equal at the detector's threshold.
        images: ``(n, 3, height, width)`` in [0, 1].
        labels: ``(n,)`` the true class.
        names: of the images.
    """

    attribute: str
    classifier: Classifier
    images: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    names: Sequence[str] = field(repr=False)


class _TwoClasses(nn.Module):
    """A detector of one attribute with a logit for each answer, equal where its threshold is."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector, self.cut = detector, _log_odds(float(detector.thresholds[0]))

    def forward(self, images: Tensor) -> Tensor:
        odds: Tensor = self.detector(images) - self.cut
        return torch.cat([-odds, odds], 1) / 2


def cases(subject: "Subject", clean: Tensor, purified: Tensor, images: int) -> list[Case]:
    """The attributes that are detected best on development people; each has test people of its own, an image each.

    Those come first that the purifier lets be: a blur makes faces blurry, and that is no news.

    Args:
        subject: what is attacked.
        clean, purified: images of `clean_images`, and what the purifier makes of them.
        images: of each attribute at most, half of them with it.
    """
    names = _detected_best(subject)
    kept = dict(zip(subject.detector.attributes, _unchanged(subject, clean, purified), strict=True))
    names = sorted(names, key=lambda name: kept[name] < KEPT)[: ATTRIBUTES // 2 if subject.quick else ATTRIBUTES]
    test = subject.readings("test")
    found = [_case(subject, test, name, images, (i, len(names))) for i, name in enumerate(names)]
    return [case for case in found if len(case.labels)]


def clean_images(subject: "Subject", count: int) -> Tensor:
    """Development images, one of a person, as `Case.images`."""
    part = subject.readings("development").dataset
    return _batch(part, _one_each(part, subject.seed)[:count])


def _case(subject: "Subject", test: "Readings", name: str, images: int, turn: tuple[int, int]) -> Case:
    column, data = subject.attributes.index(name), test.dataset
    rows = _one_each(data, subject.seed)[turn[0] :: turn[1]]
    truth = test.labels[rows, column]
    rows = np.concatenate([rows[truth == present][: images // 2] for present in (1, 0)])
    labels = torch.from_numpy(test.labels[rows, column].astype(np.int64))
    classifier = _decides(subject.detector, name, float(subject.thresholds[column]))
    return Case(name, classifier, _batch(data, rows), labels, [data.names[i] for i in rows])


def _decides(detector: "AttributeDetector", name: str, threshold: float) -> Classifier:
    """One attribute of a detector; with a gradient if it is one of networks."""
    if isinstance(detector, Detector):
        return from_module(_TwoClasses(detector.only(name)))
    column = detector.attributes.index(name)

    def answers(images: Tensor) -> Tensor:
        odds = detector.probabilities(images)[:, column].double().logit(1e-9) - _log_odds(threshold)
        return torch.stack([-odds, odds], 1) / 2

    return from_function(answers)


def _unchanged(subject: "Subject", clean: Tensor, purified: Tensor) -> list[float]:
    """For each attribute of the detector the share of images on which its answer survives the purifier."""
    with torch.no_grad():
        answers = [subject.detector.probabilities(images).cpu().numpy() >= subject.detector.thresholds
                   for images in (clean, purified)]  # fmt: skip
    return [float(share) for share in (answers[0] == answers[1]).mean(0)]


def _detected_best(subject: "Subject") -> list[str]:
    """The attributes by falling AUC on development people."""
    part = subject.readings("development")
    auc = evaluate(part.probabilities, part.labels, subject.thresholds, part.dataset.identity,
                   attributes=subject.attributes, majority=np.full(len(subject.attributes), 0), resamples=0,
                   seed=subject.seed).auc[:, 0]  # fmt: skip
    return [subject.attributes[i] for i in np.argsort(-np.nan_to_num(auc), kind="stable")]


def _one_each(dataset: AttributeDataset, seed: int) -> NDArray[np.int64]:
    """One image of each person, in random order: images of one person would not be independent."""
    order = np.random.default_rng(seed).permutation(len(dataset))
    _, first = np.unique(people(dataset.identity)[order], return_index=True)
    return np.asarray(order[np.sort(first)])


def _batch(dataset: AttributeDataset, rows: NDArray[np.int64]) -> Tensor:
    height, width = dataset.read(0).shape[:2]
    if not len(rows):
        return torch.zeros(0, 3, height, width)
    return to_batch(np.stack([resized(dataset.read(int(i)), (height, width)) for i in rows])).expand(-1, 3, -1, -1)


def _log_odds(threshold: float) -> float:
    inside = min(max(threshold, 1e-3), 0.999)
    return log(inside / (1 - inside))
