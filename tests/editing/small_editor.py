"""An editor with random weights: enough for everything but the looks of its edits."""

import torch

from lineament.editing.editor import Editor, untrained


def small_editor(attributes: tuple[str, ...] = ("Eyeglasses", "Wearing_Hat"), size: int = 32, seed: int = 0) -> Editor:
    """An untrained editor whose codes differ between images and whose generator listens to them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = {"size": size, "latent": 2, "code": 3, "width": 8, "masked": True}
        editor = untrained(attributes, settings, erases=True, gated=True, detail=True)
        for parameter in (*editor.encoder.parameters(), *editor.generator.parameters()):
            if parameter.ndim > 1:
                torch.nn.init.orthogonal_(parameter, 1.5)
        editor.planes.normal_()
        editor.centroids.normal_()
        editor.usuals.copy_(editor.centroids)
    return editor
