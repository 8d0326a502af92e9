"""From a rule to vectors: which images each template averages, which people tune, and which are tested."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lineament.authentication.protocols import Protocol, Rule
from lineament.datasets.base import AttributeDataset
from lineament.errors import JobError

__all__ = ["FOLDS", "FRAMES", "Fold", "Templates", "considered", "folds", "templates"]

FOLDS = 5
"""Where a set has no development part, people are dealt into this many groups; see `folds`."""

FRAMES = 20
"""Frames read of each clip, evenly spaced: neighbours are nearly equal, and a mean of 20 hardly differs from that of
all (face_video has 47 to 109)."""

Mask = NDArray[np.bool_]


class Templates(NamedTuple):
    """Vectors to be compared.

    Attributes:
        identity: ``(k,)`` whose each is.
        share: ``(k, n)`` sparse; its product with the images' vectors gives the means.
    """

    identity: NDArray[np.int64]
    share: csr_array


@dataclass(frozen=True)
class Fold:
    """Some comparisons, and the people whom they are tuned on.

    Attributes:
        development: ``(n,)`` images of those people.
        rows, columns: identities; the comparisons of the first with the second, and the other way round.
    """

    development: Mask
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def block(self, gallery: NDArray[np.int64], probe: NDArray[np.int64]) -> Mask:
        """Which comparisons ``(gallery, probe)`` of identities it is about."""
        one = np.isin(gallery, self.rows)[:, None] & np.isin(probe, self.columns)
        return np.asarray(one | (np.isin(gallery, self.columns)[:, None] & np.isin(probe, self.rows)))


def considered(protocol: Protocol, dataset: AttributeDataset) -> AttributeDataset:
    """The images a protocol may use: of known people with enough of them, not of a training part, not every frame."""
    kept = dataset.identity >= 0
    if len(np.unique(dataset.split)) > 1:
        kept &= dataset.split > 0
    kept &= _some_frames(dataset)
    _, person, counts = np.unique(dataset.identity, return_inverse=True, return_counts=True)
    return dataset.subset(kept & (counts >= protocol.minimum)[person])


def templates(dataset: AttributeDataset, rule: Rule) -> Templates:
    """The templates that ``rule`` makes of a set's images."""
    chosen = np.flatnonzero(_chosen(dataset, rule))
    identity, session = dataset.identity[chosen], dataset.session[chosen]
    names = np.array(dataset.names, dtype=str)[chosen]
    order = np.lexsort((names, session, identity))
    chosen, identity, session, names = chosen[order], identity[order], session[order], names[order]
    if rule.half and len(chosen):
        start = np.flatnonzero((np.diff(identity, prepend=-1) != 0) | np.append(True, session[1:] != session[:-1]))
        size = np.diff(np.append(start, len(chosen)))
        first = np.arange(len(chosen)) - np.repeat(start, size) < np.repeat(size // 2, size)
        kept = first if rule.half == 1 else ~first
        chosen, identity, session, names = chosen[kept], identity[kept], session[kept], names[kept]
    unit: Sequence[object] = {
        "image": range(len(chosen)),
        "clip": [name.rpartition(":")[0] for name in names.tolist()],
        "session": session.tolist(),
        "person": [""] * len(chosen),
    }[rule.each]
    keys = np.array([f"{who:020} {what}" for who, what in zip(identity.tolist(), unit, strict=True)], dtype=str)
    _, first_of, row, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    share = csr_array((1 / counts[row], (row, chosen)), shape=(len(counts), len(dataset)))
    return Templates(identity[first_of], share)


def folds(dataset: AttributeDataset, seed: int = 0) -> Iterator[Fold]:
    """How test people and the people that tune are kept apart.

    A set with a development part tunes on it, and compares its test people. Otherwise people are dealt into `FOLDS`
    groups at random, and comparisons between two of them (or within one) are tuned on the people of all others: so
    everybody is compared with everybody, and no comparison is tuned on either of its people.
    """
    people = np.unique(dataset.identity)
    if (dataset.split == 1).any() and (dataset.split == 2).any():
        test = np.unique(dataset.identity[dataset.split == 2])
        yield Fold(dataset.split == 1, test, test)
        return
    if len(people) < FOLDS:
        raise JobError(
            f"{dataset.name}: {len(people)} people, and no development part to tune on; {FOLDS} or more are needed"
        )
    groups = [people[part] for part in np.array_split(np.random.default_rng(seed).permutation(len(people)), FOLDS)]
    for i, rows in enumerate(groups):
        for columns in groups[i:]:
            yield Fold(~np.isin(dataset.identity, np.concatenate([rows, columns])), rows, columns)


def _chosen(dataset: AttributeDataset, rule: Rule) -> Mask:
    kept = np.isin(dataset.session, rule.sessions) if rule.sessions else np.ones(len(dataset), dtype=bool)
    if rule.named:
        found = re.compile(rule.named)
        kept &= np.array([bool(found.search(name.rpartition(":")[0] or name)) for name in dataset.names])
    if rule.style:
        if dataset.style is None:
            raise JobError(f"{dataset.name}: tells no {rule.style[0]} of its images; only rendered ones do")
        key, low, high = rule.style
        kept &= np.array([low <= float(dataset.style(i)[key]) < high for i in range(len(dataset))])
    return np.asarray(kept, dtype=bool)


def _some_frames(dataset: AttributeDataset) -> Mask:
    """All images, but of each clip (named ``CLIP:FRAME``) only `FRAMES`, evenly spaced."""
    clips = np.array([name.rpartition(":")[0] for name in dataset.names], dtype=str)
    kept: Mask = np.asarray(clips == "")
    framed = np.flatnonzero(~kept)
    start = np.flatnonzero(np.append(True, clips[framed][1:] != clips[framed][:-1])) if len(framed) else framed
    last = np.diff(np.append(start, len(framed))) - 1
    kept[framed[(start[:, None] + np.round(np.linspace(0, 1, FRAMES) * last[:, None]).astype(int)).ravel()]] = True
    return kept
