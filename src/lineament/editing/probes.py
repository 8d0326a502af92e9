"""What codes tell: fresh probes learn to read labels and styles from them and are tested on other people.

The adversary that an editor was trained against has learnt to fail, so its own loss says nothing. A probe is a linear
model or a network with two hidden layers; which of the two counts, and how long the network learns, is decided for
each column on people held out from training, so that the test people decide nothing.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression, RidgeCV
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, leaky_relu, mse_loss

from lineament.detectors.evaluation import people
from lineament.editing.intervals import Drawn, means, ratio, scatter, sums
from lineament.errors import UsageError

__all__ = ["Sample", "probe_labels", "probe_styles"]

HELD_OUT = 5
"""One in so many people of the training set decides which probe counts."""

WIDTH, BATCH, RATE, DECAY, EVERY = 128, 256, 2e-3, 1e-2, 50
"""Of the network: hidden units, images a step, learning rate, weight decay, and steps between two tests."""

Array = NDArray[np.float64]


class Sample(NamedTuple):
    """Codes with what may be read from them.

    Attributes:
        codes: ``(n, d)`` as of z, or ``(n, sources, d)`` as of the attributes' codes; each source is probed on its own.
        targets: ``(n, k)``.
        identity: ``(n,)``; -1 is a person of its own.
    """

    codes: Tensor
    targets: Tensor
    identity: ArrayLike


class _Task(NamedTuple):
    """What tells reading labels from reading numbers.

    Attributes:
        weights: of each target ``(n, k)`` in training, likewise.
        linear: codes ``(n, d)``, targets ``(n, k)`` and further codes ``(m, d)`` to predictions ``(m, k)``.
        loss: of predictions of a network.
        score: predictions ``(n, sources, k)`` and targets ``(n, k)`` to how good they are, ``(sources, k)``.
    """

    weights: Callable[[Array], Array]
    linear: Callable[[Array, Array, Array], Array]
    loss: Callable[..., Tensor]
    score: Callable[[Array, Array], Array]


def probe_labels(train: Sample, test: Sample, *, steps: int = 1000, seed: int = 0) -> Drawn:
    """Balanced accuracy with which each label is read from each source, ``(1 + resamples, sources, k)``.

    Args:
        train: targets are labels, 1 present, 0 absent, -1 unknown, which is left out.
        test: likewise, of other people.
        steps: of the network.
        seed: of its weights, of its batches and of who is held out.

    Raises ``UsageError`` for shapes that do not fit, or a label of which only one class is there to learn from.
    """
    read, label = _probed(train, test, LABELS, steps, seed), _arrays(test)[1][:, None]
    hits = [means(np.where(label == c, (read > 0) == c, np.nan), test.identity) for c in (0, 1)]
    return np.asarray((hits[0] + hits[1]) / 2)


def probe_styles(train: Sample, test: Sample, *, steps: int = 1000, seed: int = 0) -> Drawn:
    """R2 with which each style column is read from each source, ``(1 + resamples, sources, k)``; below 0 if misled.

    Arguments as of `probe_labels`, but targets are numbers; hand over only images that have the attribute. A column
    that is constant in the test set has no R2: NaN.
    """
    mean, deviation = train.targets.double().mean(0), train.targets.double().std(0) + 1e-9
    train, test = (each._replace(targets=(each.targets - mean) / deviation) for each in (train, test))
    read, true = _probed(train, test, STYLES, steps, seed), _arrays(test)[1]
    missed = sums((read - true[:, None]) ** 2, test.identity)
    true = true - true.mean(0)
    n, total, squares = sums(np.stack([np.ones_like(true), true, true**2], 1), test.identity).transpose(1, 0, 2)
    return 1 - np.asarray(ratio(missed, np.broadcast_to(scatter(n, total, squares)[:, None], missed.shape)))


def _probed(train: Sample, test: Sample, task: _Task, steps: int, seed: int) -> Array:
    """What the better probe of each source and column reads on the test images, ``(n, sources, k)``."""
    (codes, targets), (others, wanted) = _arrays(train), _arrays(test)
    if codes.shape[1:] != others.shape[1:] or targets.shape[1:] != wanted.shape[1:] or steps < 1:
        raise UsageError(
            "train, test: expected codes and targets of one shape an image and at least one step, got "
            f"{codes.shape[1:]} and {others.shape[1:]}, {targets.shape[1:]} and {wanted.shape[1:]}, {steps} steps"
        )
    mean, deviation = codes.mean(0), codes.std(0) + 1e-6
    person = people(np.asarray(train.identity, dtype=np.int64))
    if person.max() < HELD_OUT - 1:
        raise UsageError(
            f"train: expected at least {HELD_OUT} people, some of whom are held out, got {person.max() + 1}"
        )
    held = np.random.default_rng(seed).permutation(person.max() + 1)[person] % HELD_OUT == 0
    codes, others = (codes - mean) / deviation, (others - mean) / deviation
    fit, asked = (codes[~held], targets[~held]), np.concatenate([codes[held], others])
    linear = np.stack([task.linear(source, fit[1], asked[:, k]) for k, source in enumerate(fit[0].swapaxes(0, 1))], 1)
    best, score = linear, task.score(linear[: held.sum()], targets[held])
    for read in _networks(*fit, asked, task, steps, seed):
        new = task.score(read[: held.sum()], targets[held])
        best, score = np.where(new > score, read, best), np.maximum(new, score)
    return np.asarray(best[held.sum() :])


def _networks(codes: Array, targets: Array, asked: Array, task: _Task, steps: int, seed: int) -> Iterator[Array]:
    """A network for each source, all at once: what they read of ``asked`` from time to time, ``(m, sources, k)``."""
    generator = torch.Generator().manual_seed(seed)
    x, far = (torch.from_numpy(each).float().transpose(0, 1).contiguous() for each in (codes, asked))
    y, weights = (torch.from_numpy(each).float() for each in (targets, task.weights(targets)))
    sizes = pairwise((x.shape[2], WIDTH, WIDTH, y.shape[1]))
    layers = [(torch.randn(len(x), i, o, generator=generator) / i**0.5, torch.zeros(len(x), 1, o)) for i, o in sizes]
    optimizer = torch.optim.AdamW(
        [each.requires_grad_() for layer in layers for each in layer], RATE, weight_decay=DECAY
    )
    for step in range(1, steps + 1):
        batch = torch.randint(len(y), (BATCH,), generator=generator)
        loss = task.loss(_forward(layers, x[:, batch]), y[batch].expand(len(x), -1, -1), weights[batch])
        optimizer.zero_grad()
        (loss * len(x)).backward()  # type: ignore[no-untyped-call]  # a mean over sources would slow each of them
        optimizer.step()
        if step % EVERY == 0 or step == steps:
            with torch.no_grad():
                yield _forward(layers, far).transpose(0, 1).double().numpy()


def _forward(layers: list[tuple[Tensor, Tensor]], hidden: Tensor) -> Tensor:
    for number, (weight, bias) in enumerate(layers):
        hidden = torch.baddbmm(bias, leaky_relu(hidden, 0.2) if number else hidden, weight)
    return hidden


def _balanced(labels: Array) -> Array:
    """Weights that make the two classes of each label count the same, and what is unknown nothing; 1 on average."""
    return np.asarray(sum((labels == c) * ratio(len(labels) / 2, (labels == c).sum(0)) for c in (0, 1)))


def _logistic(codes: Array, labels: Array, asked: Array) -> Array:
    columns = []
    for label in labels.T:
        if not {0, 1} <= {*label} <= {-1, 0, 1}:
            raise UsageError("train: expected labels 1, 0 or -1 (unknown), and both classes of each; leave out others")
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
        columns.append(model.fit(codes[label >= 0], label[label >= 0]).decision_function(asked))
    return np.stack(columns, 1)


def _ridge(codes: Array, styles: Array, asked: Array) -> Array:
    model = RidgeCV(np.logspace(-2, 4, 7), alpha_per_target=True).fit(codes, styles)
    return np.asarray(model.predict(asked)).reshape(len(asked), -1)


def _cross_entropy(read: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(read, labels.clamp(min=0), weights.expand_as(read))


def _accuracy(read: Array, labels: Array) -> Array:
    """Balanced accuracy; a class that is not there counts as missed, for every probe alike."""
    wanted = [labels[:, None] == c for c in (0, 1)]
    hits = [((read > 0) == c) & each for c, each in enumerate(wanted)]
    shares = [hit.sum(0) / np.maximum(each.sum(0), 1) for hit, each in zip(hits, wanted, strict=True)]
    return np.asarray((shares[0] + shares[1]) / 2)


LABELS = _Task(_balanced, _logistic, _cross_entropy, _accuracy)
STYLES = _Task(
    np.ones_like,
    _ridge,
    lambda read, styles, weights: mse_loss(read, styles),
    lambda read, styles: -((read - styles[:, None]) ** 2).mean(0),
)


def _arrays(sample: Sample) -> tuple[Array, Array]:
    """Codes ``(n, sources, d)`` and targets ``(n, k)``, checked."""
    codes, targets = sample.codes.detach().double().cpu(), torch.as_tensor(sample.targets).double().cpu()
    codes = codes[:, None] if codes.ndim == 2 else codes
    if (
        codes.ndim != 3
        or targets.ndim != 2
        or not targets.numel()
        or not len(codes) == len(targets) == len(np.asarray(sample.identity))
    ):
        raise UsageError(
            "codes, targets, identity: expected (n, d) or (n, sources, d), (n, k) and (n,), none empty, got "
            f"{tuple(sample.codes.shape)}, {tuple(targets.shape)} and {np.shape(sample.identity)}"
        )
    if not (codes.isfinite().all() and targets.isfinite().all()):
        raise UsageError("codes, targets: expected finite numbers, got NaN or infinity")
    return codes.numpy(), targets.numpy()
