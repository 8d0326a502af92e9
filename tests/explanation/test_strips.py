"""What a strip says and shows of one explanation, as a picture and as a table of the page."""

import numpy as np
import pytest
import torch

from lineament.classifier import from_function
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explanation
from lineament.explanation.strips import FRAMES, PANELS, block, decided_from, sheet, strips

BRIGHT = Decisions(from_function(lambda images: 40 * (images.mean((1, 2, 3)) - 0.5)[:, None]), ("dark", "<b>"), 0)


@pytest.fixture(scope="module")
def rows():
    """Two dark images; the first is made white (it crosses half-way), the second stays dark."""
    images = torch.stack([torch.zeros(1, 12, 10), torch.full((1, 12, 10), 0.2)])
    transformed = torch.stack([torch.ones(1, 12, 10), torch.full((1, 12, 10), 0.3)])
    mask, labels = torch.ones(2, 1, 12, 10), torch.zeros(2, dtype=torch.int64)
    probabilities = BRIGHT(images).exp()
    found = Explanation(images, probabilities, labels, labels + 1, images, transformed, mask, transformed)
    return strips(found, BRIGHT, ["one.png", "<script>.png"])


def test_a_strip_says_where_the_decision_flips(rows):
    crossed, stays = rows
    assert (crossed.source, crossed.target, crossed.flipped, stays.flipped) == ("dark", "<b>", True, False)
    assert crossed.flip == pytest.approx(0.5, abs=0.01) and np.isnan(stays.flip)
    assert crossed.before > 0.99 and crossed.after > 0.99 and stays.after < 0.01 and crossed.area == 1
    assert stays.figures()["flip"] is None and "panels" not in crossed.figures()


def test_probabilities_are_the_classifiers_own_and_say_which_one_is_enough():
    images = torch.full((1, 1, 4, 4), 0.48)  # log-odds -0.8, so 31 %, which a threshold of 0.2 takes for bright
    early = Decisions(BRIGHT.classifier, ("dark", "bright"), 0, threshold=0.2)
    composite = torch.full_like(images, 0.46)  # 17 %
    one, zero, mask = torch.tensor([1]), torch.tensor([0]), torch.ones(1, 1, 4, 4)
    found = Explanation(images, early(images).exp(), one, zero, images, composite, mask, composite)
    (strip,) = strips(found, early, ["a"])
    assert strip.before == pytest.approx(0.31, abs=0.005) and strip.after == pytest.approx(1 - 0.168, abs=0.005)
    assert strip.flipped and strip.enough == pytest.approx(0.8) and 0 < strip.flip < 1
    assert "bright 31%, becomes dark 83% (80% is enough)" in str(block([strip], "a"))
    assert "from a probability of 20%" in decided_from(early) and not decided_from(BRIGHT)


def test_a_dial_that_crosses_and_comes_back_is_not_told_as_flipping():
    def hump(images):
        return 40 * (0.25 - (images.mean((1, 2, 3)) - 0.5).abs())[:, None]  # only the middle is bright

    decisions, zero = Decisions(from_function(hump), ("dark", "bright"), 0), torch.tensor([0])
    images, white = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    found = Explanation(images, decisions(images).exp(), zero, zero + 1, images, white, white, white)
    (strip,) = strips(found, decisions, ["a"])
    assert not strip.flipped and np.isnan(strip.flip) and "flips at" not in str(block([strip], "a"))


def test_panels_and_dial_are_the_pictures_they_are_called(rows):
    given, transformed, mask, composite = rows[0].panels
    assert len(PANELS) == 4 and given.shape == (12, 10, 3)
    assert (given == 0).all() and all((panel == 255).all() for panel in (transformed, mask, composite))
    assert [int(frame[0, 0, 0]) for frame in rows[0].frames] == [0, 64, 128, 191, 255] and len(rows[0].frames) == FRAMES


def test_the_sheet_has_a_row_an_image_and_shows_every_panel(rows):
    picture, one = sheet(rows), sheet(rows[:1])
    assert picture.width == one.width and picture.height > 1.7 * one.height
    blue = (np.asarray(one).astype(int) - np.array([0x1C, 0x5D, 0x8C]) == 0).all(2)
    first, last = np.flatnonzero(blue.any(0))[[0, -1]]
    track = one.width * 0.5  # the dial is the wider half; its coloured part starts in its middle
    assert first > track and blue.sum() > 3 * (last - first) > 100


def test_the_block_is_escaped_and_embeds_its_pictures(rows):
    text = str(block(rows, "Explanations"))
    assert text.count("<img") == 10 and text.count("data:image/webp;base64,") == 10
    assert "<script>" not in text and "&lt;script&gt;.png" in text and "not flipped" in text and "flips at 50%" in text
