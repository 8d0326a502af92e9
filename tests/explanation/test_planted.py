import pytest
import torch

from lineament.errors import UsageError
from lineament.explanation.planted import Cue, plant


def test_every_image_carries_the_cue_in_its_zone_and_nowhere_else_changes():
    images = torch.randint(0, 200, (300, 1, 28, 28), dtype=torch.uint8)
    before = images.clone()
    found, cue = plant(images, seed=3), Cue()
    assert torch.equal(images, before)
    assert (found.places.sum((1, 2)) == cue.side**2).all()
    inside = torch.zeros(28, 28, dtype=torch.bool)
    inside[cue.zone, cue.zone] = True
    assert not found.places[:, ~inside].any()
    assert found.places.any(0)[inside].all(), "every pixel of the zone is some image's cue"
    marked = found.places[:, None]
    assert (found.images[marked] == 255).all() and torch.equal(found.images[~marked], images[~marked])


def test_places_are_drawn_evenly_and_by_the_seed():
    images = torch.zeros(4000, 3, 12, 10, dtype=torch.uint8)
    found = plant(images, seed=1)
    assert torch.equal(found.images, plant(images, seed=1).images)
    assert not torch.equal(found.images, plant(images, seed=2).images)
    first = found.places.flatten(1).int().argmax(1)
    counts = torch.bincount(first, minlength=120)
    assert (counts > 0).sum() == 16 and counts[counts > 0].min() > 150  # 250 are expected of each place


def test_a_zone_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="zone ends at pixel 8, and the images have 28 x 6"):
        plant(torch.zeros(1, 1, 28, 6, dtype=torch.uint8))
    assert plant(torch.zeros(0, 1, 28, 28, dtype=torch.uint8)).images.shape == (0, 1, 28, 28)
