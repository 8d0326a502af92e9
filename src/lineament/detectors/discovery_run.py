"""Make a discovery: embed a sample of the training part, part by part, and cut it into clusters. It can be resumed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.detectors.batches import names_sha256
from lineament.detectors.clustering import affinity, self_expression, spectral_clusters
from lineament.detectors.detector import Detector
from lineament.detectors.discovery import Dictionary, Discovered, Settings, embeddings, load, resume, save
from lineament.detectors.heads import Head
from lineament.detectors.prediction import decoded
from lineament.detectors.presets import Part
from lineament.detectors.pursuit import unit
from lineament.errors import UsageError

__all__ = ["clustered", "discover", "sample"]


def discover(
    detector: Detector,
    dataset: AttributeDataset,
    folder: str | Path,
    settings: Settings | None = None,
    *,
    progress: Callable[[float, str], None] = lambda share, doing: None,
) -> Discovered:
    """Cluster a detector's embeddings of each part; called again with the same arguments it goes on where it was.

    Args:
        detector: any part networks.
        dataset: its training part is sampled.
        folder: gets the subfolders ``discovered`` and ``detector``, rewritten after each part.
        settings: None for the dissertation's.
        progress: hears the share done and what is being done.

    Raises:
        UsageError: too few training images, or a folder that holds another discovery.
    """
    settings, folder = settings or Settings(), Path(folder)
    index = sample(dataset, settings)
    images = names_sha256([dataset.names[i] for i in index])
    card = {"data": dataset.name, "licence": dataset.licence, "images": len(index), "names_sha256": images}
    found = Discovered(detector, (), settings, card)
    if (folder / "discovered").exists():
        found = _same(resume(folder), found, folder)
    memory = decoded(dataset, detector.shape)
    for part in detector.parts[len(found.dictionaries) :]:

        def advance(share: float, doing: str, done: int = len(found.dictionaries), name: str = part.name) -> None:
            progress((done + share) / len(detector.parts), f"{name}: {doing}")

        points = embeddings(
            _alone(detector, part), dataset, memory, index, progress=lambda share: advance(share / 2, "embedding")
        )
        advance(0.5, "clustering")
        one = clustered(part.name, points, settings)
        found = replace(found, dictionaries=(*found.dictionaries, one))
        save(folder, found, **card)
    return load(folder)


def clustered(name: str, points: torch.Tensor, settings: Settings) -> Dictionary:
    """The dictionary of one part from its embeddings ``(n, d)``."""
    atoms = unit(points)
    graph = affinity(self_expression(atoms))
    return Dictionary(name, atoms, torch.from_numpy(spectral_clusters(graph, settings.clusters, settings.seed)))


def sample(dataset: AttributeDataset, settings: Settings) -> NDArray[np.int64]:
    """Which images of the training part the dictionary is made of, in the set's order."""
    train = np.flatnonzero(dataset.split == 0)
    if len(train) < 5 * settings.clusters:
        raise UsageError(f"{dataset.name}: {len(train)} training images are too few for {settings.clusters} clusters")
    return np.sort(np.random.default_rng(settings.seed).permutation(train)[: settings.samples])


def _same(earlier: Discovered, wanted: Discovered, folder: Path) -> Discovered:
    """The earlier one, if it is one of the same detector, images and settings."""
    weights, others = (one.detector.state_dict() for one in (wanted, earlier))
    same = {
        "detector": wanted.detector.parts == earlier.detector.parts
        and all(torch.equal(value, others[name]) for name, value in weights.items()),
        "images": wanted.card["names_sha256"] == earlier.card.get("names_sha256"),
        "settings": wanted.settings == earlier.settings,
    }
    if different := [name for name, equal in same.items() if not equal]:
        raise UsageError(f"{folder}: holds a discovery with other {' and '.join(different)}; name another folder")
    return earlier


def _alone(detector: Detector, part: Part) -> Detector:
    """One part's network with nothing to answer: for its embeddings."""
    empty = Head(np.zeros((1, part.embedding), np.float32), np.zeros(1, np.float32))
    return Detector(
        [part], {part.name: detector.networks[part.name]}, empty, attributes=part.attributes[:1],
        thresholds=np.full(1, 0.5), eyes=detector.eyes, shape=detector.shape, mirror=detector.mirror,
    )  # fmt: skip
