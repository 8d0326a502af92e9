"""How far two sets of images lie apart in a named feature space: KID, and FID beside its noise floor.

The features are the caller's and must be named with the figure: one network's distances say nothing in another's.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lineament.errors import UsageError

__all__ = ["compare", "frechet_distance", "kernel_distance"]


def frechet_distance(real: Float[Tensor, "n features"], other: Float[Tensor, "m features"]) -> float:
    """FID (Heusel et al. 2017): Fréchet distance of the Gaussians fitted to both; 0 for the same mean and covariance.

    It shrinks as images are added, so compare only figures of equally many.
    """
    real, other = _checked(real, other)
    (mean, root), (mean_of_other, root_of_other) = _gaussian(real), _gaussian(other)
    # tr (A B)^1/2 is the sum of the singular values of R S^T for any roots A = R^T R, B = S^T S
    shared = torch.linalg.svdvals(root @ root_of_other.T).sum()
    total = (mean - mean_of_other).square().sum() + root.square().sum() + root_of_other.square().sum() - 2 * shared
    return max(0.0, float(total))


def kernel_distance(
    real: Float[Tensor, "n features"],
    other: Float[Tensor, "m features"],
    *,
    subset: int = 1000,
    subsets: int = 100,
    seed: int = 0,
) -> float:
    """KID (Binkowski et al. 2018): unbiased squared MMD with the kernel (x.y / features + 1)^3, averaged over subsets.

    Its expectation is 0 for two sets of one distribution however few the images, so it can fall below 0.

    Args:
        real: features of real images.
        other: of the images they are compared with.
        subset: images of each kind in a subset, fewer if there are fewer.
        subsets: how many are drawn.
        seed: of the draws.
    """
    real, other = _checked(real, other)
    size = min(subset, len(real), len(other))
    if size < 2 or subsets < 1:
        raise UsageError(f"kernel_distance: expected subset >= 2 and subsets >= 1, got {subset} and {subsets}")
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for _ in range(subsets):
        x, y = (each[torch.randperm(len(each), generator=generator)[:size]] for each in (real, other))
        total += float(_apart(x, x) + _apart(y, y)) - 2 * float(_kernel(x, y).mean())
    return total / subsets


def compare(
    real: Float[Tensor, "n features"], other: Float[Tensor, "m features"], *, seed: int = 0, rounds: int = 5
) -> dict[str, float]:
    """``kid``, ``kid_floor``, ``fid``, ``fid_floor``: the others against real images, and real ones against real ones.

    The real images are halved ``rounds`` times. Each time one half is held against equally many of the others, for the
    figure, and against the other half, for the floor below which nothing is told apart.
    """
    real, other = _checked(real, other)
    size = min(len(real) // 2, len(other))
    if size < 2 or rounds < 1:
        raise UsageError(
            f"compare: expected 4 real images, 2 others and 1 round, got {len(real)}, {len(other)}, {rounds}"
        )
    generator = torch.Generator().manual_seed(seed)
    result = dict.fromkeys(("kid", "kid_floor", "fid", "fid_floor"), 0.0)
    measures: dict[str, Callable[[Tensor, Tensor], float]] = {
        "kid": lambda a, b: kernel_distance(a, b, subsets=20, seed=seed),
        "fid": frechet_distance,
    }
    for _ in range(rounds):
        half, rest = real[torch.randperm(len(real), generator=generator)[: 2 * size]].view(2, size, -1)
        drawn = other[torch.randperm(len(other), generator=generator)[:size]]
        for name, distance in measures.items():
            result[name] += distance(half, drawn) / rounds
            result[f"{name}_floor"] += distance(half, rest) / rounds
    return result


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean, and a root R of the covariance R^T R, with as few rows as there are images or features."""
    mean = features.mean(0)
    centred = (features - mean) / (len(features) - 1) ** 0.5
    if len(features) <= features.shape[1]:
        return mean, centred
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    return mean, values.clamp(min=0).sqrt()[:, None] * vectors.T


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _apart(x: Tensor, y: Tensor) -> Tensor:
    """The kernel's mean over pairs of different images of one set."""
    kernel = _kernel(x, y)
    return (kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))


def _checked(real: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    for name, features in (("real", real), ("other", other)):
        if features.ndim != 2 or len(features) < 2 or not features.isfinite().all():
            raise UsageError(
                f"{name}: expected finite features (n, d) of two or more images, got shape {tuple(features.shape)}"
            )
    if real.shape[1] != other.shape[1]:
        raise UsageError(f"features: expected one space, got {real.shape[1]} and {other.shape[1]} dimensions")
    return real.detach().double(), other.detach().double()
