"""The editor that comes with the package: small, and its edits are read by a detector that it never saw."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

from lineament.datasets.portraits import portraits
from lineament.detectors.detector import shipped as shipped_detector
from lineament.editing.editor import shipped
from lineament.editing.operations import edit
from lineament.editing.styles import STYLED


def test_it_is_small_and_knows_the_attributes_with_a_style() -> None:
    folder = Path(str(files("lineament.editing"))) / "shipped" / "portraits"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 9e6
    assert shipped().attributes == STYLED and shipped().shape == (3, 64, 64)


def test_the_detector_of_portraits_reads_its_edits() -> None:
    people = portraits(150, 1, sessions=1, seed=77_000)
    images, detector, editor = people.images(np.arange(150)), shipped_detector(), shipped()
    for name in ("Wearing_Hat", "Eyeglasses", "Smiling"):
        k, there = detector.attributes.index(name), torch.from_numpy(people.column(name) == 1)
        for on in (True, False):
            chosen = there != on
            read = detector.probabilities(edit(images[chosen], editor).swap(name, on).images)[:, k]
            assert ((read > float(detector.thresholds[k])) == on).float().mean() > 0.75, (name, on)


def test_a_borrowed_hat_has_the_colour_of_the_reference() -> None:
    people = portraits(60, 1, sessions=1, seed=78_000)
    hats = people.column("Wearing_Hat") == 1
    images, lent = (people.images(np.flatnonzero(which)[:6]) for which in (~hats, hats))
    mean = lambda batch: batch[:, :, 4:12, 24:40].mean((2, 3))  # where a hat is  # noqa: E731
    borrowed = [mean(edit(images, shipped()).borrow("Wearing_Hat", each[None], force=True).images) for each in lent]
    distance = torch.stack([(got - mean(lent)[:, None]).norm(dim=2).mean(1) for got in borrowed])
    own, others = distance.diagonal().mean(), distance[~torch.eye(len(lent), dtype=torch.bool)].mean()
    assert own < 0.8 * others
