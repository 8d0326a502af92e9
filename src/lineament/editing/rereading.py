"""What codes say, and what an image that was made shows when it is encoded again."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lineament.editing import objective
from lineament.editing.eraser import Eraser
from lineament.editing.networks import CodeReader, Encoder

__all__ = ["read_codes", "recoded", "shown_style"]


def read_codes(C_attr: CodeReader, a: Tensor) -> Tensor:
    """What C_attr, told which attribute's code it reads, finds in each: ``(batch, attributes, attributes)``."""
    which = torch.eye(a.shape[1], device=a.device).expand(len(a), -1, -1)
    read: Tensor = C_attr(torch.cat([a, which], 2).flatten(0, 1)).view(len(a), a.shape[1], -1)
    return read


def recoded(E: Encoder, R: Eraser | None, C_attr: CodeReader, drawn: Tensor, y: Tensor) -> Tensor:
    """Equation 3.4 in G's step: the drawn image's codes tell what the real one's do; E stays as it is."""
    with _held(E):
        codes = E.styles(drawn, None if R is None else R.masks(R.layers(drawn)))
    return objective.others_undecided(read_codes(C_attr, codes), y)


def shown_style(E: Encoder, R: Eraser | None, edited: Tensor, chosen: Tensor) -> Tensor:
    """How the chosen attribute of each edited image looks, ``(batch, at most q)``; E stays as it is."""
    with _held(E):
        if E.looks is None or R is None:
            return E.styles(edited)[chosen]
        with torch.no_grad():
            masks = R.masks(R.layers(edited))
        looks: Tensor = E.looks(edited, masks, chosen)
        return looks[chosen]


@contextmanager
def _held(network: nn.Module) -> Iterator[None]:
    """What is computed meanwhile leaves the network's weights alone."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    network.requires_grad_(False)
    yield
    for weight in learning:
        weight.requires_grad_(True)
