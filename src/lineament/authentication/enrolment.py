"""Enrolment: readings, or answers typed in, become a template with a threshold of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from lineament.authentication.cohort import Cohort
from lineament.authentication.scoring import impostor_rate, scorer, threshold_at
from lineament.authentication.template import Template
from lineament.errors import UsageError, nearest

__all__ = ["ANSWERS", "PRIOR", "enrol", "enrol_typed"]

PRIOR = 2.0
"""The cohort's deviation within a person counts as much as this many occasions of the person enrolled."""

ANSWERS = ("no", "yes", "any")

Array = NDArray[np.float64]


def enrol(
    user: str,
    readings: Array,
    cohort: Cohort,
    *,
    occasions: Sequence[str] | None = None,
    fmr: float = 0.01,
    same_camera: bool = False,
    created: datetime | None = None,
) -> Template:
    """Enrol a person by what the detector said of some images.

    Occasions count the same, however many images each has. The deviation of an attribute is that of all images about
    the mean, shrunk towards the cohort's by `PRIOR`: few occasions tell little of how a person varies.

    Args:
        user: whose template it will be.
        readings: ``(images, attributes)`` log-odds, as `readings.read` gives them.
        cohort: of the same detector.
        occasions: on which day or in which clip each image was taken; None for one occasion.
        fmr: the wanted false match rate, which fixes the threshold.
        same_camera: whether the person will be watched by the very camera of these images, at the same place.
        created: when; now unless given.

    Raises:
        UsageError: no image, a shape that is not the detector's, numbers that are not finite, or an FMR that the cohort
            cannot show or the person's own readings would not reach.
    """
    if readings.ndim != 2 or not len(readings) or readings.shape[1] != len(cohort.attributes):
        raise UsageError(
            f"readings: expected (images, {len(cohort.attributes)}), at least one image, got {readings.shape}"
        )
    if not np.isfinite(readings).all():
        raise UsageError("readings: expected finite log-odds, got NaN or infinite ones")
    occasions = ["all"] * len(readings) if occasions is None else occasions
    if len(occasions) != len(readings):
        raise UsageError(f"occasions: expected one an image ({len(readings)}), got {len(occasions)}")
    _, which, counts = np.unique(np.asarray(occasions, dtype=str), return_inverse=True, return_counts=True)
    share = (1 / (counts * len(counts)))[which]
    mean = share @ readings
    variance = (PRIOR * cohort.deviation**2 + len(counts) * (share @ (readings - mean) ** 2)) / (PRIOR + len(counts))
    return _template(user, cohort, mean, np.sqrt(variance), len(counts), len(readings), fmr, created, same_camera)


def enrol_typed(
    user: str, answers: Mapping[str, str], cohort: Cohort, *, fmr: float = 0.01, created: datetime | None = None
) -> Template:
    """Enrol a person by answers typed in: ``{"Eyeglasses": "no", "Mustache": "yes"}``; all others are "any".

    A "yes" counts as one reading: the mean log-odds of the cohort's images labelled so.

    Raises:
        UsageError: an attribute that the detector does not know or the cohort has no labels for, an answer other than
            yes, no or any, nothing but "any", or answers that fit too many people for the wanted FMR.
    """
    mean = np.full(len(cohort.attributes), np.nan)
    for name, answer in answers.items():
        if name not in cohort.attributes:
            raise UsageError(nearest(name, cohort.attributes, "attribute"))
        if answer not in ANSWERS:
            raise UsageError(f"{name}: {nearest(str(answer), ANSWERS, 'answer')}")
        if answer != "any":
            column = cohort.attributes.index(name)
            mean[column] = cohort.answers[ANSWERS.index(answer), column]
            if np.isnan(mean[column]):
                raise UsageError(f"{name}: the cohort has no image labelled {answer!r}, so it cannot be typed in")
    if np.isnan(mean).all():
        raise UsageError("answers: all are 'any', which fits everybody; say yes or no to some attributes")
    return _template(user, cohort, mean, cohort.deviation, 1, 0, fmr, created)


def _template(
    user: str, cohort: Cohort, mean: Array, deviation: Array, occasions: int, images: int, fmr: float,
    created: datetime | None, same_camera: bool = False,
) -> Template:  # fmt: skip
    score = scorer(cohort, mean, occasions, same_camera=same_camera)
    threshold = threshold_at(cohort, score, fmr)
    if (own := float(score(mean))) < threshold:
        raise UsageError(
            f"{user}: at an FMR of {fmr:g} the threshold is {threshold:.1f}, which this person's own attributes do not "
            f"reach ({own:.1f}): too many people look like that; give more attributes, or ask for a larger FMR"
        )
    _, low, high = impostor_rate(cohort, score, threshold).tolist()
    return Template(
        user=user,
        model=cohort.model,
        cohort=cohort.sha256,
        attributes=cohort.attributes,
        mean=mean,
        deviation=deviation.copy(),
        occasions=occasions,
        images=images,
        typed=not images,
        threshold=threshold,
        fmr=float(fmr),
        fmr_interval=(low, high),
        created=(created or datetime.now(UTC)).isoformat(timespec="seconds"),
        same_camera=same_camera,
    )
