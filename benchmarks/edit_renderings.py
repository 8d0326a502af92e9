"""The portraits that editing is measured on, and the truth beside them: the same scenes, rendered with the change made.

Every attribute of `STYLED` is on or off by a coin and looks as a second one has it (`tossed`), so that nothing else in
a picture tells. Pictures out of focus are left out of test and references, for no style can be seen in them.
"""

import functools
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.datasets.labelled import floats, stored
from lineament.datasets.portraits import STYLE, Scene, counterfactual, parameters, render
from lineament.datasets.portraits.dataset import gathered
from lineament.datasets.portraits.laws import pick
from lineament.datasets.portraits.tossed import LAWS, toss
from lineament.editing.styles import STYLED, StyleTable, style_matrix

PEOPLE = {
    "oracle": (61_000, 30_000, 2),
    "lesser oracle": (64_000, 6000, 2),
    "editor": (62_000, 2000, 6),
    "validation": (63_000, 100, 2),
    "test": (71_000, 200, 2),
    "references": (72_000, 200, 2),
    "probes": (66_000, 1400, 6),
}
"""Seed, people and images of each for every part."""

QUICK_PEOPLE = {
    "oracle": 200,
    "lesser oracle": 200,
    "editor": 60,
    "validation": 10,
    "test": 25,
    "references": 40,
    "probes": 60,
}


class Part(NamedTuple):
    """Portraits.

    Attributes:
        data: labels, people and styles.
        scenes: what was drawn, of test and references.
        images: ``(n, 3, 64, 64)`` uint8.
        labels: ``(n, attributes)`` int8, of `STYLED`.
    """

    data: AttributeDataset
    scenes: list[Scene]
    images: Tensor
    labels: Tensor

    def styles(self, *attributes: str) -> StyleTable:
        """The true styles of every portrait."""
        return style_matrix(self.data, np.arange(len(self.data)), *attributes)


class Loan(NamedTuple):
    """References with one attribute, one for each test portrait: scenes, images in [0, 1], their true styles."""

    scenes: list[Scene]
    images: Tensor
    styles: StyleTable


@functools.cache
def part(name: str, quick: bool, seed: int) -> Part:
    """One of `PEOPLE`."""
    first, people, each = PEOPLE[name]
    roll = toss(STYLED, QUICK_PEOPLE[name] if quick else people, each, seed=first + seed)
    whole = gathered(roll)
    measured = name in ("test", "references")
    index = np.flatnonzero(whole.column("Blurry") == 0) if measured else np.arange(len(whole))
    data = whole.subset(index)
    labels = torch.from_numpy(np.stack([data.column(attribute) for attribute in STYLED], 1))
    scenes = [roll.scene(int(i)) for i in index] if measured else []
    return Part(data, scenes, stored(data, np.arange(len(data))), labels)


def loan(i: int, count: int, quick: bool, seed: int) -> Loan:
    """References that have attribute ``i``, in an order of its own, again from the start when all have served."""
    lender = part("references", quick, seed)
    owners = np.flatnonzero(lender.labels[:, i] == 1)
    chosen = np.resize(np.random.default_rng([seed, i]).permutation(owners), count)
    styles = style_matrix(lender.data, chosen, STYLED[i])
    return Loan([lender.scenes[k] for k in chosen], floats(lender.images[chosen]), styles)


def truly_switched(scenes: Sequence[Scene], i: int) -> Tensor:
    """The portraits with attribute ``i`` as it is not."""
    name = STYLED[i]
    return _rendered(scenes, [{name: name not in scene.present} for scene in scenes])


def truly_borrowed(scenes: Sequence[Scene], i: int, lenders: Sequence[Scene]) -> Tensor:
    """The portraits with attribute ``i`` as each one's reference has it."""
    name = STYLED[i]
    styles = ({key: parameters(lender)[key] for key in STYLE[name]} for lender in lenders)
    return _rendered(scenes, [{name: True, **style} for style in styles])


def truly_drawn(scenes: Sequence[Scene], i: int, count: int, seed: int) -> Tensor:
    """The portraits with attribute ``i`` in ``count`` random styles, ``(n, count, 3, 64, 64)``."""
    name, random = STYLED[i], Random(f"draws/{seed}/{i}")
    many = [scene for scene in scenes for _ in range(count)]
    styles = [{name: True, **{key: pick(LAWS[key], random) for key in STYLE[name]}} for _ in many]
    return _rendered(many, styles).unflatten(0, (len(scenes), count))


def truly_absent(scenes: Sequence[Scene], i: int) -> Tensor:
    """The portraits without attribute ``i``."""
    return _rendered(scenes, [{STYLED[i]: False}] * len(scenes))


def _rendered(scenes: Sequence[Scene], changes: Sequence[Mapping[str, Any]]) -> Tensor:
    pictures = [render(counterfactual(scene, **change)) for scene, change in zip(scenes, changes, strict=True)]
    return floats(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous())
