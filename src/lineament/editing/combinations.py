"""Which combinations of attributes are rare in a set, and which of its images could be edited to show one.

A combination says of each of its attributes whether it shall be there: ``{"Eyeglasses": True, "Smiling": False}``.
Only the training part is counted and edited; images of which a label is unknown are left out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.detectors.evaluation import ratio
from lineament.errors import UsageError

__all__ = ["Count", "named", "rare_pairs", "shown", "sources"]

Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Count(NamedTuple):
    """How common a combination is in the training part.

    Attributes:
        combination: attribute to whether it shall be there.
        images: how many show it.
        expected: how many would if none of its attributes told anything about another.
    """

    combination: Mapping[str, bool]
    images: int
    expected: float


def rare_pairs(dataset: AttributeDataset, attributes: Sequence[str]) -> list[Count]:
    """Every two attributes that could show together, rarest first, if an editor of ``attributes`` draws one of them.

    Left out are those of which no training image has both labels known.
    """
    labels = dataset.labels[dataset.split == 0]
    there, known = (labels == 1).astype(np.float64), (labels >= 0).astype(np.float64)
    both = there.T @ there
    together = known.T @ known
    expected = np.nan_to_num(ratio((there.T @ known) * (known.T @ there), together))
    drawn = np.isin(dataset.attributes, list(attributes))
    rows, columns = np.nonzero(np.triu((drawn[:, None] | drawn) & (together > 0), 1))
    order = np.lexsort((-expected[rows, columns], both[rows, columns]))
    return [
        Count({dataset.attributes[i]: True, dataset.attributes[j]: True}, int(both[i, j]), float(expected[i, j]))
        for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    ]


def shown(dataset: AttributeDataset, combination: Mapping[str, bool]) -> Count:
    """How many training images show a combination, and how many would by chance.

    ``UsageError`` for an attribute that the set has not.
    """
    agrees, usable = _agreement(dataset, combination)
    shares = agrees[usable].mean(0) if usable.any() else np.zeros(len(combination))
    return Count(combination, int((agrees.all(1) & usable).sum()), float(usable.sum() * shares.prod()))


def sources(
    dataset: AttributeDataset, editable: Sequence[str], combination: Mapping[str, bool], seed: int
) -> tuple[Indices, Bools]:
    """The training images that lack only what an editor can change, those that lack least first, else at random.

    Args:
        dataset: any with labels.
        editable: the editor's attributes.
        combination: what the images shall show.
        seed: of the order.

    Returns:
        Their indices ``(n,)`` and what each lacks, ``(n, len(combination))``. Raises ``UsageError`` for an attribute
        that the set has not, a combination without an editable one, or one that no image can be brought to.
    """
    agrees, usable = _agreement(dataset, combination)
    fixed = np.array([name not in editable for name in combination])
    if fixed.all():
        raise UsageError(f"{named(combination)}: the editor draws none of these; it draws {', '.join(editable)}")
    found = np.flatnonzero(usable & ~agrees.all(1) & agrees[:, fixed].all(1))
    if not len(found):
        needed = {name: on for (name, on), is_fixed in zip(combination.items(), fixed, strict=True) if is_fixed}
        which = f" with {named(needed)}, which the editor cannot draw," if needed else ""
        raise UsageError(f"{dataset.name}: no training image{which} lacks any of {named(combination)}: none to edit")
    order = np.random.default_rng(seed).permutation(found)
    order = order[np.argsort((~agrees[order]).sum(1), kind="stable")]
    return order, ~agrees[order]


def named(combination: Mapping[str, bool]) -> str:
    """A combination in words: ``Eyeglasses, no Smiling``."""
    return ", ".join(name if on else f"no {name}" for name, on in combination.items())


def _agreement(dataset: AttributeDataset, combination: Mapping[str, bool]) -> tuple[Bools, Bools]:
    """Whether each image is as wanted ``(n, attributes)``, and whether it is a training image of known labels."""
    if not combination:
        raise UsageError("combination: expected at least one attribute, got none")
    labels = np.stack([dataset.column(name) for name in combination], 1)
    wanted = np.array(list(combination.values()), dtype=np.int8)
    return labels == wanted, (labels >= 0).all(1) & (dataset.split == 0)
