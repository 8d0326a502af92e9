import pytest
import torch

from benchmarks import explain_portraits, planted_cue
from benchmarks.explain_regions import at_best, figures
from lineament.classifier import AdaptedClassifier
from lineament.datasets.labelled import Labelled
from lineament.detectors.detector import shipped
from lineament.explanation.attribution import METHODS
from lineament.explanation.classifiers import two_classes
from lineament.explanation.decisions import Decisions


def squares(n, size=16):
    """A region of 4 x 4 pixels at another place each time."""
    regions = torch.zeros(n, size, size, dtype=torch.bool)
    for i in range(n):
        regions[i, i % 8 : i % 8 + 4, 3:7] = True
    return regions


@pytest.mark.parametrize(("view", "turn"), [("for", 1), ("against", -1)])
def test_attribution_is_read_and_cut_as_is_best_on_other_images(view, turn):
    known, regions = squares(8), squares(5)
    noise = lambda n: 0.3 * torch.rand(n, 16, 16, generator=torch.Generator().manual_seed(n))  # noqa: E731
    held = at_best(turn * (0.5 * known + noise(8)), known, turn * (0.5 * regions + noise(5)), regions)
    assert held.view in (view, "either") and held.iou.min() > 0.9 and held.pointing.eq(1).all()
    found = figures(held)
    assert found["n"] == 5 and found["iou_low"] <= found["iou"] <= found["iou_high"]


def test_what_is_chosen_comes_from_the_known_images_alone():
    regions = squares(6)
    held = at_best(-regions.float(), regions, regions.float(), regions)
    assert held.view == "either" or held.iou.mean() < 0.2


def test_pairs_of_portraits_cross_the_boundary_and_both_directions_are_full():
    decisions = two_classes(shipped(), "Eyeglasses")
    groups, believed = explain_portraits.believed(decisions, "Eyeglasses", 7, 3)
    assert [group.source.tolist() for group in groups] == [[0] * 3, [1] * 3]
    assert all(0.03 < group.regions.float().mean() < 0.1 for group in groups) and min(believed) > 0.8


def test_portraits_are_ahead_only_where_both_figures_beat_every_method():
    def rows(name, ours, theirs):
        made = []
        for method in ("explainer", "fixed region", *METHODS):
            iou, hits = ours if method == "explainer" else theirs
            made.append({"attribute": name, "method": method, "iou": iou, "pointing": hits, "validity": 1.0})
        return made

    found = explain_portraits.summary(rows("a", (0.7, 1.0), (0.5, 0.9)) + rows("b", (0.5, 1.0), (0.6, 0.9)))
    assert found["mean_mask_iou"] == pytest.approx(0.6) and found["min_mask_iou"] == 0.5
    assert found["attributes_ahead_of_every_attribution"] == 1 and found["best_attribution_iou"] == pytest.approx(0.55)


def test_cue_is_the_truth_where_the_decision_hinges_on_it():
    zone = planted_cue.CUE.zone
    corner = lambda images: images[:, :, zone, zone].sum((1, 2, 3))[:, None] - 0.5  # noqa: E731
    decisions = Decisions(AdaptedClassifier("corner", True, 64, corner), ("3", "8"), 0)
    images = torch.zeros(12, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 14:20, 14] = 255
    images[:4, :, 3, 3] = 255  # four that the classifier takes for an 8 without the cue
    (without, carrying), hinge = planted_cue.groups(Labelled(images, torch.zeros(12).long()), decisions, "planted", 0)
    assert hinge == pytest.approx(8 / 12) and len(without.source) == len(carrying.source) == 8
    assert without.source.eq(0).all() and carrying.source.eq(1).all()
    assert (without.regions.sum((1, 2)) == 6 * 6).all() and (carrying.regions.sum((1, 2)) == 3 * 3).all()
    lit = carrying.images[:, 0] != without.images[:, 0]
    assert (lit <= carrying.regions).all() and not (carrying.strokes & lit).any()
    assert (
        planted_cue.share(lit.float(), carrying.regions) == 1 and planted_cue.share(lit.float(), carrying.strokes) == 0
    )


def test_half_of_the_images_to_be_explained_carry_the_cue_whatever_they_show():
    images = torch.zeros(400, 1, 28, 28, dtype=torch.uint8)
    cued = planted_cue.tossed(images, 0).flatten(1).any(1)
    assert 160 < cued.sum() < 240 and torch.equal(planted_cue.tossed(images, 0), planted_cue.tossed(images, 0))
