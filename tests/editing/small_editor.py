"""An editor with random weights: enough for everything but the looks of its edits."""

import torch

from lineament.editing.editor import Editor
from lineament.editing.networks import Encoder, Eraser, Generator


def small_editor(attributes: tuple[str, ...] = ("Eyeglasses", "Wearing_Hat"), size: int = 32, seed: int = 0) -> Editor:
    """An untrained editor whose codes differ between images and whose generator listens to them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawing = {"latent": 2, "code": 3, "width": 8}
        networks = [kind(size, len(attributes), **drawing) for kind in (Encoder, Generator)]
        eraser = Eraser(size, len(attributes), width=8)
        for parameter in (p for network in networks for p in network.parameters()):
            if parameter.ndim > 1:
                torch.nn.init.orthogonal_(parameter, 1.5)
        editor = Editor(networks[0], networks[1], attributes, {"size": size} | drawing, eraser=eraser)
        editor.planes.normal_()
        editor.centroids.normal_()
    return editor
