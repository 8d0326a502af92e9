"""Images as an explainer takes them: channels, size, number."""

import numpy as np
import pytest
import torch

from lineament.errors import UsageError
from lineament.explanation import material
from lineament.explanation.material import at_most, check_parts, fitted, in_channels
from tests.explanation.test_classifiers import rows


def test_colour_becomes_the_mean_of_its_channels_in_the_type_it_had():
    colour = torch.tensor([10, 20, 31], dtype=torch.uint8)[None, :, None, None].expand(2, -1, 4, 4)
    assert in_channels(colour, 1).dtype == torch.uint8 and (in_channels(colour, 1) == 20).all()
    assert torch.allclose(in_channels(colour / 255, 1), torch.tensor(61 / 3 / 255))
    assert in_channels(colour[:, :1], 3).shape == (2, 3, 4, 4) and in_channels(colour, 3) is colour


def test_sides_are_in_proportion_and_can_be_halved():
    assert fitted((218, 178), None, 8) == (64, 56) and fitted((28, 28), None, 4) == (28, 28)
    assert fitted((30, 30), None, 4) == (32, 32) and fitted((100, 50), 128, 8) == (128, 64)
    for size in (-1, 3, 513):
        with pytest.raises(UsageError, match="8 to 512"):
            fitted((28, 28), size, 4)


def test_a_large_set_is_cut_down_and_a_small_one_is_dealt_as_ever(monkeypatch):
    dataset = rows()
    assert at_most(dataset, ("Left", "Right"), 0) is dataset
    monkeypatch.setattr(material, "MOST", (50, 20))
    few = at_most(dataset, ("Left", "Right"), 0)
    assert (few.split != 2).sum() == 50 and (few.split == 2).sum() == 20 and (few.labels.sum(1) == 1).all()


def test_a_set_without_a_part_is_refused():
    dataset = rows()
    with pytest.raises(UsageError, match="no development images"):
        check_parts(dataset.subset(np.flatnonzero(dataset.split != 1)))
