"""MagNet (Meng & Chen 2017): an auto-encoder before the classifier, and detectors that ask what it changed.

The *reformer* is what the dissertation's tables call MagNet. The *detectors* flag an image that the auto-encoder gives
back with too great an error, or of which the classifier then thinks too differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from lineament.classifier import Classifier, from_function
from lineament.defense.autoencoder import AutoEncoder
from lineament.defense.detection import disagreement, error, threshold
from lineament.defense.trivial import autoencoded
from lineament.errors import UsageError
from lineament.purifier import Defended, Purifier, defended

__all__ = ["TEMPERATURES", "MagNet", "magnet", "reformer"]

TEMPERATURES = (10.0, 40.0)
"""What logits are divided by before they are compared, so that a sure classifier still shows a change of mind."""


@dataclass(frozen=True)
class MagNet:
    """A classifier behind a reformer, with detectors beside it.

    Attributes:
        classifier: what is defended.
        reformer: the auto-encoder, as a purifier.
        thresholds: for each detector the score above which it flags an image; empty before they are chosen.
    """

    classifier: Classifier
    reformer: Purifier
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def defended(self) -> Defended:
        """The classifier that looks at reformed images."""
        return defended(self.classifier, self.reformer)

    def scores(self, images: Tensor) -> dict[str, Tensor]:
        """For each detector ``(n,)`` scores of an image batch; greater is more suspicious.

        ``"error"`` is the mean squared error per pixel of image against reformed image, ``"divergence T"`` the
        Jensen-Shannon divergence in bits of the classifier's answers to both at temperature T.
        """
        reformed = self.reformer(images)
        scores = {"error": error(images, reformed)}
        for temperature in TEMPERATURES:
            scores[f"divergence {temperature:g}"] = disagreement(self._softened(temperature), images, reformed)
        return scores

    def _softened(self, temperature: float) -> Classifier:
        return from_function(lambda images: self.classifier(images) / temperature)

    def flagged(self, images: Tensor) -> Bool[Tensor, " n"]:
        """Whether any detector takes an image for an attacked one. ``UsageError`` before thresholds are chosen."""
        if not self.thresholds:
            raise UsageError("thresholds: MagNet has none yet; choose them on clean images with magnet(...)")
        scores = self.scores(images)
        return torch.stack([scores[name] > limit for name, limit in self.thresholds.items()]).any(0)


def reformer(autoencoder: AutoEncoder) -> Purifier:
    """MagNet's reformer; its gradient is its own, so an attacker who knows it is not held up by it."""
    return replace(autoencoded(autoencoder), name="MagNet")


def magnet(classifier: Classifier, autoencoder: AutoEncoder, development: Tensor, *, rate: float = 0.01) -> MagNet:
    """MagNet with thresholds that clean images rarely reach.

    Args:
        classifier: what is defended.
        autoencoder: as `load_autoencoder` gives it, trained with noise.
        development: clean images that neither was trained on, ``(m, channels, height, width)`` in [0, 1]; at least
            three for each false positive of a hundred, see `detection.threshold`.
        rate: wanted share of clean images that at least one detector flags; each gets an equal part of it, so that
            together they stay below.

    Raises ``UsageError`` for a rate outside (0, 1) and too few images for it.
    """
    if not 0 < rate < 1:
        raise UsageError(f"rate: expected a false positive rate between 0 and 1, such as 0.01, got {rate}")
    bare = MagNet(classifier, reformer(autoencoder))
    scores = bare.scores(development)
    return replace(bare, thresholds={name: threshold(each, rate / len(scores)) for name, each in scores.items()})
