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

TOLERANCE = 1e-4
"""No coefficient is further than this from where its own optimum lies."""

BATCH, FIRST, MORE = 512, 32, 16
"""Points at a time; atoms each is first given to choose from, the most similar; atoms it is given again and again."""


def self_expression(points: Float[Tensor, "n d"]) -> csr_array:
    """Each point as a combination of others: the sparse ``(n, n)`` matrix C' of equations 2.6 and 2.7.

    Row i is the exact solution for point i, up to `TOLERANCE`. It is sought among the atoms most like the point by
    greedy coordinate descent; then the atoms most like what is left are let in, until no other one would be used
    (You, Li, Robinson and Vidal 2016).

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
    _, vectors = eigsh(scale @ graph @ scale, k=clusters, which="LA", v0=start, tol=1e-4, maxiter=100 * n)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12)
    found = KMeans(clusters, n_init=10, random_state=seed).fit_predict(directions)
    rank = np.argsort(np.argsort(-np.bincount(found, minlength=clusters), kind="stable"), kind="stable")
    return np.asarray(rank[found], dtype=np.int64)


def _lasso(points: Tensor, atoms: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """For each point the atoms it was let choose from, ``(batch, some)``, and their coefficients; never its ``own``."""
    chosen = own[:, None]  # as a choice of coefficient 0, so that it is not let in again
    coefficients, residual = points.new_zeros(chosen.shape), points
    more = min(FIRST, len(atoms) - 1)
    while more:
        alike = (residual @ atoms.T).abs_().scatter_(1, chosen, -1)
        gain, fresh = alike.topk(more, dim=1)
        if gain.max() <= THRESHOLD + TOLERANCE:
            break
        chosen = torch.cat([chosen, fresh], 1)
        coefficients = torch.cat([coefficients, coefficients.new_zeros(fresh.shape)], 1)
        among = atoms[chosen]
        among[:, 0] = 0  # a point is of no use to itself
        coefficients, residual = _descend(points, among, coefficients)
        more = min(MORE, len(atoms) - chosen.shape[1])
    return chosen, coefficients


def _descend(points: Tensor, among: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """Greedy coordinate descent: of each point the one coefficient that is furthest off, again and again."""
    gram = among @ among.transpose(1, 2)
    products = ((points - (coefficients[:, None] @ among)[:, 0])[:, None] @ among.transpose(1, 2))[:, 0]
    while True:
        wanted = torch.nn.functional.softshrink(products + coefficients, THRESHOLD)
        step, which = (wanted - coefficients).abs().max(1, keepdim=True)
        if step.max() < TOLERANCE:
            return coefficients, points - (coefficients[:, None] @ among)[:, 0]
        step = (wanted - coefficients).gather(1, which)
        coefficients = coefficients.scatter_add(1, which, step)
        products = products - step * gram.gather(1, which[:, :, None].expand(-1, -1, gram.shape[2]))[:, 0]
