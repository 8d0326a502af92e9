"""Within-class covariance normalisation: weigh directions by how little one person varies along them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.errors import UsageError

__all__ = ["within_person_whitening"]


def within_person_whitening(
    vectors: NDArray[Any], identity: NDArray[np.int64], shrinkage: float = 0.5
) -> NDArray[np.float64]:
    """The matrix ``(d, d)`` that makes the images of one person vary equally in all directions: ``vectors @ matrix``.

    Hatch, Kajarekar and Stolcke, Within-class covariance normalization for SVM-based speaker recognition (2006).
    The covariance about each person's mean, pooled over people, is shrunk towards a multiple of the identity, since
    a few hundred images do not determine all of it.

    Args:
        vectors: ``(n, d)`` of development people.
        identity: ``(n,)``; images of unknown identity (-1) and people of one image tell nothing and are left out.
        shrinkage: share of the sphere, in (0, 1].

    Raises:
        UsageError: no person has two images, or the shrinkage is out of range.
    """
    if not 0 < shrinkage <= 1:
        raise UsageError(f"shrinkage: expected a number in (0, 1], got {shrinkage}")
    known = identity >= 0
    _, person, images = np.unique(identity[known], return_inverse=True, return_counts=True)
    if not (images > 1).any():
        raise UsageError("within-person whitening needs people with at least two images each")
    x = np.asarray(vectors[known], dtype=np.float64)
    means = np.zeros((len(images), x.shape[1]))
    np.add.at(means, person, x)
    residual = x - (means / images[:, None])[person]
    covariance = residual.T @ residual / (len(x) - len(images))
    sphere = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    values, directions = np.linalg.eigh((1 - shrinkage) * covariance + shrinkage * sphere)
    matrix: NDArray[np.float64] = directions / np.sqrt(np.maximum(values, 1e-12))
    return matrix
