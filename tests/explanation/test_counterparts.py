import numpy as np
import pytest
import torch

from lineament.datasets.portraits import counterfactual, masks, sample_scene
from lineament.errors import UsageError
from lineament.explanation.counterparts import counterparts, switches_alone

SCENES = [sample_scene(1, person, 0, 0) for person in range(40)]


def test_region_is_what_changes_whichever_way_it_is_switched():
    found = counterparts(SCENES, "Eyeglasses")
    assert found.images.shape == found.switched.shape == (40, 3, 64, 64) and found.images.dtype == torch.uint8
    assert 0 < found.present.sum() < 40
    unchanged = ~found.regions[:, None].expand_as(found.images)
    change = (found.images.int() - found.switched.int()).abs()
    assert change[unchanged].max() <= 5 and found.regions.any((1, 2)).all()
    back = counterparts([counterfactual(s, Eyeglasses="Eyeglasses" not in s.present) for s in SCENES], "Eyeglasses")
    assert torch.equal(back.images, found.switched) and torch.equal(back.regions, found.regions)
    assert torch.equal(back.present, ~found.present)


def test_region_of_a_removal_is_the_mask_of_the_data_set_but_for_rounding():
    found = counterparts(SCENES, "Wearing_Hat")
    for i in found.present.nonzero()[:, 0].tolist():
        own = masks(SCENES[i])["Wearing_Hat"]
        assert (own != np.asarray(found.regions[i])).mean() < 0.005


def test_a_bald_head_cannot_get_bangs_alone():
    bald = next(scene for scene in SCENES if "Bald" in scene.present)
    assert not switches_alone(bald, "Bangs") and switches_alone(bald, "Eyeglasses")
    shaven = next(scene for scene in SCENES if "No_Beard" in scene.present)
    assert switches_alone(shaven, "Mustache"), "that there is a beard now is no change of its own"


def test_nothing_to_render_and_unknown_attributes_are_refused():
    with pytest.raises(UsageError, match="at least one"):
        counterparts([], "Bangs")
    with pytest.raises(UsageError, match="did you mean 'Bangs'"):
        counterparts(SCENES[:1], "Bang")
