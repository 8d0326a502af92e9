"""The judge of edits: a network of its own that reads labels, and on rendered portraits styles, off an image.

It shares nothing with the editors it judges: neither weights nor the people it learnt from.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float32, Int8, UInt8
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.editing.styles import Column, StyleTable
from lineament.errors import JobError, UsageError
from lineament.images import check_images
from lineament.training.run import fast_bfloat16

__all__ = ["Oracle", "Reading", "load", "train_oracle"]

BATCH, RATE = 64, 2e-3
FEATURES = 256


class Reading(NamedTuple):
    """What an oracle reads off images.

    Attributes:
        log_odds: ``(n, attributes)`` that each attribute is there.
        styles: ``(n, columns)`` the style columns, each as if its attribute were there.
        features: ``(n, 256)`` what both are read from: the space of KID and FID, and of likeness.
    """

    log_odds: Float32[Tensor, "n attributes"]
    styles: Float32[Tensor, "n columns"]
    features: Float32[Tensor, "n 256"]


class Oracle(nn.Module):
    """A convolutional network with a linear head for labels and styles; frozen, in evaluation mode.

    Args:
        attributes: names of the labels it reads.
        columns: the style columns it reads; () for none.
        shape: channels, height and width of its images; sides of 8 or more.
        width: channels of its first layer.
        card: provenance: data, licence, metrics, seed.
    """

    means: Tensor
    deviations: Tensor

    def __init__(
        self,
        attributes: Sequence[str],
        columns: Sequence[Column],
        shape: tuple[int, int, int],
        *,
        width: int = 32,
        card: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.attributes, self.columns, self.shape, self.width = tuple(attributes), tuple(columns), shape, width
        self.card = card or {}
        height, side = (-(-length // 8) for length in shape[1:])
        layers = [*_layer(shape[0], width, 2), *_layer(width, width, 1)]
        layers += [*_layer(width, 2 * width, 2), *_layer(2 * width, 2 * width, 1)]
        layers += [*_layer(2 * width, 3 * width, 2), *_layer(3 * width, 3 * width, 1)]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(3 * width * height * side, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, len(self.attributes) + len(self.columns))
        self.register_buffer("means", torch.zeros(len(self.columns)))
        self.register_buffer("deviations", torch.ones(len(self.columns)))
        # the faster layout on a CPU
        self.to(memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]

    def forward(self, images: Float32[Tensor, "n channels height width"]) -> Float32[Tensor, "n attributes"]:
        """Log-odds of the attributes; `read` gives the rest, too."""
        return self.read(images).log_odds

    @torch.no_grad()
    def read(self, images: Float32[Tensor, "n channels height width"]) -> Reading:
        """All that can be read off images of `shape`; ``UsageError`` for any other."""
        check_images(images)
        if tuple(images.shape[1:]) != self.shape:
            raise UsageError(f"images: this oracle reads {self.shape}, got {tuple(images.shape[1:])}")
        features = torch.cat([self.body(part) for part in torch.split(images, 256)])
        read, labels = self.head(features), len(self.attributes)
        return Reading(read[:, :labels], read[:, labels:] * self.deviations + self.means, features)

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write the oracle as an artifact; further card entries (data, licence, metrics) by name."""
        config = {"columns": [list(column) for column in self.columns], "shape": list(self.shape), "width": self.width}
        return artifacts.save(
            folder, kind="oracle", tensors=self.state_dict(), config=config, attributes=list(self.attributes), **card
        )


def _layer(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def load(folder: str | Path) -> Oracle:
    """The oracle in an artifact; ``JobError`` says what is missing, torn or of another kind."""
    artifact = artifacts.load(folder, kind="oracle")
    card = artifact.card
    try:
        columns = [Column(*entry) for entry in card["config"]["columns"]]
        channels, height, width = card["config"]["shape"]
        oracle = Oracle(
            card["attributes"], columns, (channels, height, width), width=card["config"]["width"], card=card
        )
        oracle.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe an oracle ({error})") from None
    return oracle


def train_oracle(
    images: UInt8[Tensor, "n channels height width"],
    labels: Int8[Tensor, "rows attributes"],
    attributes: Sequence[str],
    styles: StyleTable | None = None,
    *,
    seed: int = 0,
    epochs: int = 12,
    width: int = 32,
) -> Oracle:
    """Train an oracle from scratch: AdamW, a rate that rises and falls. 12,000 images of 64 px take three minutes.

    Args:
        images: what it learns from; they stay bytes until a batch needs them.
        labels: 1 present, 0 absent, -1 unknown, which teaches nothing.
        attributes: names of the columns of ``labels``.
        styles: what else to read; NaN teaches nothing.
        seed: of weights and batches; the caller's generator is left as it was.
        epochs: how often each image is seen.
        width: channels of the first layer.

    Raises:
        UsageError: no images, or labels or styles of another number.
    """
    table = styles or StyleTable(torch.zeros(len(images), 0), ())
    if not len(images) == len(labels) == len(table.values) or len(images) < 2 or labels.shape[1] != len(attributes):
        raise UsageError(
            f"expected two or more images, a row of labels and styles for each and a column for each attribute, got "
            f"{len(images)} images, labels {tuple(labels.shape)}, styles {tuple(table.values.shape)}, "
            f"{len(attributes)} attributes"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels, height, side = images.shape[1:]
        oracle = Oracle(attributes, table.columns, (channels, height, side), width=width)
        _standardise(oracle, table.values)
        targets = (table.values - oracle.means) / oracle.deviations
        _train(oracle.train().requires_grad_(True), images, labels, targets, epochs)
    return oracle.eval().requires_grad_(False)


def _standardise(oracle: Oracle, values: Tensor) -> None:
    known = values.isfinite()
    count = known.sum(0).clamp(min=1)
    oracle.means.copy_(values.nan_to_num().sum(0) / count)
    variance = (values - oracle.means).square().nan_to_num().sum(0) / count
    oracle.deviations.copy_(variance.sqrt().clamp(min=1e-3))


def _train(oracle: Oracle, images: Tensor, labels: Tensor, targets: Tensor, epochs: int) -> None:
    optimizer = torch.optim.AdamW(oracle.parameters(), lr=RATE, weight_decay=1e-2)
    total = epochs * (len(images) // min(BATCH, len(images)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=total)
    half = fast_bfloat16(torch.device("cpu"))
    for index in _batches(len(images), epochs):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            hidden = oracle.body(floats(images[index]).contiguous(memory_format=torch.channels_last))
        loss = _loss(oracle.head(hidden.float()), labels[index], targets[index])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def _batches(n: int, epochs: int) -> Iterator[Tensor]:
    """Whole batches only: batch normalisation needs more than one image."""
    size = min(BATCH, n)
    for _ in range(epochs):
        yield from torch.split(torch.randperm(n)[: n - n % size], size)


def _loss(read: Float[Tensor, "n both"], labels: Int8[Tensor, "n attributes"], targets: Tensor) -> Tensor:
    """Cross entropy of the labels and squared error of the styles, where they are known, each the mean of a column."""
    log_odds, styles = read[:, : labels.shape[1]], read[:, labels.shape[1] :]
    known = labels >= 0
    entropy = binary_cross_entropy_with_logits(log_odds, labels.clamp(min=0).float(), known.float(), reduction="sum")
    seen = targets.isfinite()
    squares = mse_loss(styles[seen], targets[seen], reduction="sum")
    return entropy / known.sum().clamp(min=1) + squares / seen.sum().clamp(min=1)
