"""The figures of a discovery: what its clusters say of the labels, beside what k-means and moved labels say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from lineament.datasets.base import AttributeDataset
from lineament.detectors.discovery import Dictionary, Settings
from lineament.detectors.enrichment import Agreement, agreement, shifted

__all__ = ["cluster_figures", "explained", "part_figures"]


def part_figures(
    one: Dictionary, dataset: AttributeDataset, settings: Settings, tests: int,
    unseen: tuple[NDArray[np.int64], AttributeDataset] | None = None,
) -> tuple[Agreement, dict[str, Any]]:  # fmt: skip
    """How one part's clusters agree with the labels, and the controls.

    Args:
        one: the part's dictionary.
        dataset: its images, in the order of the atoms.
        settings: of the discovery.
        tests: see `Agreement.over_represented`; clusters times attributes, of all parts.
        unseen: images of people outside the dictionary, and the cluster ``(n,)`` of each.

    Returns:
        The agreement, and plain figures: ``nmi`` and ``purity`` are means over attributes, ``…_kmeans`` those of
        k-means on the same embeddings, ``…_moved`` those against labels of other images, ``nmi_unseen`` that on
        ``unseen``; ``explained`` counts the clusters in which some label is over-represented.
    """
    labels, identity, count = dataset.labels, dataset.identity, settings.clusters
    found = agreement(one.clusters.numpy(), labels, identity, count)
    moved = agreement(one.clusters.numpy(), shifted(labels, identity, settings.seed), identity, count)
    nearest = KMeans(count, n_init=4, random_state=settings.seed).fit_predict(one.atoms.numpy())
    rival = agreement(nearest, labels, identity, count)
    figures = {
        "part": one.part,
        "images": len(one.atoms),
        "sizes": found.sizes.tolist(),
        "explained": explained(found, tests),
        "explained_moved": explained(moved, tests),
        "nmi": _mean(found.nmi),
        "nmi_kmeans": _mean(rival.nmi),
        "nmi_moved": _mean(moved.nmi),
        "purity": _mean(found.purity),
        "purity_kmeans": _mean(rival.purity),
        "purity_moved": _mean(moved.purity),
        "majority": _mean(found.majority),
        "attributes": {
            name: {"nmi": float(found.nmi[i]), "purity": float(found.purity[i]), "majority": float(found.majority[i])}
            for i, name in enumerate(dataset.attributes)
        },
    }
    if unseen is not None:
        clusters, others = unseen
        figures["nmi_unseen"] = _mean(agreement(clusters, others.labels, others.identity, count).nmi)
    return found, figures


def explained(found: Agreement, tests: int) -> int:
    """In how many clusters some label is over-represented beyond chance."""
    return sum(bool(found.over_represented(cluster, tests)) for cluster in range(len(found.sizes)))


def cluster_figures(found: Agreement, attributes: Sequence[str], tests: int) -> list[dict[str, Any]]:
    """For each cluster its size and the labels over-represented in it: share, lift, and p-value times tests."""
    return [
        {
            "size": int(found.sizes[cluster]),
            "over_represented": [
                {
                    "attribute": attributes[i],
                    "share": float(found.share[cluster, i]),
                    "lift": float(found.lift[cluster, i]),
                    "p_of_all_tests": float(min(1, found.p[cluster, i] * tests)),
                }
                for i in found.over_represented(cluster, tests)
            ],
        }
        for cluster in range(len(found.sizes))
    ]


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values[np.isfinite(values)])) if np.isfinite(values).any() else float("nan")
