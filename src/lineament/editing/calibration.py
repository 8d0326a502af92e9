"""What validation people decide once an editor is trained: when an attribute is there, and which is the usual one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lineament.datasets.labelled import floats
from lineament.detectors.evaluation import thresholds
from lineament.editing.editor import Codes, Editor
from lineament.editing.sampling import Pools

__all__ = ["balance", "choose_usual"]

CANDIDATES = 64
"""Codes of training images of which the usual one is chosen."""

JUDGED = 32
"""Validation images, at most, on which each is tried."""

SLACK = 0.1
"""How much less often than the best the usual one may be read: the further from the mean, the more else it changes."""

AT_ONCE = 64


@torch.no_grad()
def balance(editor: Editor, images: Tensor, labels: Tensor) -> None:
    """Move each H_i to where its two errors are alike: what is rare is else overlooked, and so never taken off.

    Args:
        editor: changed in place.
        images, labels: bytes and labels of validation people, as `train_editor` takes them.
    """
    odds = [editor.present_in(part).cpu() for part in _parts(editor, images)]
    found = thresholds(torch.cat(odds).double().sigmoid().numpy(), labels.numpy(), "balanced_accuracy")
    editor.planes[:, -1] -= torch.from_numpy(found).logit(eps=1e-6).to(editor.planes)


@torch.no_grad()
def choose_usual(
    editor: Editor, C: Callable[[Tensor], Tensor], known: Pools, validation: tuple[Tensor, Tensor]
) -> None:
    """Choose the code that Swap puts on: that of a training image, the nearest to the mean that C mostly reads.

    The mean of codes is the code of nothing: of studs and hoops there is none, that of all make-up is too faint to be
    seen, and that of all hats is a ghost of one.

    Args:
        editor: changed in place.
        C: the log-odds ``(n, attributes)`` that an image has each attribute.
        known: training images, whose codes are the candidates.
        validation: images and labels of other people; an attribute that all of them have keeps its mean.
    """
    images, labels = validation
    for i, rows in enumerate(known.present):
        without = (labels[:, i] == 0).nonzero()[:JUDGED, 0]
        if not len(without):
            continue
        several = rows[torch.linspace(0, len(rows) - 1, min(CANDIDATES, len(rows))).long()]
        codes = torch.cat([editor.styles(part)[:, i] for part in _parts(editor, known.images[several])])
        nearest = codes[(codes - editor.centroids[i, 1]).norm(dim=1).argsort()]
        begun = [(part, editor.encode(part)) for part in _parts(editor, images[without])]
        read = torch.stack([_read(editor, C, begun, i, code) for code in nearest])
        editor.usuals[i, 1] = nearest[(read >= read.max() - SLACK).int().argmax()]  # the first that is


def _read(
    editor: Editor, C: Callable[[Tensor], Tensor], begun: Sequence[tuple[Tensor, Codes]], i: int, code: Tensor
) -> Tensor:
    """The share of images in which C reads attribute ``i`` when they were given this code of it."""
    hits = []
    for images, before in begun:
        a = before.a.clone()
        a[:, i] = code
        hits.append(C(editor.edit(images, before, before._replace(a=a)))[:, i] > 0)
    return torch.cat(hits).double().mean()


def _parts(editor: Editor, images: Tensor) -> list[Tensor]:
    return [floats(part).to(editor.planes.device) for part in torch.split(images, AT_ONCE)]
