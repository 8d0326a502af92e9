"""Portraits with one attribute switched: what truly differs between them is what an explanation has to find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from lineament.datasets.portraits import Scene, counterfactual, render
from lineament.datasets.portraits.picture import VISIBLE
from lineament.errors import UsageError

__all__ = ["Counterparts", "counterparts", "switches_alone"]


@dataclass(frozen=True)
class Counterparts:
    """Portraits beside themselves with the attribute switched, down to the noise.

    Attributes:
        images: ``(n, 3, size, size)`` uint8.
        switched: the same portraits with the attribute removed or added.
        regions: ``(n, size, size)`` bool, the true region of change: pixels of which some channel changes by more than
            5/255, as the data set's own masks have it.
        present: ``(n,)`` bool, whether ``images`` show the attribute.
    """

    images: UInt8[Tensor, "n 3 size size"]
    switched: UInt8[Tensor, "n 3 size size"]
    regions: Bool[Tensor, "n size size"]
    present: Bool[Tensor, " n"]


def counterparts(scenes: Sequence[Scene], attribute: str, size: int = 64) -> Counterparts:
    """Render scenes as they are and with one attribute switched.

    Args:
        scenes: one or more.
        attribute: a name of ``ATTRIBUTES``; what is added has the style that the scene holds ready for it.
        size: side in pixels.

    Raises ``UsageError`` for no scene, an unknown attribute, or a size that portraits cannot have.
    """
    if not scenes:
        raise UsageError("scenes: expected at least one, got none")
    others = [counterfactual(scene, **{attribute: attribute not in scene.present}) for scene in scenes]
    images, switched = (np.stack([render(scene, size) for scene in each]) for each in (scenes, others))
    change = np.abs(images.astype(np.int16) - switched).max(3)
    return Counterparts(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(switched).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(change > 255 * VISIBLE),
        torch.tensor([attribute in scene.present for scene in scenes]),
    )


def switches_alone(scene: Scene, attribute: str) -> bool:
    """Whether switching the attribute entails no other: a bald head, say, cannot get bangs without hair.

    ``No_Beard`` does not count, for it says no more than that there is none of the beards.
    """
    other = counterfactual(scene, **{attribute: attribute not in scene.present})
    changed = scene.present ^ other.present
    return attribute in changed and changed <= {attribute, "No_Beard"}
