"""Orthogonal matching pursuit of many points at once: each as a combination of few atoms (Tropp and Gilbert 2007)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lineament.errors import UsageError

__all__ = ["matching_pursuit", "unit"]

NOTHING = 1e-5
"""A residual, or what is new in an atom, below this length is rounding: unit vectors in float32 hold no less."""

BATCH = 256
"""Points at a time: their similarities to 10,000 atoms take 10 MB, which a processor's cache half holds."""


def unit(vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Each row at length 1; a row of zeros, which has no direction, stays one."""
    lengths: Tensor = vectors.norm(dim=1, keepdim=True)
    return vectors / lengths.clamp_min(torch.finfo(vectors.dtype).tiny)


def matching_pursuit(
    points: Float[Tensor, "n d"], atoms: Float[Tensor, "m d"], sparsity: int
) -> tuple[Int[Tensor, "n {sparsity}"], Float[Tensor, "n {sparsity}"]]:
    """Write each point as a combination of at most ``sparsity`` atoms, greedily (eq. 2.8).

    Each step takes the atom most like what is still unexplained, in absolute value, and fits all those taken anew by
    least squares. A point stops early when nothing is left of it.

    Args:
        points: to be written as ``coefficients @ atoms``, of any length.
        atoms: of length 1; see `unit`.
        sparsity: atoms a point, 1 to ``min(m, d)``.

    Returns:
        The atoms of each point in the order taken, -1 where it stopped earlier, and their coefficients, 0 there.
    """
    if not 1 <= sparsity <= min(atoms.shape):
        raise UsageError(
            f"sparsity: expected 1 to {min(atoms.shape)}, for there are {len(atoms)} atoms of {atoms.shape[1]} "
            f"numbers, got {sparsity}"
        )
    taken, coefficients = zip(*(_pursue(batch, atoms, sparsity) for batch in torch.split(points, BATCH)), strict=True)
    return torch.cat(taken), torch.cat(coefficients)


def _pursue(points: Tensor, atoms: Tensor, sparsity: int) -> tuple[Tensor, Tensor]:
    """One batch; ``basis`` spans the atoms taken (Gram-Schmidt), ``triangle`` writes them in it."""
    size, residual = len(points), points.clone()
    scale = points.norm(dim=1)
    basis = points.new_zeros(size, sparsity, points.shape[1])
    triangle = torch.eye(sparsity, dtype=points.dtype, device=points.device).repeat(size, 1, 1)
    taken = torch.full((size, sparsity), -1, device=points.device)
    projections = points.new_zeros(size, sparsity)
    for step in range(sparsity):
        alike = (residual @ atoms.T).abs_()
        alike.scatter_(1, taken[:, :step].clamp_min(0), 0)  # by rounding alone they could be taken again
        best = alike.argmax(1)
        fresh, inside = atoms[best], points.new_zeros(size, step)
        for _ in range(2):  # once leaves rounding that grows with every step
            along = (basis[:, :step] @ fresh[:, :, None])[:, :, 0]
            inside, fresh = inside + along, fresh - (along[:, None] @ basis[:, :step])[:, 0]
        length = fresh.norm(dim=1)
        going = (residual.norm(dim=1) > NOTHING * scale) & (length > NOTHING)
        fresh = torch.where(going[:, None], fresh / length.clamp_min(NOTHING)[:, None], 0)
        basis[:, step], taken[:, step] = fresh, torch.where(going, best, -1)
        triangle[:, :step, step] = torch.where(going[:, None], inside, 0)
        triangle[:, step, step] = torch.where(going, length, 1)
        projections[:, step] = (fresh * points).sum(1)
        residual -= (fresh * residual).sum(1, keepdim=True) * fresh
    coefficients: Tensor = torch.linalg.solve_triangular(triangle, projections[:, :, None], upper=True)[:, :, 0]
    return taken, coefficients
