"""What a batch is edited to in training: one attribute of each image anew."""

from typing import NamedTuple

import torch
from torch import Tensor

from lineament.editing.centroids import Centroids

__all__ = ["BatchEdit", "batch_edit"]


class BatchEdit(NamedTuple):
    """What a batch is edited to: one attribute of each image anew.

    Attributes:
        chosen: ``(batch, attributes)`` bool, which attribute.
        codes: ``(batch, attributes, q)`` after the edit.
        labels: ``(batch, attributes)`` after the edit, 0.5 unknown.
    """

    chosen: Tensor
    codes: Tensor
    labels: Tensor


def batch_edit(a: Tensor, y: Tensor, chosen: Tensor, H: Centroids, *, measured: bool) -> BatchEdit:
    """Where the chosen attribute is absent it comes, where present it comes anew or, with a chance of a quarter, goes.

    Its code is borrowed from the next image of the batch that has it, or drawn. To draw for the centroid as well made
    the edits speckled, and none was read better.
    """
    n = len(a)
    i = chosen.int().argmax(1)
    goes = (y[chosen] == 1) & (torch.rand(n, device=a.device) < 0.25)
    ahead = (torch.arange(n, device=a.device)[:, None] + torch.arange(1, n + 1, device=a.device)) % n
    has = (y[:, i].T == 1).gather(1, ahead)  # for each image, whether the next ones have its attribute
    lender = ahead.gather(1, has.int().argmax(1, keepdim=True))[:, 0]
    roots = (H.measured() if measured else H.isotropic()).detach()
    fresh = H.means[i, 1] + torch.einsum("nqr,nr->nq", roots[i, 1], torch.randn_like(a[:, 0]))
    borrowed = has.any(1) & (torch.rand(n, device=a.device) < 0.6)
    code = torch.where(borrowed[:, None], a[lender, i], fresh)
    code = torch.where(goes[:, None], H.means[i, 0], code)
    codes = torch.where(chosen[:, :, None], code[:, None], a)
    return BatchEdit(chosen, codes, torch.where(chosen, (~goes).float()[:, None], y))
