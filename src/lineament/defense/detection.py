"""Telling attacked images from clean ones by what a purifier makes of them: how well, and from which score on.

Clean images lie close to what a purifier gives and are decided alike before and after it; attacked ones less so
(section 5.4.1, eq. 5.8). A threshold is chosen on clean development images, which no figure is then measured on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.special import entr

from lineament.classifier import Classifier
from lineament.defense.intervals import area, share
from lineament.errors import UsageError
from lineament.images import check_images

__all__ = ["Detection", "detection", "disagreement", "error", "threshold"]

RATES = (0.01, 0.05)
"""False positive rates at which detection is reported."""


@dataclass(frozen=True)
class Detection:
    """How well a score tells attacked images from clean ones.

    Attributes:
        auc: area under the ROC curve and its 95 % interval, ``(3,)``.
        fpr, tpr: the ROC curve, ``(points,)`` each, from (0, 0) to (1, 1).
        operating: one entry a false positive rate ``wanted``: the ``threshold`` above which an image is flagged, and
            the shares of clean and of attacked images flagged, ``false_positive`` and ``detected``, with intervals.
        n: pairs of a clean and an attacked image.
    """

    auc: list[float]
    fpr: NDArray[np.float64] = field(repr=False)
    tpr: NDArray[np.float64] = field(repr=False)
    operating: list[dict[str, Any]]
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Everything but the curve, as JSON values."""
        return {"n": self.n, "auc": self.auc, "operating": self.operating}


def error(images: Tensor, purified: Tensor) -> Float32[Tensor, " n"]:
    """Mean squared error per pixel and channel between each image and its purified one: the score of eq. 5.8.

    Args:
        images, purified: ``(n, channels, height, width)`` in [0, 1], of one shape.
    """
    check_images(images)
    check_images(purified, name="purified")
    _check_twins(images, purified)
    return (images - purified).square().mean((1, 2, 3))


def disagreement(classifier: Classifier, images: Tensor, purified: Tensor) -> Float64[Tensor, " n"]:
    """Jensen-Shannon divergence in bits, in [0, 1], of the classifier's answers to each image and its purified one.

    After MagNet (Meng & Chen 2017); 0 where purifying changes no probability, 1 where it leaves none in place.

    Args:
        classifier: logits ``(batch, classes)``.
        images, purified: ``(n, channels, height, width)`` in [0, 1], of one shape.
    """
    _check_twins(images, purified)
    before, after = (classifier(batch).detach().double().softmax(1) for batch in (images, purified))
    both = entr((before + after) / 2).sum(1) - (entr(before) + entr(after)).sum(1) / 2
    found: Tensor = (both / math.log(2)).clamp(0, 1)
    return found


def threshold(development: ArrayLike, rate: float) -> float:
    """The score above which an image is flagged, for a wanted false positive rate.

    It is the score of rank ``ceil((n + 1) (1 - rate))``: of further clean images, in expectation at most ``rate`` score
    higher, however few the development images are (conformal prediction, Vovk et al. 2005).

    Args:
        development: ``(n,)`` scores of clean development images.
        rate: wanted, in (0, 1).

    Raises ``UsageError`` for a rate outside (0, 1), and for so few images that no score is rare enough.
    """
    scores = _scores(development, "development")
    if not 0 < rate < 1:
        raise UsageError(f"rate: expected a false positive rate between 0 and 1, such as 0.05, got {rate}")
    rank = math.ceil((len(scores) + 1) * (1 - rate) - 1e-9)
    if rank > len(scores):
        needed = math.ceil(1 / rate - 1e-9) - 1
        raise UsageError(
            f"development: a false positive rate of {rate:g} takes at least {needed} clean images, got {len(scores)}; "
            f"add images, or ask for a rate of {1 / (len(scores) + 1):.2g} or more"
        )
    return float(np.sort(scores)[rank - 1])


def detection(
    clean: ArrayLike, attacked: ArrayLike, development: ArrayLike, *, rates: Sequence[float] = RATES
) -> Detection:
    """Hold the scores of attacked images against those of the same images clean.

    Args:
        clean, attacked: ``(n,)`` scores of the same ``n`` test images in one order; greater is more suspicious.
        development: ``(m,)`` scores of clean images of the development part, which the thresholds are taken from.
        rates: wanted false positive rates.

    Raises ``UsageError`` for scores that are not finite or do not pair up, and for what `threshold` refuses.
    """
    negative, positive = _scores(clean, "clean"), _scores(attacked, "attacked")
    if len(negative) != len(positive):
        raise UsageError(f"clean, attacked: expected the same images, got {len(negative)} and {len(positive)} scores")
    fpr, tpr = _roc(negative, positive)
    return Detection(area(negative, positive), fpr, tpr, [_at(negative, positive, development, rate) for rate in rates],
                     len(negative))  # fmt: skip


def _at(
    negative: NDArray[np.float64], positive: NDArray[np.float64], development: ArrayLike, rate: float
) -> dict[str, Any]:
    cut = threshold(development, rate)
    flagged = {"false_positive": share(negative > cut), "detected": share(positive > cut)}
    return {"wanted": rate, "threshold": cut, **flagged}


def _roc(
    negative: NDArray[np.float64], positive: NDArray[np.float64]
) -> tuple[Float[NDArray[np.float64], " points"], Float[NDArray[np.float64], " points"]]:
    """Shares above each score that occurs, by falling score, with both ends."""
    cuts = np.unique(np.concatenate([negative, positive]))[::-1]
    fpr, tpr = (1 - np.searchsorted(np.sort(part), cuts, "left") / len(part) for part in (negative, positive))
    return np.append(0.0, fpr), np.append(0.0, tpr)


def _scores(values: ArrayLike, name: str) -> NDArray[np.float64]:
    scores = np.asarray(values.cpu() if isinstance(values, Tensor) else values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise UsageError(f"{name}: expected finite scores (n,), n at least 1, got shape {scores.shape}, or NaN in it")
    return scores


def _check_twins(images: Tensor, purified: Tensor) -> None:
    if images.shape != purified.shape:
        raise UsageError(
            f"purified: expected the images' shape {tuple(images.shape)}, got {tuple(purified.shape)}; purify the same "
            "images"
        )
