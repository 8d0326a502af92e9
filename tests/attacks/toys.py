"""Classifiers whose answers can be worked out by hand."""

import torch
from torch import Tensor, nn

from lineament.classifier import AdaptedClassifier, from_module


def linear(weight: list[float], bias: float = 0.0) -> AdaptedClassifier:
    """Class 1 where ``weight @ values + bias`` is above 0: logits 0 and that."""
    layer = nn.Linear(len(weight), 2)
    layer.weight.data = torch.tensor([[0.0] * len(weight), weight])
    layer.bias.data = torch.tensor([0.0, bias])
    return from_module(nn.Sequential(nn.Flatten(), layer))


def row(*values: float) -> Tensor:
    """One grey image of one row."""
    return torch.tensor(values).view(1, 1, 1, -1)


def network(seed: int, pixels: int = 20, classes: int = 3) -> AdaptedClassifier:
    """A small random network with a bend."""
    generator = torch.Generator().manual_seed(seed)
    made = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 16), nn.Tanh(), nn.Linear(16, classes))
    for weight in made.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) * (1 if weight.ndim > 1 else 0.1)
    return from_module(made)


def pictures(count: int, seed: int = 0) -> Tensor:
    """Random grey images of 4 x 5."""
    return torch.rand(count, 1, 4, 5, generator=torch.Generator().manual_seed(seed))
