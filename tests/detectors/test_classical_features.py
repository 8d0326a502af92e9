"""The 216 models and their features, which are those of `lbp.histograms` and `hog.histograms` whatever is shared."""

import numpy as np
import pytest
import torch

from lineament.detectors import hog, lbp
from lineament.detectors.classical_features import CANVAS, FAMILIES, MODELS, TOO_SMALL, Model, pixels, stacked, vectors
from lineament.faces.parts import CLASSICAL_PARTS

EYES = torch.tensor([[[0.35, 0.4], [0.65, 0.42]], [[0.3, 0.41], [0.7, 0.4]]])
IMAGES = torch.rand(2, 3, 90, 80, generator=torch.manual_seed(0))


def test_there_are_216_models_and_those_without_a_block_are_left_out() -> None:
    assert len(MODELS) + len(TOO_SMALL) == 9 * 4 * 6 == 216
    assert Model("Eyes", "LBP", 24) in TOO_SMALL and Model("Eyes", "LBP", 16) in MODELS
    assert Model("Hair", "HOG", 32) in MODELS


def test_every_model_has_one_family() -> None:
    assert sorted(model for own in FAMILIES for model in own.models) == sorted(MODELS)
    assert len(FAMILIES) == 36


def test_the_canvas_holds_every_part() -> None:
    for window in CLASSICAL_PARTS.values():
        assert abs(window.x - CANVAS.x) + window.width / 2 <= CANVAS.width / 2
        assert abs(window.y - CANVAS.y) + window.height / 2 <= CANVAS.height / 2


@pytest.mark.parametrize("part", ["Mouth", "FullFace"])
def test_shared_features_are_those_computed_alone(part: str) -> None:
    shown = pixels(IMAGES, EYES)
    for own in (family for family in FAMILIES if family.part == part):
        for model, found in vectors(shown, own.models).items():
            kind, of = (lbp if own.kind == "LBP" else hog), (lbp.COLOUR if "Color" in model.feature else lbp.GREY)
            alone = kind.histograms(IMAGES, EYES, CLASSICAL_PARTS[part], model.cell, of=of)
            assert found.shape == alone.shape and found.dtype == np.float32
            assert np.abs(found - alone).mean() < 2e-4, (
                f"{model}"
            )  # resampled once and twice: some levels are off by one


def test_batches_are_put_together_in_order() -> None:
    whole, halves = pixels(IMAGES, EYES), stacked([pixels(IMAGES[i : i + 1], EYES[i : i + 1]) for i in range(2)])
    assert len(whole) == len(halves) == 2 and len(whole.at(np.array([1]))) == 1
    np.testing.assert_array_equal(whole.patterns, halves.patterns)
    np.testing.assert_array_equal(whole.magnitudes, halves.magnitudes)
