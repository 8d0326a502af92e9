"""Maps held against true regions: attribution at its best, and figures with intervals."""

from typing import Any, NamedTuple

from torch import Tensor

from lineament.explanation.perturbation import bootstrap
from lineament.explanation.regions import best_threshold, iou, normalised, pointing

__all__ = ["Group", "Held", "at_best", "figures"]

VIEWS = {"for": lambda maps: maps, "against": lambda maps: -maps, "either": lambda maps: maps.abs()}
"""What a signed map may be read as: what speaks for the decision, what against it, what matters either way."""


class Group(NamedTuple):
    """Images that one class is decided for, and where they truly differ from the other class.

    Attributes:
        images: image batch of ``n``.
        source: ``(n,)`` int64, the class decided for.
        regions: ``(n, height, width)`` bool.
    """

    images: Tensor
    source: Tensor
    regions: Tensor


class Held(NamedTuple):
    """How well maps met regions, image by image, ``(n,)`` each; the threshold and the view of the IoU."""

    iou: Tensor
    pointing: Tensor
    threshold: float = 0.5
    view: str = ""


def at_best(known: Tensor, known_regions: Tensor, maps: Tensor, regions: Tensor) -> Held:
    """Maps of any scale, by the view and the threshold that are best on other images, of which the truth is known.

    Args:
        known, maps: ``(n, height, width)`` float, of the images to choose on and of those to measure on.
        known_regions, regions: the true ones of each.
    """
    views = {name: [normalised(view(each)) for each in (known, maps)] for name, view in VIEWS.items()}
    thresholds = {name: best_threshold(seen, known_regions) for name, (seen, _) in views.items()}
    overlap = {name: float(iou(seen, known_regions, thresholds[name]).mean()) for name, (seen, _) in views.items()}
    hits = {name: float(pointing(seen, known_regions).mean()) for name, (seen, _) in views.items()}
    widest, surest = max(overlap, key=lambda name: overlap[name]), max(hits, key=lambda name: hits[name])
    return Held(
        iou(views[widest][1], regions, thresholds[widest]),
        pointing(views[surest][1], regions),
        thresholds[widest],
        widest,
    )


def figures(held: Held) -> dict[str, Any]:
    """Means with 95 % intervals over images (each shows another person or digit), for a row of the result."""
    found: dict[str, Any] = {}
    for name, values in (("iou", held.iou), ("pointing", held.pointing)):
        found[name], found[f"{name}_low"], found[f"{name}_high"] = bootstrap(values)
    return found | {"threshold": held.threshold, "view": held.view, "n": len(held.iou)}
