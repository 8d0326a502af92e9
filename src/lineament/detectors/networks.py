"""Architectures: the published part networks, Deep and Wide (tables 2.12 and 2.16), and a residual one.

Each maps the crops of one face part to an embedding, and the embedding to logits.
"""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Kind", "PartNetwork", "ResidualNetwork", "multiply_adds", "pooled"]

Kind = Literal["deep", "wide"]

_DEEP = ((7, 32, 1), (5, 32, 3), (3, 32, 4))
_WIDE = ((7, 128, 1), (5, 128, 1), (3, 128, 1))
"""Three stages of (kernel, channels, convolutions), each followed by a pooling."""


def pooled(size: int) -> int:
    """The length of a side after a 3x3 max-pooling of stride 2 without padding: floor((n - 3) / 2) + 1."""
    return (size - 3) // 2 + 1


class PartNetwork(nn.Module):
    """Deep or Wide, the networks of table 2.12, for one part and its attributes.

    Args:
        kind: ``"deep"`` or ``"wide"``.
        height, width: the size of the crops in pixels, at least 23 each.
        attributes: number of attributes; there are two logits for each, without bias.

    The printed parameter counts (table 2.16) contain one vector as wide as the embedding that no text names; here it
    is a learnt scale of each embedding unit, ones at the start.
    """

    def __init__(self, kind: Kind, height: int, width: int, attributes: int) -> None:
        super().__init__()
        self.attributes = attributes
        layers: list[nn.Module] = []
        channels = 3
        for kernel, out, repeats in _DEEP if kind == "deep" else _WIDE:
            for _ in range(repeats):
                layers += [nn.Conv2d(channels, out, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
                channels = out
            layers.insert(-1, nn.MaxPool2d(3, stride=2))  # before its ReLU: the same values, a quarter of the work
            height, width = pooled(height), pooled(width)
        hidden, self.width = (64, 32) if kind == "deep" else (128, 128)
        self.features = nn.Sequential(*layers)
        self.embed = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * height * width, hidden),
            nn.ReLU(),
            nn.Linear(hidden, self.width),
            nn.ReLU(),
        )
        self.scale = nn.Parameter(torch.ones(self.width))
        self.logits = nn.Linear(self.width, 2 * attributes, bias=False)
        for layer in self.modules():  # He et al. 2015: eight convolutions deep, the default would fade out
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(self.logits.weight, std=0.01)

    def forward(
        self, crops: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch {self.width}"], Float[Tensor, "batch attributes"]]:
        """Crops ``(batch, 3, height, width)`` to embeddings ``(batch, width)`` and log-odds ``(batch, attributes)``.

        The log-odds are the difference of an attribute's two logits: their softmax is the log-odds' sigmoid.
        """
        embedding = self.embed(self.features(crops * 2 - 1)) * self.scale
        absent, present = self.logits(embedding).unflatten(1, (self.attributes, 2)).unbind(2)
        return embedding, present - absent


class _Block(nn.Module):
    """Two 3x3 convolutions with a skip (He et al. 2016); the skip pools before it projects: no pixel is lost."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(outputs)
        nn.init.zeros_(last.weight)  # every block starts as the identity
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            last,
        )
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.skip = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.skip(x) + self.body(x))


class ResidualNetwork(nn.Module):
    """A small residual network, the backbone of the `lineament` preset.

    Args:
        channels: of the first stage; stages two to four have 2, 4 and 8 times as many, the embedding too.
        attributes: number of attributes, one log-odds each.
        dropout: share of embedding units dropped in training.
    """

    def __init__(self, channels: int, attributes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = 8 * channels
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        stages = [(1, 1, 1), (1, 2, 2), (2, 2, 1), (2, 4, 2), (4, 4, 1), (4, 8, 2), (8, 8, 1)]
        self.body = nn.Sequential(*(_Block(i * channels, o * channels, stride) for i, o, stride in stages))
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(self.width, attributes)

    def forward(
        self, crops: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch {self.width}"], Float[Tensor, "batch attributes"]]:
        """Crops ``(batch, 3, height, width)`` to embeddings ``(batch, width)`` and log-odds ``(batch, attributes)``."""
        features = self.body(self.stem(crops * 4 - 2))
        embedding = self.dropout(features.float().mean((2, 3)))
        return embedding, self.logits(embedding)


def multiply_adds(network: nn.Module, height: int, width: int) -> int:
    """Multiply-adds of convolutions and linear layers for one crop of ``height`` x ``width`` pixels."""
    count = 0

    def add(layer: nn.Module, _: object, output: Any) -> None:
        nonlocal count
        if isinstance(layer, nn.Conv2d):
            count += output[0, 0].numel() * layer.weight.numel()
        elif isinstance(layer, nn.Linear):
            count += layer.weight.numel()

    hooks = [layer.register_forward_hook(add) for layer in network.modules()]
    was_training = network.training
    with torch.inference_mode():
        network.eval()(next(network.parameters()).new_zeros(1, 3, height, width))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return count
