"""Which classifiers chapter 5 is measured with, for how long they learn, and where trainings lie that have ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineament import artifacts
from lineament.defense.architectures import Architecture
from lineament.defense.classifiers import Recipe, usual_epochs
from lineament.defense.encoder import artifact_in

__all__ = ["Trained", "card_of", "finished"]

SHARE, LEAST = 3, 3
"""Under attack a classifier learns for this part of its usual epochs, though not for fewer: a CPU affords no more."""

NOISE = 0.3
"""Greatest change by the noise on half of what a noisy -Rec classifier learns."""


@dataclass(frozen=True)
class Trained:
    """Which classifier: one of table 5.5, and what it learnt from.

    Attributes:
        architecture: A to F.
        recipe: ``orig``, ``rec``, ``fgsm`` or ``pgd``, see `train_classifier`.
        eps: of the attack it was trained under, None for none.
        noisy: whether it learnt the reconstructions of noisy images, too.
    """

    architecture: Architecture
    recipe: Recipe = "orig"
    eps: float | None = None
    noisy: bool = False

    @property
    def place(self) -> str:
        """Its folder below ``classifiers``."""
        told = f"-{self.eps:g}" if self.eps else "-noisy" if self.noisy else ""
        return f"{self.recipe}{told}/{self.architecture}"

    def epochs(self, images: int) -> int:
        """Passes over so many images."""
        usual = usual_epochs(self.architecture, images)
        return max(LEAST, usual // SHARE) if self.eps else usual

    @property
    def noise(self) -> float:
        """Greatest change of a value by the noise on what it learns, beside what has none."""
        return NOISE if self.noisy else 0.0


def finished(*places: Path) -> Path | None:
    """The first place that holds an artifact, or the folder of the run that made one."""
    return next((each for each in places if any(each.glob("card.json")) or any(each.glob("*/card.json"))), None)


def card_of(place: Path) -> dict[str, Any]:
    """Of a classifier, in its artifact or the folder of its run."""
    return artifacts.read_card(artifact_in(place, "classifier"))
