"""AOSPC (eq. 4.17): how fast a classifier loses its decision as the segments that a map marks turn to noise.

The dissertation adapts Samek et al. (2017) from pixels to segments: a map is stretched to [0, 1], thresholded and cut
into connected segments (by edges or corners), which are replaced by uniform noise, the highest mean value first. After
the last segment nothing more changes. The printed unit is unknown, so the drop is given as probability and as log-odds.

The control perturbs the same segments at a random place: the map is rolled over the image's edges, so that number,
sizes, shapes and order are equal at every step and only *where* is left to chance. A map that marks nothing drops
nothing. One with a segment of more than half of the image is flagged, to be left out as in the dissertation.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from lineament.detectors.evaluation import interval
from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.log_odds import log_odds
from lineament.explanation.regions import check_maps, normalised
from lineament.images import check_images

__all__ = ["Drops", "Perturbation", "Segments", "aospc", "bootstrap", "segments"]

BATCH = 256
NEIGHBOURS = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])
"""Touching pixels of one image; nothing touches from image to image."""


class Segments(NamedTuple):
    """What a map marks.

    Attributes:
        order: ``(n, height, width)``; 0 outside, 1 in the segment that is replaced first, and so on.
        valid: ``(n,)``; False where a segment covers more than half of the image.
    """

    order: Int64[Tensor, "n height width"]
    valid: Bool[Tensor, " n"]


class Drops(NamedTuple):
    """How far the predicted class fell after each step, ``(n, steps + 1)``; an image's AOSPC is its mean.

    Attributes:
        probability: at most 1.
        log_odds: against all other classes together, in nats.
    """

    probability: Float32[Tensor, "n steps"]
    log_odds: Float32[Tensor, "n steps"]


class Perturbation(NamedTuple):
    """The drops by a map's segments, and by the same segments elsewhere.

    Attributes:
        map: by the map.
        control: by the map rolled to a random place.
        valid: ``(n,)``; the images that count.
    """

    map: Drops
    control: Drops
    valid: Bool[Tensor, " n"]


def segments(maps: Float[Tensor, "n height width"], threshold: float) -> Segments:
    """Connected segments of the normalised maps' pixels at or above ``threshold``, in falling order of mean value.

    Args:
        maps: of any scale; a constant one has no segment.
        threshold: in (0, 1].
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"threshold: expected a number in (0, 1], got {threshold}; chapter 4 takes 0.5, 0.7 and 0.9")
    values = normalised(maps).cpu().numpy()
    label: NDArray[np.int64] = ndimage.label(values >= threshold, NEIGHBOURS)[0].astype(np.int64)
    size = np.bincount(label.ravel())
    mean = np.bincount(label.ravel(), values.ravel()) / size.clip(1)
    image = np.zeros(len(size), dtype=np.int64)
    image[label] = np.arange(len(values))[:, None, None]
    image[0] = -1  # the background comes first
    sequence = np.lexsort((-mean, image))
    place = np.zeros(len(size), dtype=np.int64)
    place[sequence] = np.arange(len(size)) - np.searchsorted(image[sequence], image[sequence]) + 1
    place[0] = 0
    valid = np.ones(len(values), dtype=bool)
    valid[image[1:][size[1:] > label[0].size / 2]] = False
    return Segments(torch.from_numpy(place[label]), torch.from_numpy(valid))


@torch.no_grad()
def aospc(
    decisions: Decisions,
    images: Float32[Tensor, "n channels height width"],
    maps: Float[Tensor, "n height width"],
    *,
    threshold: float,
    steps: int = 10,
    seed: int = 0,
) -> Perturbation:
    """Perturb images segment by segment and see the class predicted for them fall.

    Every map of the same images meets the same noise if the seed is the same, so methods are compared in pairs.

    Args:
        decisions: whose prediction falls.
        images: batch in [0, 1], which is also the range of the noise.
        maps: what is evaluated; higher means perturbed earlier.
        threshold: of the normalised maps, in (0, 1]; 0.5, 0.7 and 0.9 in table 4.1.
        steps: segments replaced at most, K of equation 4.17.
        seed: of the noise and of the control's places.
    """
    check_images(images)
    maps = check_maps(maps, (len(images), *images.shape[2:]))
    if steps < 1:
        raise UsageError(f"steps: expected at least 1, got {steps}")
    order, valid = segments(maps, threshold)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(images.shape, generator=generator).to(images.device)
    by_map = _drops(decisions, images, noise, order, steps)
    return Perturbation(by_map, _drops(decisions, images, noise, _rolled(order, generator), steps), valid)


def bootstrap(
    values: Float[Tensor, " n"], *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """The mean over images and its percentile interval, images drawn anew; NaN without any.

    Two methods are compared by the differences on the images that are valid for both.
    """
    drawn = values.detach().cpu().double().numpy()
    if not len(drawn):
        return (float("nan"),) * 3
    places = np.random.default_rng(seed).integers(len(drawn), size=(resamples, len(drawn)))
    mean, low, high = interval(np.append(drawn.mean(), drawn[places].mean(1)), level).tolist()
    return mean, low, high


def _drops(decisions: Decisions, images: Tensor, noise: Tensor, order: Tensor, steps: int) -> Drops:
    order = order[:, None].to(images.device)
    parts = []
    for image, disturbance, turn in zip(*(torch.split(each, BATCH) for each in (images, noise, order)), strict=True):
        source = decisions(image).argmax(1)
        states = (torch.where((turn > 0) & (turn <= step), disturbance, image) for step in range(steps + 1))
        parts.append(torch.stack([log_odds(decisions, state, source) for state in states], 1))
    odds = torch.cat(parts)
    chance = odds.sigmoid()
    return Drops(chance[:, :1] - chance, odds[:, :1] - odds)


def _rolled(order: Tensor, generator: torch.Generator) -> Tensor:
    """Each ``(height, width)`` moved by an offset of its own, over the edges."""
    count, height, width = order.shape
    down, right = (torch.randint(extent, (count, 1), generator=generator) for extent in (height, width))
    rows, columns = (torch.arange(height) - down) % height, (torch.arange(width) - right) % width
    return order[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
