"""A made-up cohort, and people drawn as its model says, for tests that need no images."""

import numpy as np

from lineament.authentication.cohort import Cohort, covariances

ATTRIBUTES = ("Eyeglasses", "Male", "Smiling", "Wearing_Hat", "Young")
PEOPLE, IMAGES = 400, 6


def people(count: int, images: int, seed: int) -> np.ndarray:
    """Readings ``(count, images, attributes)``: steady but for Smiling."""
    draw = np.random.default_rng(seed)
    means = draw.normal(0, 6, (count, 1, len(ATTRIBUTES)))
    return means + draw.normal(0, 1, (count, images, len(ATTRIBUTES))) * [1, 0.5, 6, 1, 1]


def toy_cohort(count: int = PEOPLE, model: str = "a" * 64, seed: int = 0) -> Cohort:
    readings = people(count, IMAGES, seed).reshape(-1, len(ATTRIBUTES)).astype(np.float16)
    identity = np.repeat(np.arange(count), IMAGES)
    within, between, mean = covariances(readings.astype(float), identity)
    answers = np.array([[-6.0] * 5, [6.0] * 5])
    answers[:, 4] = np.nan  # Young is not labelled
    return Cohort(model, ATTRIBUTES, np.zeros(5), readings, identity, within, between, mean, answers, {"data": "toy"})
