"""Small networks with random weights, for tests of what looks into them."""

import torch
from torch import Tensor, nn

from lineament.classifier import from_module
from lineament.explanation.decisions import Decisions


class Convolutional(nn.Module):
    """Convolutions, pooling and linear layers, two classes; written so that Captum's LRP can follow it."""

    def __init__(self, channels: int = 1, outputs: int = 2) -> None:
        super().__init__()
        self.first, self.bend = nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.second, self.bend_again = nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.ReLU()
        self.hidden, self.last_bend = nn.LazyLinear(7), nn.ReLU()
        self.logits = nn.Linear(7, outputs)

    def forward(self, images: Tensor) -> Tensor:
        features = self.bend_again(self.second(self.pool(self.bend(self.first(images)))))
        logits: Tensor = self.logits(self.last_bend(self.hidden(features.flatten(1))))
        return logits


class Residual(nn.Module):
    """Two blocks whose inputs go around them, the second in place, and averages between."""

    def __init__(self, channels: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1, bias=bias), nn.LeakyReLU(0.2))
        self.body = nn.Sequential(
            nn.Conv2d(6, 6, 3, padding=1, bias=bias), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 3, padding=1, bias=bias)
        )
        self.end = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(24, 8))
        self.around, self.logits = nn.Linear(8, 8, bias=bias), nn.Linear(8, 2, bias=bias)
        if not bias:
            self.end[-1].bias = None

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        hidden = self.end(features + self.body(features))
        hidden += self.around(hidden).relu()
        logits: Tensor = self.logits(hidden)
        return logits


def initialised(network: nn.Module, images: Tensor, seed: int = 0) -> nn.Module:
    """The network with weights large enough that every unit matters, in training mode as a careless caller has it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        network(images)  # lazy layers learn their size
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return network.train()


def between_two(network: nn.Module) -> Decisions:
    """The decisions of a network with two logits."""
    return Decisions(from_module(network), ("a", "b"))


def some_images(n: int = 5, channels: int = 1, side: int = 8, seed: int = 1) -> Tensor:
    """Random images."""
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(seed))
