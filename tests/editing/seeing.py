"""An untrained editor that sees each attribute in half of some images, and these images."""

import torch

from lineament.editing.editor import Editor
from tests.editing.small_editor import small_editor


def some_images(n: int = 24, size: int = 32) -> torch.Tensor:
    """Noise on grounds of different colour: ``(n, 3, size, size)`` in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(n, 3, 1, 1, generator=generator) + torch.rand(n, 3, size, size, generator=generator)) / 2


def seeing_editor(images: torch.Tensor, names: tuple[str, ...]) -> Editor:
    """Its planes part the images in halves; its centroids lie on their own sides, as a trained editor's do."""
    made = small_editor(names, size=images.shape[2])
    normals, biases = made.planes[:, :-1], made.planes[:, -1:]
    made.gated = False  # so that a code is the image's own on both sides
    biases -= made.present(made.encode(images)).median(0).values[:, None]
    made.gated = True
    for c, odds in enumerate((-4.0, 4.0)):
        made.centroids[:, c] = normals * (odds - biases) / (normals**2).sum(1, keepdim=True)
    made.usuals.copy_(made.centroids)
    made.usuals[:, 1] += 0.1 * normals  # near the mean, but not the mean
    return made
