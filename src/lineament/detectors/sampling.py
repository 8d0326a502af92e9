"""Which images make up a batch: every image in turn, balanced queues (spec 2.5), or the rarer class oversampled.

A sampler is called with the step number and returns the batch's indices, the same in every process. The generator of
a step depends on (seed, step) alone; the queues' places are the only state.
"""

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from lineament.errors import UsageError
from lineament.training.run import step_seed

__all__ = ["BalancedQueues", "InTurn", "Oversampled", "Sampler"]


class Sampler(Protocol):
    """Step number to the indices ``(batch,)`` int64 of that step's batch; its places can be saved and restored."""

    def __call__(self, step: int) -> NDArray[np.int64]: ...  # noqa: D102
    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102
    def load_state_dict(self, state: dict[str, Any], /) -> None: ...  # noqa: D102


class InTurn:
    """Every image once an epoch, in an order shuffled anew each epoch; a last, smaller batch is left out."""

    def __init__(self, n: int, batch: int, seed: int) -> None:
        if not 1 <= batch <= n:
            raise UsageError(f"batch: expected 1 to {n} (the number of training images), got {batch}")
        self.n, self.batch, self.seed = n, batch, seed
        self._epoch, self._order = -1, np.zeros(0, dtype=np.int64)

    def __call__(self, step: int) -> NDArray[np.int64]:
        """The indices of batch ``step``."""
        epoch, place = divmod(step, self.n // self.batch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.n)
        return self._order[place * self.batch : (place + 1) * self.batch]

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the step number tells all."""
        return {}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Nothing to restore."""


class BalancedQueues:
    """Batches in which rare attributes are common (spec 2.5).

    For each attribute there is a shuffled circular queue of the images that have its rarer value, and one more queue
    of the images in which every attribute has its commoner value (left out where no image is such). Each place of a
    batch picks a queue uniformly at random and takes its next image; a queue repeats only after all its images came.

    Args:
        labels: ``(n, attributes)`` int8, 1 present, 0 absent, -1 unknown (never queued for that attribute).
        batch: images in a batch.
        seed: of the shuffles and the picks.
    """

    def __init__(self, labels: NDArray[np.int8], batch: int, seed: int) -> None:
        known = np.maximum((labels >= 0).sum(0), 1)
        rarer = ((labels == 1).sum(0) * 2 <= known).astype(np.int8)
        is_rare = labels == rarer
        members = [*is_rare.T, ~is_rare.any(1)]
        shuffle = np.random.default_rng([seed, 1])
        self.queues = [shuffle.permutation(np.flatnonzero(rows)) for rows in members if rows.any()]
        if not self.queues:
            raise UsageError("labels: no image has a known label, so there is nothing to balance")
        self.places = torch.zeros(len(self.queues), dtype=torch.int64)
        self.batch, self.seed = batch, seed

    def __call__(self, step: int) -> NDArray[np.int64]:
        """The indices of the next batch; ``step`` seeds the picks."""
        picks = np.random.default_rng([self.seed, 2, step]).integers(len(self.queues), size=self.batch)
        indices = np.empty(self.batch, dtype=np.int64)
        for number in np.unique(picks):
            mine = np.flatnonzero(picks == number)
            queue, place = self.queues[number], int(self.places[number])
            indices[mine] = queue[(place + np.arange(len(mine))) % len(queue)]
            self.places[number] = (place + len(mine)) % len(queue)
        return indices

    def state_dict(self) -> dict[str, Any]:
        """The place in each queue."""
        return {"places": self.places}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Restore the places."""
        self.places = state["places"].clone()


class Oversampled:
    """Both values of one attribute equally often: the rarer class is repeated, and augmentation distorts the copies.

    Args:
        labels: ``(n,)`` int8 of the one attribute, both values present.
        batch: images in a batch.
        seed: of the draws.
    """

    def __init__(self, labels: NDArray[np.int8], batch: int, seed: int) -> None:
        self.classes = [np.flatnonzero(labels == value) for value in (0, 1)]
        if not all(map(len, self.classes)):
            raise UsageError("labels: a binary network needs images with and without its attribute")
        self.batch, self.seed = batch, step_seed(seed, 3)

    def __call__(self, step: int) -> NDArray[np.int64]:
        """The indices of batch ``step``: a fair coin for the class, then an image of it."""
        draw = np.random.default_rng([self.seed, step])
        value = draw.integers(2, size=self.batch)
        share = draw.random(self.batch)
        return np.where(
            value == 1,
            self.classes[1][(share * len(self.classes[1])).astype(np.int64)],
            self.classes[0][(share * len(self.classes[0])).astype(np.int64)],
        )

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the step number tells all."""
        return {}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Nothing to restore."""
