"""Random noise of an attack's budget: the control. What it breaks was not broken by the attacker's knowledge."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lineament.attacks.base import Attack
from lineament.classifier import Classifier
from lineament.errors import UsageError, nearest

__all__ = ["KINDS", "Noise"]

KINDS = ("sign", "uniform")


@dataclass(frozen=True)
class Noise(Attack):
    """Noise that looks at neither classifier nor label.

    Attributes:
        eps: greatest change of a value, in [0, 1].
        kind: ``"sign"`` moves each value by all of ``eps``, up or down, as FGSM does; ``"uniform"`` by up to it.
    """

    name: ClassVar[str] = "noise"
    needs_gradient: ClassVar[bool] = False
    eps: float
    kind: str = "sign"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in KINDS:
            raise UsageError(nearest(self.kind, KINDS, "kind of noise"))

    def run(self, classifier: Classifier, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Noisy images of one batch."""
        drawn = torch.rand(images.shape, generator=generator).to(images.device) * 2 - 1
        return images + self.eps * (drawn.sign() if self.kind == "sign" else drawn)
