"""From which error on an image counts as attacked: what clean development images have, kept on a generator's card.

A threshold belongs to one way of projecting, so errors are kept by the settings and the weights they come from.
"""

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.defense.detection import error, threshold
from lineament.defense.shields import Shield
from lineament.errors import JobError, UsageError
from lineament.purifier import Purifier

__all__ = ["CALIBRATED", "ENTRY", "calibrate", "calibrated", "clean_errors"]

CALIBRATED = 500
"""Development images whose errors are kept, at most: enough for a false positive rate of 1 % to be right within 0.9."""

ENTRY = "development_errors"
"""Of a generator's card: `Shield.facts` to the sorted errors of clean development images."""

PIECE = 100
"""Images purified at a time, so that a bar can move."""


def clean_errors(purifier: Purifier, images: UInt8[Tensor, "n channels height width"], device: torch.device,
                 *, seed: int = 0) -> Float32[Tensor, " kept"]:  # fmt: skip
    """The errors of up to `CALIBRATED` clean images, drawn at random, sorted.

    Args:
        purifier: what they are of.
        images: of the development part.
        device: where the purifier computes.
        seed: which, and of the purifier.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:CALIBRATED]
    parts = [floats(images[index]).to(device) for index in torch.split(order, PIECE)]
    return torch.cat([error(part, purifier(part, seed=seed)) for part in parts]).sort().values.cpu()


def calibrate(shield: Shield, images: UInt8[Tensor, "n channels height width"], device: torch.device) -> None:
    """Note on the card of a shield's generator how far clean images lie from it; nothing if that stands there.

    Their mean, ``projection_error``, joins the card's metrics.

    Args:
        shield: one that has a generator.
        images: clean ones of the development part.
        device: where it computes.
    """
    if shield.place is None:
        raise UsageError(f"{shield.purifier.name}: has no generator on whose card errors could be noted")
    artifact = artifacts.load(shield.place, kind="generator")
    known = artifact.card.get(ENTRY, {})
    if shield.facts in known:
        return
    found = [round(value, 7) for value in clean_errors(shield.purifier, images, device).tolist()]
    ours = ("format", "lineament", "weights_bytes", "weights_sha256", "card_sha256")
    card = {key: value for key, value in artifact.card.items() if key not in ours}
    artifacts.save(shield.place, tensors=artifact.tensors, **card | {ENTRY: known | {shield.facts: found}})


def calibrated(shield: Shield, rate: float) -> float | None:
    """The error above which an image is flagged, at a wanted false positive rate in (0, 1); None if none was noted.

    Raises ``UsageError`` for a rate outside (0, 1) or too small for the images there were, ``JobError`` for a card that
    holds something else.
    """
    card = {} if shield.place is None else artifacts.read_card(shield.place)
    errors = card.get(ENTRY, {})
    noted = errors.get(shield.facts, []) if isinstance(errors, dict) else None
    if not isinstance(noted, list):
        raise JobError(f"{shield.place}: {ENTRY} on its card are no lists of errors; train the generator again")
    return threshold(noted, rate) if noted else None
