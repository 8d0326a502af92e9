"""Classifiers A to F of table 5.5, for images of any size that their convolutions fit into."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lineament.classifier import AdaptedClassifier
from lineament.errors import UsageError, nearest

__all__ = ["ARCHITECTURES", "Architecture", "build", "features"]

Architecture = Literal["A", "B", "C", "D", "E", "F"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

# Convolutions: (channels, kernel, stride, padding); the first one keeps the size at stride 1 ("same"), or halves it.
_CONVOLUTIONS: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "A": ((64, 5, 1, 2), (64, 5, 2, 0)),
    "B": ((64, 8, 2, 3), (128, 6, 2, 0), (128, 5, 1, 0)),
    "C": ((128, 3, 1, 1), (64, 5, 2, 0)),
}
_DROPOUT = {"A": (0.0, 0.25, 0.5), "B": (0.2, 0.0, 0.5), "C": (0.0, 0.25, 0.5), "D": (0.0, 0.5, 0.5)}
_WITHOUT_DROPOUT = {"E": "D", "F": "B"}


def build(name: str, shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """An untrained classifier of table 5.5; its last layer gives the logits.

    Args:
        name: A to F; E is D and F is B without dropout.
        shape: channels, height and width of one image.
        classes: how many logits.

    Raises ``UsageError`` for an unknown name, or images that a convolution does not fit into.
    """
    if name not in ARCHITECTURES:
        raise UsageError(nearest(name, ARCHITECTURES, "architecture"))
    kind = _WITHOUT_DROPOUT.get(name, name)
    at_input, before, last = _DROPOUT[kind] if name == kind else (0.0, 0.0, 0.0)
    channels, height, width = shape
    layers: list[nn.Module] = [nn.Dropout(at_input)] if at_input else []
    for outputs, kernel, stride, padding in _CONVOLUTIONS.get(kind, ()):
        layers += [nn.Conv2d(channels, outputs, kernel, stride, padding), nn.ReLU()]
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        channels = outputs
    if min(height, width) < 1:
        raise UsageError(f"shape: images of {shape[1]} x {shape[2]} are too small for architecture {name}")
    if kind == "B":
        layers += [nn.Dropout(last)] if last else []
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, classes))
    layers += [nn.Dropout(before)] if before and kind != "D" else []
    layers.append(nn.Flatten())
    inputs = channels * height * width
    for units, share in ((200, before), (200, last)) if kind == "D" else ((128, last),):
        layers += [nn.Linear(inputs, units), nn.ReLU(), *([nn.Dropout(share)] if share else [])]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


@torch.no_grad()
def features(
    classifier: AdaptedClassifier, images: Float[Tensor, "n channels height width"]
) -> Float[Tensor, "n features"]:
    """The inputs of the last layer of a classifier of this file: where KID and FID of generated images are measured."""
    if not isinstance(classifier.module, nn.Sequential):
        raise UsageError(f"{classifier.name}: expected a classifier of architecture A to F")
    body = classifier.module[:-1]
    return torch.cat([body(part) for part in torch.split(images, classifier.batch_size)])
