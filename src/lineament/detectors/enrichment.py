"""What clusters of images have to do with their labels: purity, shared information, labels that are over-represented.

Images of one person are not independent, so the test of over-representation divides all counts by how many images
are worth one (the design effect, as Rao and Scott 1984 correct tests of tables from surveys of households).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import hypergeom

from lineament.detectors.evaluation import people, ratio

__all__ = ["Agreement", "agreement", "shifted"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How one clustering and the labels agree; unknown labels count nowhere.

    Attributes:
        sizes: ``(clusters,)`` images in each.
        share: ``(clusters, attributes)`` of a cluster's images that have the label.
        overall: ``(attributes,)`` of all images that have it.
        p: ``(clusters, attributes)`` one-sided p-value that the label is no more common in the cluster than outside.
        purity: ``(attributes,)`` accuracy of calling every image what most of its cluster are; at least `majority`.
        majority: ``(attributes,)`` the same without clusters.
        nmi: ``(attributes,)`` mutual information of cluster and label over the mean of their entropies, in [0, 1].
    """

    sizes: NDArray[np.int64]
    share: Array
    overall: Array
    p: Array
    purity: Array
    majority: Array
    nmi: Array

    @property
    def lift(self) -> Array:
        """``(clusters, attributes)``: share in the cluster over share overall; NaN for a label that nobody has."""
        return np.asarray(ratio(self.share, np.broadcast_to(self.overall, self.share.shape)))

    def over_represented(self, cluster: int, tests: int, level: float = 0.05) -> list[int]:
        """Columns of the labels more common in a cluster than chance allows, the most telling first.

        ``tests`` is how many p-values are looked at in all (Bonferroni): then all that is listed, anywhere, is no
        chance in all but ``level`` of cases. Order is by how many deviations of the label the share is above overall.
        """
        above = ratio(self.share[cluster] - self.overall, np.sqrt(self.overall * (1 - self.overall)))
        return [int(i) for i in np.argsort(-np.nan_to_num(above), kind="stable") if self.p[cluster, i] * tests < level]


def agreement(
    clusters: NDArray[np.integer], labels: NDArray[np.int8], identity: NDArray[np.int64], count: int
) -> Agreement:
    """Hold a clustering against labels.

    Args:
        clusters: ``(n,)`` in 0 to ``count - 1``.
        labels: ``(n, attributes)`` 1, 0 or -1 for unknown.
        identity: ``(n,)``, -1 unknown: a person of its own.
        count: how many clusters there are, empty ones included.
    """
    inside = (clusters[:, None] == np.arange(count)).astype(float)
    table = np.stack([inside.T @ (labels == value) for value in (0, 1)], 2)  # (clusters, attributes, absent/present)
    known = table.sum(2)
    overall = ratio(table[..., 1].sum(0), known.sum(0))
    return Agreement(
        sizes=inside.sum(0).astype(np.int64),
        share=ratio(table[..., 1], known),
        overall=overall,
        p=_p_values(table, _design_effect(inside, labels, overall, identity)),
        purity=ratio(table.max(2).sum(0), known.sum(0)),
        majority=np.maximum(overall, 1 - overall),
        nmi=_shared_information(table),
    )


def shifted(labels: NDArray[np.int8], identity: NDArray[np.int64], seed: int) -> NDArray[np.int8]:
    """The labels, each image's given to another one: people in a row, labels moved along by a random number.

    A control: labels keep how common they are and how alike within a person, and lose what they say of an image.
    """
    order = np.argsort(people(identity), kind="stable")
    step = int(np.random.default_rng(seed).integers(len(order) // 4, max(len(order) * 3 // 4, 1) + 1))
    moved = np.empty_like(labels)
    moved[order] = np.roll(labels[order], step, axis=0)
    return moved


def _p_values(table: Array, likeness: Array) -> Array:
    """Fisher's exact test of each cluster and label, of counts divided by the design effect.

    Args:
        table: ``(clusters, attributes, 2)`` counts.
        likeness: ``(clusters, attributes)`` how many images are worth one.
    """
    hit, absent = table[..., 1] / likeness, table[..., 0] / likeness
    size, have, lack = hit + absent, hit.sum(0), absent.sum(0)
    return np.asarray(hypergeom.sf(np.floor(hit) - 1, np.round(have + lack), np.round(have), np.round(size)))


def _design_effect(inside: Array, labels: NDArray[np.int8], overall: Array, identity: NDArray[np.int64]) -> Array:
    """``(clusters, attributes)``: how many images of a set like this are worth one of a person of its own (Kish 1965).

    It is 1 plus the images a person has beyond one, times how alike these are in cluster and in label.
    """
    person = people(identity)
    order = np.argsort(person, kind="stable")
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    pairs, n = max(int((sizes * (sizes - 1)).sum()), 1), len(order)

    def alike(columns: Array) -> Array:  # the correlation of two images of one person
        between, total = (np.add.reduceat(columns[order], starts, axis=0) ** 2).sum(0), (columns**2).sum(0)
        return np.asarray(np.clip(np.nan_to_num(ratio((between - total) / pairs, total / n)), 0, 1))

    off = np.where(labels >= 0, (labels == 1) - np.nan_to_num(overall), 0)
    return np.asarray(1 + pairs / n * np.outer(alike(inside - inside.mean(0)), alike(off)))


def _shared_information(table: Array) -> Array:
    """``(attributes,)`` from counts ``(clusters, attributes, 2)``; 0 where a label or the clusters do not vary."""
    joint = table / np.maximum(table.sum((0, 2), keepdims=True), 1)
    both, cluster, label = (-xlogy(x, x).sum(axis) for x, axis in (
        (joint, (0, 2)), (joint.sum(2), 0), (joint.sum(0), 1)))  # fmt: skip
    shared = np.maximum(cluster + label - both, 0)
    varies = (cluster > 0) & (label > 0)
    return np.asarray(np.divide(2 * shared, cluster + label, out=np.zeros_like(shared), where=varies))
