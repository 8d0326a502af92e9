"""Sparse subspace clustering: points that can stand for each other lie in one subspace (Elhamifar and Vidal 2009).

Every point is written as a sparse combination of the others (eq. 2.6 and 2.7); who uses whom is a graph; the graph is
cut into clusters. Neither the work nor the memory ever holds a matrix of all pairs.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import eigsh
from sklearn.cluster import KMeans
from torch import Tensor

from lineament.errors import UsageError

__all__ = ["affinity", "self_expression", "spectral_clusters"]

THRESHOLD = 0.1
"""An atom is used once its product with what is left of the point is this: ``|c|_1 + 5 ||x - Dc||^2``.

Equation 2.6 prints no 5. As printed, the threshold is a half, and a point uses two atoms, mostly of its own person: the
graph falls apart into people, and half of all images end up in one cluster.
"""

SLACK = 1e-4
"""An atom is let in only if its product is above the threshold by this share, for rounding alone puts it above."""

BATCH = 512
"""Points at a time: their products with 10,000 atoms take 20 MB."""


def self_expression(points: Float[Tensor, "n d"]) -> csr_array:
    """Each point as a combination of others: the sparse ``(n, n)`` matrix C' of equations 2.6 and 2.7.

    Row i is the exact solution for point i. The work is a product of all pairs for each atom that a point uses, the
    memory what the solution takes.

    Args:
        points: of length 1. A point of zeros, or one that is like no other, gets an empty row.
    """
    n = len(points)
    if n < 2:
        raise UsageError(f"points: expected two or more, got {n}")
    rows, columns, values = [], [], []
    for own in torch.split(torch.arange(n, device=points.device), BATCH):
        atoms, coefficients = _lasso(points[own], points, own)
        used = coefficients != 0
        rows.append(own[:, None].expand_as(used)[used])
        columns.append(atoms[used])
        values.append(coefficients[used])
    row, column, value = (torch.cat(found).cpu().numpy() for found in (rows, columns, values))
    return csr_array((value.astype(np.float64), (row, column)), shape=(n, n))


def affinity(expression: csr_array) -> csr_array:
    """``|C| + |C|'``: how much two points are used for each other; symmetric, sparse."""
    size = abs(expression)
    return csr_array(size + size.T)


def spectral_clusters(graph: csr_array, clusters: int, seed: int = 0) -> NDArray[np.int64]:
    """Cut a graph into clusters ``(n,)``, numbered from the largest, 0, to the smallest (Ng, Jordan and Weiss 2002).

    Rows of the leading eigenvectors are brought to length 1 before k-means, as in sparse subspace clustering.
    scikit-learn's own spectral clustering leaves that out, and then cuts a handful of outliers off one great cluster.

    Args:
        graph: ``(n, n)`` symmetric, not negative. Its parts need not be connected.
        clusters: 2 to ``n - 1``.
        seed: of k-means.
    """
    n = graph.shape[0]
    if not 2 <= clusters < n:
        raise UsageError(f"clusters: expected 2 to {n - 1} for {n} points, got {clusters}")
    scale = diags_array(1 / np.sqrt(np.maximum(graph.sum(1), np.finfo(float).tiny ** 0.5)))
    start = np.random.default_rng(seed).random(n)
    # to the last digit: unconnected parts have equal eigenvalues, and a coarse search misses some of them
    _, vectors = eigsh(scale @ graph @ scale, k=clusters, which="LA", v0=start, maxiter=100 * n)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12)
    found = KMeans(clusters, n_init=10, random_state=seed).fit_predict(directions)
    rank = np.argsort(np.argsort(-np.bincount(found, minlength=clusters), kind="stable"), kind="stable")
    return np.asarray(rank[found], dtype=np.int64)


def _lasso(points: Tensor, atoms: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Atoms of each point ``(batch, some)`` and their coefficients, 0 where there are fewer; never its ``own``.

    An active-set method (Lee, Battle, Raina and Ng 2007): go to the best coefficients of these atoms and signs, but
    stop where a coefficient changes its sign, and drop that atom; once there, let in the atom most like what is left.
    """
    chosen, sign, found = own[:, None].clone(), points.new_zeros(len(own), 1), points.new_zeros(len(own), 1)
    going = torch.arange(len(own), device=own.device)
    for _ in range(8 * points.shape[1]):  # far more than it takes; each step betters the solution
        x, index, s, before = points[going], chosen[going], sign[going], found[going]
        among = atoms[index] * (s != 0)[:, :, None]
        c, stopped, last = _towards(among, (among @ x[:, :, None])[:, :, 0] - THRESHOLD * s, s, before)
        rows = torch.arange(len(going), device=own.device)
        s[rows[stopped], last[stopped]] = 0
        left = x - (c[:, None] @ among)[:, 0]
        products = (left @ atoms.T).scatter_(1, own[going][:, None], 0)
        products.scatter_(1, index, torch.where(s != 0, 0, products.gather(1, index)))
        gain, fresh = products.abs().max(1)
        grows = ~stopped & (gain > THRESHOLD * (1 + SLACK))
        if (grows & (s != 0).all(1)).any():  # a column for those who have no free place
            index, s, c = (torch.nn.functional.pad(table, (0, 1)) for table in (index, s, c))
            chosen, sign, found = (torch.nn.functional.pad(table, (0, 1)) for table in (chosen, sign, found))
        place = (s == 0).to(torch.uint8).argmax(1)[grows]
        index[rows[grows], place] = fresh[grows]
        s[rows[grows], place] = products[rows[grows], fresh[grows]].sign()
        chosen[going], sign[going], found[going] = index, s, c
        going = going[stopped | grows]
        if not len(going):
            break
    return chosen, found


def _towards(among: Tensor, wanted: Tensor, sign: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients on the way to those of these signs, who was stopped on it, and by which of them, now 0."""
    gram = among @ among.transpose(1, 2) + torch.diag_embed(torch.where(sign == 0, 1.0, 1e-6))
    goal = torch.linalg.solve(gram, wanted)
    way = torch.where(sign * goal < 0, before / (before - goal), torch.inf)
    share, last = way.min(1)
    stopped = share < 1
    c = before + share.clamp(max=1)[:, None] * (goal - before)
    return torch.where(stopped[:, None] & (torch.arange(c.shape[1]) == last[:, None]), 0, c), stopped, last
