"""Which pixels a decision rests on, by the methods that chapter 4 compares itself with (table 4.1).

One verb, `attribute`, for all of them. A map is signed, positive where a pixel speaks for the target and negative where
it speaks against it, and channels are summed; two have no sign: ``saliency``, the greatest |gradient| of the channels,
and ``grad_cam``, which keeps what speaks for the target. Explaining leaves the classifier and its images as they were.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lineament.errors import UsageError, nearest
from lineament.explanation.decisions import Decisions
from lineament.explanation.grad_cam import grad_cam
from lineament.explanation.log_odds import Classes, Images, Maps, log_odds, slope
from lineament.explanation.relevance import lrp_alpha_beta, lrp_epsilon, lrp_z_plus
from lineament.images import check_images

__all__ = [
    "METHODS",
    "attribute",
    "gradient",
    "input_x_gradient",
    "integrated_gradients",
    "occlusion",
    "saliency",
]

CHUNK = 128
"""Images whose graph is held in memory at once."""


def attribute(method: str, decisions: Decisions, images: Images, target: Tensor, **options: float) -> Maps:
    """One map an image, ``(n, height, width)`` float32: how much each pixel adds to the log-odds of ``target``.

    Args:
        method: one of `METHODS`.
        decisions: the classifier to explain. Without a gradient it can only be explained by ``occlusion``.
        images: an image batch.
        target: ``(n,)`` int64, the class to explain, an index into ``decisions.classes``.
        options: of the method, by name; see its function.

    Raises:
        UsageError: an unknown method, a target of another shape or without such a class, a method that needs more of
            the classifier than it has.
        JobError: the classifier fails or gives no numbers.
    """
    if method not in METHODS:
        raise UsageError(nearest(method, METHODS, "method"))
    check_images(images)
    _check_target(target, len(images), decisions.classes)
    if not decisions.differentiable and method != "occlusion":
        raise UsageError(f"{method} needs a gradient, and this classifier has none; occlusion explains it without")
    target = target.to(images.device)
    maps = [
        METHODS[method](decisions, images[part].detach(), target[part], **options).detach()
        for part in torch.split(torch.arange(len(images)), CHUNK)
        if len(part)
    ]
    return torch.cat(maps) if maps else images.new_zeros(0, *images.shape[2:])


def gradient(decisions: Decisions, images: Images, target: Classes) -> Maps:
    """The gradient, summed over channels."""
    return slope(decisions, images, target).sum(1)


def saliency(decisions: Decisions, images: Images, target: Classes) -> Maps:
    """The greatest absolute gradient of the channels (Simonyan et al. 2013); never negative."""
    return slope(decisions, images, target).abs().amax(1)


def input_x_gradient(decisions: Decisions, images: Images, target: Classes) -> Maps:
    """Each pixel times its gradient (Shrikumar et al. 2016), the row "Grad" of table 4.1."""
    return (images * slope(decisions, images, target)).sum(1)


def integrated_gradients(
    decisions: Decisions, images: Images, target: Classes, *, baseline: float = 0.0, steps: int = 32
) -> Maps:
    """The gradient along the straight way from a uniform image, times that way (Sundararajan et al. 2017).

    A map adds up to the log-odds of the image less those of the baseline, as nearly as ``steps`` tell.

    Args:
        decisions, images, target: as in `attribute`.
        baseline: the value in [0, 1] of every pixel of the image to start from.
        steps: points of the Gauss-Legendre quadrature.
    """
    if steps < 1:
        raise UsageError(f"steps: expected at least 1, got {steps}")
    _check_value(baseline)
    nodes, weights = (torch.from_numpy(values).to(images) / 2 for values in np.polynomial.legendre.leggauss(steps))
    way, total = images - baseline, torch.zeros_like(images)
    for image, step in _pairs(len(images), steps):
        places = (baseline + way[image] * _per_image(nodes[step] + 0.5)).clamp(0, 1)
        total.index_add_(0, image, slope(decisions, places, target[image]) * _per_image(weights[step]))
    return (way * total).sum(1)


@torch.no_grad()
def occlusion(
    decisions: Decisions,
    images: Images,
    target: Classes,
    *,
    baseline: float = 0.0,
    window: int | None = None,
    stride: int | None = None,
) -> Maps:
    """How far the log-odds fall when a square hides a place, over all squares that hide it (Zeiler & Fergus 2014).

    Needs no gradient, but one look of the classifier for each square.

    Args:
        decisions, images, target: as in `attribute`.
        baseline: the value in [0, 1] that squares are filled with; black is the background of digits and garments, and
            0.5 the grey that Zeiler & Fergus take for photographs.
        window: side of the square in pixels; None for a seventh of the shorter side of the image.
        stride: pixels from one square to the next; None for half of the window.
    """
    height, width = images.shape[2:]
    window = max(1, min(height, width) // 7) if window is None else window
    stride = max(1, window // 2) if stride is None else stride
    if not 1 <= stride <= window <= min(height, width):
        raise UsageError(
            f"window, stride: expected 1 <= stride <= window <= {min(height, width)}, got window {window} and "
            f"stride {stride}"
        )
    _check_value(baseline)
    rows, columns = (_spans(size, window, stride).to(images.device) for size in (height, width))
    hidden = []
    for image, square in _pairs(len(images), len(rows) * len(columns)):
        covered = rows[square // len(columns), :, None] & columns[square % len(columns), None, :]
        hidden.append(log_odds(decisions, images[image].masked_fill(covered[:, None], baseline), target[image]))
    falls = log_odds(decisions, images, target)[:, None] - torch.cat(hidden).view(len(images), -1)
    falls = falls.view(len(images), len(rows), len(columns))
    spread = torch.einsum("nij,ih,jw->nhw", falls, rows.float(), columns.float())
    return spread / (rows.sum(0)[:, None] * columns.sum(0))


METHODS: dict[str, Callable[..., Tensor]] = {
    "gradient": gradient,
    "saliency": saliency,
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "lrp_epsilon": lrp_epsilon,
    "lrp_alpha_beta": lrp_alpha_beta,
    "lrp_z_plus": lrp_z_plus,
}
"""What `attribute` knows; each takes decisions, images ``(n, channels, height, width)`` and target ``(n,)``."""


def _pairs(images: int, variants: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Indices of every image with every variant of it, image by image, `CHUNK` pairs at a time."""
    for pair in torch.split(torch.arange(images * variants), CHUNK):
        yield pair // variants, pair % variants


def _spans(size: int, window: int, stride: int) -> Tensor:
    """Which of ``size`` places each span covers, ``(spans, size)`` bool; the last may stick out."""
    starts = torch.arange(0, size - window + stride, stride)[:, None]
    places = torch.arange(size)
    return (places >= starts) & (places < starts + window)


def _per_image(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _check_value(baseline: float) -> None:
    if not 0 <= baseline <= 1:
        raise UsageError(f"baseline: expected a pixel value in [0, 1], got {baseline}")


def _check_target(target: Tensor, images: int, classes: tuple[str, ...]) -> None:
    if target.shape != (images,) or target.dtype != torch.int64:
        raise UsageError(
            f"target: expected int64 of shape ({images},), one class an image; got {target.dtype} {tuple(target.shape)}"
        )
    if images and not 0 <= int(target.min()) <= int(target.max()) < len(classes):
        raise UsageError(
            f"target: expected indices 0 to {len(classes) - 1} ({', '.join(classes)}), got {int(target.min())} to "
            f"{int(target.max())}"
        )
