"""Why somebody is refused: the situation first, else the attributes that differ, those that one can act on first."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIONABLE", "DECISIVE", "NEVER_A_REASON", "Reason", "decisiveness", "ranked"]

NEVER_A_REASON = frozenset(
    {"Smiling", "Mouth_Slightly_Open", "Blurry", "Pointy_Nose", "Oval_Face", "High_Cheekbones", "Attractive"}
)
"""They change within a minute, or people do not agree on them, or they judge taste (section 1.1)."""

ACTIONABLE = frozenset(
    {"5_o_Clock_Shadow", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Goatee", "Gray_Hair",
     "Heavy_Makeup", "Mustache", "No_Beard", "Sideburns", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings",
     "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie"}
)  # fmt: skip
"""What a person sees at a glance and can do something about, such as taking the hat off (section 2.8). The rest are
traits, of which one can only be told."""

DECISIVE = 2.0
"""From this many of a person's own deviations on a difference is decisive: few images of one person differ by more."""


@dataclass(frozen=True)
class Reason:
    """One reason for a refusal, in words for the person refused.

    Attributes:
        kind: ``"situation"``: the picture cannot be judged (no face, two faces, dark, blurred, turned away);
            ``"attribute"``: an attribute differs from the enrolled one; ``"face"``: the face as a whole does not
            match, but no single attribute that may be named does; ``"waiting"``: it matches, but has not done so for
            long enough; ``"system"``: the source, the clock or a detector failed.
        name: the attribute's name (``"Eyeglasses"``) or the situation's (``"none"``, ``"several"``, ``"dark"``, ...,
            as in `faces.situation`); of the rest ``"lost"``, ``"clock"``, ``"detector"``, ``"score"``,
            ``"started"``, ``"accepting"``.
        sentence: "Eyeglasses does not match: enrolled no, seen yes."
        strength: for an attribute the difference in units of this person's own deviation; 0 for all others.
    """

    kind: Literal["situation", "attribute", "face", "waiting", "system"]
    name: str
    sentence: str
    strength: float = 0.0


def decisiveness(
    reference: NDArray[np.float64], probe: NDArray[np.float64], within: NDArray[np.float64],
    cut: NDArray[np.float64], attributes: tuple[str, ...],
) -> NDArray[np.float64]:  # fmt: skip
    """How strongly each attribute speaks against "the same person": difference in units of a person's own deviation.

    Args:
        reference, probe: ``(…, attributes)`` log-odds, the mean of the enrolled images and the image seen.
        within: ``(attributes,)`` deviation of log-odds within a person (`spread`).
        cut: ``(attributes,)`` log-odds of the thresholds.
        attributes: names; those in `NEVER_A_REASON` get -inf.

    Returns:
        ``(…, attributes)``; -inf where both sides give the same answer, for a reason must be a difference one can name.
    """
    barred = np.array([name in NEVER_A_REASON for name in attributes]) | ((reference >= cut) == (probe >= cut))
    return np.where(barred, -np.inf, np.abs(reference - probe) / np.maximum(within, 1e-6))


def ranked(speaks: NDArray[np.float64], attributes: tuple[str, ...]) -> NDArray[np.int64]:
    """Columns of `decisiveness` in the order in which reasons are given, ``(…, attributes)``.

    Decisive differences that a person can act on come first, then all others; the stronger first among either.
    """
    front = np.array([name in ACTIONABLE for name in attributes]) & (speaks >= DECISIVE)
    return np.lexsort((-speaks, ~front), axis=-1)
