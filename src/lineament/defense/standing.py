"""How a subject's detector stands under attack, bare and behind a purifier: which attributes, images and attacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lineament.attacks.adaptive import BPDA, Unrolled
from lineament.attacks.base import Attack
from lineament.attacks.gradient_sign import PGD
from lineament.attacks.manifold import OnManifold
from lineament.attacks.noise import Noise
from lineament.attacks.square import Square
from lineament.classifier import Classifier, from_function, from_module
from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import resized
from lineament.defense.detection import disagreement, error
from lineament.defense.threats import Trial, trials
from lineament.detectors.detector import Detector
from lineament.detectors.evaluation import evaluate, people
from lineament.images import to_batch
from lineament.purifier import Purifier, defended

if TYPE_CHECKING:
    from lineament.subject import AttributeDetector, Readings, Subject

__all__ = [
    "KNOWN", "OBLIVIOUS", "TELLING", "Case", "Scores", "cases", "clean_images", "oblivious", "scores", "stand",
    "strongest",
]  # fmt: skip

EPS = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
"""Budgets: a grey level is 1/255, and 8/255 is hardly seen in a photograph."""

TELLING = EPS[2]
"""The budget of findings, of detection and of the pictures."""

ATTRIBUTES, IMAGES = 4, 12
"""Attributes, those that are detected best, and test images of each, half of them with it; a quick look takes half."""

KEPT = 0.9
"""Share of clean development images whose answer a purifier must let be, for an attribute to be taken first."""

STEPS, QUERIES = 10, 50
"""Of the attacks along a gradient, and of the one without. Few: each costs what looking at so many images does."""

OBLIVIOUS, STRAIGHT, THROUGH, MANIFOLD, BY_QUERIES, RANDOM = (
    "oblivious", "BPDA", "exact gradient", "on the manifold", "queries alone", "random noise",
)  # fmt: skip

KNOWN = {
    OBLIVIOUS: "the detector, not that anything stands before it",
    STRAIGHT: "both, and leaves the purifier out on the way back",
    THROUGH: "both, and goes back through the purifier's own arithmetic",
    MANIFOLD: "both, and searches the images that the generator can make",
    BY_QUERIES: "neither: asks the two about many images (greatest budget only)",
    RANDOM: "nothing: a control",
}
"""What each attacker knows."""


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


@dataclass(frozen=True)
class Scores:
    """What tells attacked images from clean ones, ``(n,)`` each; greater is more suspicious."""

    error: Tensor
    disagreement: Tensor

    @staticmethod
    def of(parts: "Sequence[Scores]") -> "Scores":
        """Those of several sets of images, one after the other."""
        return Scores(*(torch.cat([getattr(part, name) for part in parts]) for name in ("error", "disagreement")))


class _TwoClasses(nn.Module):
    """A detector of one attribute with a logit for each answer, equal where its threshold is."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector, self.cut = detector, _log_odds(float(detector.thresholds[0]))

    def forward(self, images: Tensor) -> Tensor:
        odds: Tensor = self.detector(images) - self.cut
        return torch.cat([-odds, odds], 1) / 2


def cases(subject: "Subject", clean: Tensor, purified: Tensor) -> list[Case]:
    """The attributes that are detected best on development people; each has test people of its own, an image each.

    Those come first that the purifier lets be: a blur makes faces blurry, and that is no news.

    Args:
        subject: what is attacked.
        clean, purified: images of `clean_images`, and what the purifier makes of them.
    """
    names = _detected_best(subject)
    kept = dict(zip(subject.detector.attributes, _unchanged(subject, clean, purified), strict=True))
    names = sorted(names, key=lambda name: kept[name] < KEPT)[: ATTRIBUTES // 2 if subject.quick else ATTRIBUTES]
    test = subject.readings("test")
    found = [_case(subject, test, name, i, len(names)) for i, name in enumerate(names)]
    return [case for case in found if len(case.labels)]


def stand(case: Case, purifier: Purifier, *, seed: int = 0, quick: bool = False) -> list[Trial]:
    """One case under every threat that its classifier and its purifier allow; images as they are come first.

    The attack by queries is tried at the greatest budget alone, for it costs most.
    """
    target = defended(case.classifier, purifier, seed=seed)
    eps = EPS[2:] if quick else EPS
    blind = {BY_QUERIES: Square(eps[-1], queries=QUERIES)}
    if not case.classifier.differentiable:
        unaware: dict[str, Attack] = {OBLIVIOUS: Square(eps[-1], queries=QUERIES), RANDOM: Noise(eps[-1])}
        found = trials(target, case.images, case.labels, unaware, eps, oblivious=[OBLIVIOUS], seed=seed)
    else:
        found = trials(target, case.images, case.labels, _along_gradients(purifier), eps, seed=seed)
    return found + trials(target, case.images, case.labels, blind, eps[-1:], seed=seed)[1:]


def scores(case: Case, images: Tensor, purified: Tensor) -> Scores:
    """How far images lie from their purified ones, and how differently the case's classifier answers to the two."""
    with torch.no_grad():
        return Scores(error(images, purified), disagreement(case.classifier, images, purified))


def strongest(found: Sequence[Trial], eps: float) -> Trial:
    """Of the attacks at ``eps`` the one that the defence stands least; of equals, one that knows it."""
    at = [trial for trial in found if trial.eps == eps and trial.threat != RANDOM]
    return min(at, key=lambda trial: (int(trial.correct.sum()), trial.oblivious))


def oblivious(found: Sequence[Trial], eps: float) -> Trial:
    """The attack at ``eps`` that does not know the defence."""
    return next(trial for trial in found if trial.threat == OBLIVIOUS and trial.eps == eps)


def clean_images(subject: "Subject", count: int) -> Tensor:
    """Development images, one of a person, as `Case.images`."""
    part = subject.readings("development").dataset
    return _batch(part, _one_each(part, subject.seed)[:count])


def _along_gradients(purifier: Purifier) -> dict[str, Attack]:
    """Attacks whose budget is set by who runs them; a purifier without a gradient of its own is gone around by BPDA."""
    found: dict[str, Attack] = {OBLIVIOUS: PGD(1.0, steps=STEPS)}
    if "exact" not in purifier.routes or purifier.randomised:
        found[STRAIGHT] = BPDA(1.0, steps=STEPS, average=1)
    if "exact" in purifier.routes:
        found[THROUGH] = Unrolled(1.0, steps=STEPS, average=1)
    if purifier.manifold is not None:
        found[MANIFOLD] = OnManifold(1.0, steps=5 * STEPS, restarts=1)
    return found | {RANDOM: Noise(1.0)}


def _case(subject: "Subject", test: "Readings", name: str, turn: int, turns: int) -> Case:
    column, data = subject.attributes.index(name), test.dataset
    rows = _one_each(data, subject.seed)[turn::turns]
    truth = test.labels[rows, column]
    half = IMAGES // 4 if subject.quick else IMAGES // 2
    rows = np.concatenate([rows[truth == present][:half] for present in (1, 0)])
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
