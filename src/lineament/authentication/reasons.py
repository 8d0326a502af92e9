"""Why somebody is refused: the situation first, else the attributes that differ, those that one can act on first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lineament import report
from lineament.authentication.cohort import Cohort
from lineament.authentication.template import Template

__all__ = [
    "ACTIONABLE", "DECISIVE", "FIRM", "MOST", "NEVER_A_REASON", "Reason", "decisiveness", "differences", "ranked",
    "situations",
]  # fmt: skip

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


FIRM = 1.0
"""An enrolled answer can be held against somebody only if it lies this many of the person's own deviations from the
detector's cut: an attribute that varies for this person is no reason."""

MOST = 3
"""At most this many attributes are named."""


@dataclass(frozen=True)
class Reason:
    """One reason for a refusal, in words for the person refused.

    Attributes:
        kind: ``"situation"``: the picture cannot be judged (no face, two faces, dark, blurred, turned away);
            ``"attribute"``: an attribute differs from the enrolled one; ``"face"``: the face as a whole does not
            match, or is not the one that unlocked, but no attribute that may be named tells; ``"waiting"``: it matches,
            but has not done so for long enough; ``"system"``: the source, the clock or a detector failed.
        name: the attribute's name (``"Eyeglasses"``) or the situation's (``"none"``, ``"several"``, ``"dark"``, ...,
            as in `faces.situation`); of the rest ``"face"``, ``"replaced"``, ``"accepting"``, ``"silent"``,
            ``"clock"`` or ``"detector"``.
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


def differences(cohort: Cohort, template: Template, seen: NDArray[np.float64]) -> tuple[Reason, ...]:
    """Why a face is refused: up to `MOST` attributes that differ, else that the face as a whole does not match.

    Named is what is answered differently (`decisiveness`), in the order of `ranked`, if the person enrolled is firm in
    it (`FIRM`) and it is not "any".

    Args:
        cohort: gives the detector's cuts.
        template: of the person.
        seen: ``(attributes,)`` log-odds of the evidence.
    """
    names, cuts = template.attributes, cohort.cuts
    firm = np.abs(template.mean - cuts) >= FIRM * template.deviation  # False for "any"
    speaks = np.where(firm, decisiveness(template.mean, seen, template.deviation, cuts, names), -np.inf)
    chosen = [int(i) for i in ranked(speaks, names)[:MOST] if np.isfinite(speaks[i])]
    if not chosen:
        return (Reason("face", "face", "The face as a whole does not match the enrolled one."),)
    words = ("enrolled no, seen yes", "enrolled yes, seen no")
    return tuple(
        Reason(
            "attribute", names[i],
            f"{report.readable(names[i])} does not match: {words[int(template.mean[i] >= cuts[i])]}.", float(speaks[i]),
        )
        for i in chosen
    )  # fmt: skip


def situations(problems: Mapping[str, str]) -> tuple[Reason, ...]:
    """The problems of an observation as reasons; without any, that no face is there."""
    problems = problems or {"none": "No face is in the picture: look into the camera."}
    return tuple(Reason("situation", name, sentence) for name, sentence in problems.items())
