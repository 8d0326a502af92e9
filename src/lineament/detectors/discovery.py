"""Discovered attributes: groups of faces that a detector's part networks see alike, and which of them a new face is in.

A dictionary of embeddings of each part is cut into clusters once (`clustering`); a new embedding is written with few
atoms of it, and how much each cluster contributes is a feature (sections 2.4.4 and 2.4.5).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from lineament import artifacts
from lineament.datasets.base import AttributeDataset
from lineament.detectors import detector as detectors
from lineament.detectors.detector import Detector
from lineament.detectors.prediction import decoded
from lineament.detectors.pursuit import matching_pursuit, unit
from lineament.errors import JobError, UsageError
from lineament.images import to_batch

__all__ = ["Dictionary", "Discovered", "Settings", "contributions", "embeddings", "keep", "load", "resume", "save"]

PROVENANCE = ("data", "licence", "images", "training_names_sha256", "metrics", "training")
"""What a detector's card says besides what `artifacts.save` writes."""


@dataclass(frozen=True)
class Settings:
    """What decides a discovery, given detector and data.

    Attributes:
        clusters: a part.
        samples: images at most whose embeddings are the dictionary; the dissertation has 10,000.
        sparsity: atoms that a point is written with, among the dictionary and as a feature.
        seed: of the sample and of the cut.
    """

    clusters: int = 10
    samples: int = 10_000
    sparsity: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("clusters", 2), ("samples", 100), ("sparsity", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name}: expected {least} or more, got {getattr(self, name)}")
        if self.sparsity > self.samples:
            raise UsageError(f"sparsity: expected 1 to {self.samples}, the samples, got {self.sparsity}")
        if self.samples < 5 * self.clusters:
            raise UsageError(f"samples: {self.samples} are too few for {self.clusters} clusters; take 5 a cluster")


@dataclass(frozen=True)
class Dictionary:
    """The atoms of one part.

    Attributes:
        part: its name.
        atoms: ``(m, d)`` embeddings of length 1.
        clusters: ``(m,)`` int64, which cluster each is in.
    """

    part: str
    atoms: Tensor = field(repr=False)
    clusters: Tensor = field(repr=False)


@dataclass(frozen=True)
class Discovered:
    """A detector and the clusters of its parts' embeddings.

    Attributes:
        detector: whose embeddings they are.
        dictionaries: one a part, in the detector's order.
        settings: how they were made.
        card: provenance.
    """

    detector: Detector
    dictionaries: tuple[Dictionary, ...]
    settings: Settings
    card: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        smallest = min(part.embedding for part in self.detector.parts)
        if self.settings.sparsity > smallest:
            raise UsageError(
                f"sparsity: expected 1 to {smallest}, as many as the smallest embedding has numbers, got "
                f"{self.settings.sparsity}"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What to call the features: ``"Mouth 0"``, ``"Mouth 1"``, …"""
        return tuple(f"{one.part} {i}" for one in self.dictionaries for i in range(self.settings.clusters))

    def features(self, embeddings: Float[Tensor, "n d"]) -> Float[Tensor, "n {len(self.names)}"]:
        """The probability of each cluster of each part, ``(n, parts * clusters)``; a part's sum to 1 (eq. 2.9).

        Args:
            embeddings: of the detector, all parts concatenated; see `embeddings`.
        """
        width = sum(part.embedding for part in self.detector.parts)
        if embeddings.ndim != 2 or embeddings.shape[1] != width:
            raise UsageError(f"embeddings: expected (n, {width}), got {tuple(embeddings.shape)}")
        blocks = torch.split(embeddings, [part.embedding for part in self.detector.parts], 1)
        settings = self.settings
        return torch.cat(
            [
                contributions(block, one, settings.clusters, settings.sparsity).softmax(1)
                for one, block in zip(self.dictionaries, blocks, strict=True)
            ],
            1,
        )

    def discovered_vectors(
        self,
        dataset: AttributeDataset,
        memory: NDArray[np.uint8] | None = None,
        index: NDArray[np.int64] | None = None,
        *,
        progress: Callable[[float], None] | None = None,
    ) -> NDArray[np.float64]:
        """`features` of images of a set, ``(n, parts * clusters)``.

        Args:
            dataset: its eye positions are used where it has them.
            memory: all its pixels (`prediction.decoded`), if somebody has them already.
            index: ``(n,)`` which images; None for all.
            progress: hears the share done.
        """
        found = embeddings(self.detector, dataset, memory, index, progress=progress)
        return np.asarray(self.features(found).double().numpy())


def contributions(
    points: Float[Tensor, "n d"], dictionary: Dictionary, clusters: int, sparsity: int
) -> Float[Tensor, "n {clusters}"]:
    """How much of each point the atoms of each cluster make up: ``||D_c f_c||`` of equation 2.9, ``(n, clusters)``.

    The point is brought to length 1 and written with at most ``sparsity`` atoms (eq. 2.8). A point of zeros gets zeros.
    """
    taken, coefficients = matching_pursuit(unit(points), dictionary.atoms, sparsity)
    member = torch.nn.functional.one_hot(dictionary.clusters[taken], clusters).to(points.dtype)
    share = coefficients[:, :, None] * member  # an atom that was not taken has coefficient 0, whichever it points at
    lengths = [
        torch.linalg.vector_norm(rows.transpose(1, 2) @ dictionary.atoms[index], dim=2)
        for rows, index in zip(torch.split(share, 256), torch.split(taken, 256), strict=True)
    ]
    return torch.cat(lengths)


@torch.inference_mode()
def embeddings(
    detector: Detector,
    dataset: AttributeDataset,
    memory: NDArray[np.uint8] | None = None,
    index: NDArray[np.int64] | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> Float[Tensor, "n d"]:
    """The detector's embeddings of images of a set; arguments as in `Discovered.discovered_vectors`."""
    memory = decoded(dataset, detector.shape) if memory is None else memory
    index, found = np.arange(len(dataset)) if index is None else index, []
    for chunk in np.array_split(index, max(1, -(-len(index) // 64))):
        images = to_batch(memory[chunk]).expand(-1, 3, -1, -1)
        eyes = None if dataset.eyes is None else torch.from_numpy(np.ascontiguousarray(dataset.eyes[chunk]))
        found.append(detector.embeddings(images, eyes))
        if progress:
            progress(sum(map(len, found)) / max(len(index), 1))
    return torch.cat(found).clone()  # outside of inference mode it is a tensor like any other


def save(folder: str | Path, discovered: Discovered, **card: Any) -> Path:
    """Write the artifact, and the detector beside it, into ``folder``; further card entries by name.

    Fewer dictionaries than parts are a run that is not finished: `load` refuses it, `discovery_run.discover` goes on.
    """
    tensors: dict[str, Tensor] = {}
    for one in discovered.dictionaries:
        tensors |= {f"{one.part}.atoms": one.atoms, f"{one.part}.clusters": one.clusters}
    beside = keep(folder, discovered.detector)
    config = {
        "parts": [part.name for part in discovered.detector.parts],
        "settings": asdict(discovered.settings),
        "detector_sha256": beside.card["weights_sha256"],
    }
    return artifacts.save(Path(folder) / "discovered", kind="discovered", tensors=tensors, config=config, **card)


def keep(folder: str | Path, detector: Detector) -> Detector:
    """Save a detector at ``folder/detector``, under the card it has, and return what was saved."""
    said = {key: value for key, value in detector.card.items() if key in PROVENANCE}
    return detectors.load(detector.save(Path(folder) / "detector", **said))


def load(folder: str | Path) -> Discovered:
    """What `save` wrote into a folder; ``JobError`` says what is missing, torn, or of another detector."""
    found = resume(folder)
    if missing := [part.name for part in found.detector.parts][len(found.dictionaries) :]:
        raise JobError(
            f"{folder}: a discovery that was stopped before {', '.join(missing)}; go on with 'lineament discover'"
        )
    return found


def resume(folder: str | Path) -> Discovered:
    """The same as `load`, of a run that may not be finished."""
    artifact = artifacts.load(Path(folder) / "discovered", kind="discovered")
    detector, card = detectors.load(Path(folder) / "detector"), artifact.card
    try:
        config, tensors = card["config"], artifact.tensors
        settings = Settings(**config["settings"])
        done = [name for name in config["parts"] if f"{name}.atoms" in tensors]
        dictionaries = tuple(
            _checked(Dictionary(name, tensors[f"{name}.atoms"], tensors[f"{name}.clusters"]), settings) for name in done
        )
        expected = [(part.name, part.embedding) for part in detector.parts][: len(done)]
        found = [(one.part, one.atoms.shape[1]) for one in dictionaries]
        if config["detector_sha256"] != detector.card["weights_sha256"] or found != expected:
            raise JobError(
                f"{folder}: was made with another detector than the one beside it; run 'lineament discover' again"
            )
    except (LookupError, TypeError, ValueError) as error:
        raise JobError(f"{folder}: its card and its tensors do not describe a discovery ({error})") from None
    return Discovered(detector, dictionaries, settings, card)


def _checked(one: Dictionary, settings: Settings) -> Dictionary:
    """The dictionary, if its numbers are ones that `Discovered.features` can work with; ``ValueError`` otherwise."""
    atoms, clusters = one.atoms, one.clusters
    if atoms.ndim != 2 or atoms.dtype != torch.float32 or clusters.dtype != torch.int64:
        raise ValueError(f"{one.part}: atoms {atoms.dtype} {tuple(atoms.shape)}, clusters {clusters.dtype}")
    lengths = atoms.norm(dim=1)
    if not ((lengths - 1).abs() < 1e-4).logical_or(lengths == 0).all():  # NaN fails too
        raise ValueError(f"{one.part}: atoms are not of length 1")
    if clusters.shape != atoms.shape[:1] or not ((clusters >= 0) & (clusters < settings.clusters)).all():
        raise ValueError(f"{one.part}: its clusters are not numbers under {settings.clusters}, one an atom")
    return one
