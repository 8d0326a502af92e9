"""What tells the images and the classifier of a run apart from any other, so that no run goes on with foreign ones."""

from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from lineament.datasets.labelled import floats
from lineament.explanation.decisions import Decisions

__all__ = ["fingerprint"]

ASKED = 64
"""Images whose answers stand for the classifier."""


@torch.no_grad()
def fingerprint(images: UInt8[Tensor, "n channels height width"], decisions: Decisions) -> dict[str, Any]:
    """Shape and sum of the images, names of the classes, and what the classifier says about some of the images."""
    few = floats(images[:: max(1, len(images) // ASKED)][:ASKED])
    answers = decisions(few).double().exp().mul(1000).round().sum(0)
    return {
        "images": list(images.shape),
        "sum": int(images.numpy().sum(dtype=np.int64)),
        "classes": list(decisions.classes),
        "answers": [int(value) for value in answers],
    }
