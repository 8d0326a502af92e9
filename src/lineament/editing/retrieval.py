"""Does a borrowed attribute look like the reference's? The style read off the result against the true one."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from lineament.editing.intervals import Drawn, means, ratio, scatter, sums
from lineament.errors import UsageError

__all__ = ["by_kind", "reading_error", "retrieved", "style_correlation"]

FLOOR = 0.1
"""The least error that a reader is believed to have, as a share of a column's deviation: edited images are not those
that its error was measured on, and one column must not outvote the others."""

SAME = 1e-6
"""Styles that differ by less are one style."""


def style_correlation(read: Float[Tensor, "n k"], true: Float[Tensor, "n k"], identity: ArrayLike) -> Drawn:
    """Pearson's correlation of each style column, ``(1 + resamples, k)``; NaN where a column is constant.

    Args:
        read: what a reader says of the borrowed images.
        true: the true styles of their references.
        identity: ``(n,)``, whose the edited images are.
    """
    _check(read, true)
    x, y = (each.double() - each.double().mean(0) for each in (read, true))
    columns = torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y], 1)
    n, total_x, total_y, xx, yy, xy = sums(columns, identity).transpose(1, 0, 2)
    both = scatter(n, total_x, xx) * scatter(n, total_y, yy)
    result: Drawn = ratio(xy - total_x * total_y / n, np.sqrt(both))
    return result


def by_kind(drawn: Drawn, kinds: Sequence[str]) -> dict[str, Drawn]:
    """Mean over the columns ``(1 + resamples, k)`` of each kind, ``(1 + resamples,)``; NaN is left out."""
    chosen = {kind: drawn[:, [k for k, each in enumerate(kinds) if each == kind]] for kind in sorted(set(kinds))}
    return {kind: ratio(np.nansum(part, 1), np.isfinite(part).sum(1)) for kind, part in chosen.items()}


def reading_error(read: Float[Tensor, "n k"], true: Float[Tensor, "n k"]) -> Float[Tensor, " k"]:
    """How far a reader is from the truth on real images: root mean square of each column, for `retrieved`."""
    _check(read, true)
    return (read - true).square().mean(0).sqrt()


def retrieved(
    read: Float[Tensor, "n k"],
    true: Float[Tensor, "n k"],
    identity: ArrayLike,
    *,
    error: Float[Tensor, " k"],
    candidates: int = 32,
    seed: int = 0,
) -> Drawn:
    """Retrieval at 1, ``(1 + resamples,)``: how often the reference is the likeliest of several, given what is read.

    Each reference stands beside ``candidates`` - 1 others, the next ones in a ring of all that is shuffled once, so
    that all serve equally often. The likeliest has the true style nearest to the reading, in units of ``error``
    (Gaussian errors, independent over columns). Another reference of the very same style is as good.

    Args:
        read: what a reader says of the borrowed images.
        true: the true styles of their references, row by row.
        identity: ``(n,)``, whose the edited images are.
        error: of the reader, as of `reading_error`.
        candidates: references to choose from; at most ``n``.
        seed: of the shuffle.
    """
    _check(read, true)
    n = len(true)
    if not 2 <= candidates <= n:
        raise UsageError(f"candidates: expected 2 to {n}, the number of references, got {candidates}")
    scale = torch.maximum(error, FLOOR * true.std(0)).clamp(min=SAME)
    ring = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    rivals = torch.empty(n, candidates, dtype=torch.long)
    rivals[ring] = ring[(torch.arange(n)[:, None] + torch.arange(candidates)) % n]
    styles = true[rivals]
    likeliest = ((styles - read[:, None]) / scale).square().sum(2).argmin(1)
    found = styles[torch.arange(n), likeliest]
    return means(((found - true).abs() < SAME).all(1), identity)


def _check(read: Tensor, true: Tensor) -> None:
    if read.shape != true.shape or read.ndim != 2 or not len(read) or not read.isfinite().all():
        raise UsageError(
            "read, true: expected finite readings and as many true values, (n, columns), got "
            f"{tuple(read.shape)} and {tuple(true.shape)}"
        )
