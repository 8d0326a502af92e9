"""What is drawn is what was measured; pictures stand with their decisions, and words cannot become markup."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from lineament import report
from lineament.defense.detection import detection
from lineament.defense.figures import UNDEFENDED, Decision, accuracy, budget, curves, picture_rows, roc
from lineament.defense.threats import WORST, evaluate
from lineament.errors import UsageError
from tests.defense.toy_defence import NOTHING, Blind, Down, Knowing, behind, pixels

IMAGES, LABELS = pixels(0.9, 0.45, 0.3, 0.05)
EPS = (0.15, 0.4, 0.55)
ROWS = evaluate(behind(), IMAGES, LABELS, {"unaware": Down(1.0), "knowing": Knowing(1.0)}, EPS)


def points(curve):
    return [(eps, share) for eps, share, _, _ in curve]


def test_curves_begin_clean_and_the_bare_classifier_has_its_own():
    found = curves(ROWS)
    assert list(found) == [UNDEFENDED, "unaware", "knowing", WORST]
    assert points(found[UNDEFENDED]) == [(0, 1), (0.15, 0.75), (0.4, 0.25), (0.55, 0)]
    assert points(found[WORST]) == [(0, 0.75), (0.15, 0.5), (0.4, 0.25), (0.55, 0)]
    assert all(low <= share <= high for curve in found.values() for _, share, low, high in curve)


def test_what_was_tried_at_one_budget_is_a_point():
    once = evaluate(behind(NOTHING), IMAGES, LABELS, {"blind": Blind(0.4)})
    assert points(curves(once)["blind"]) == [(0.4, 0.25)]


def test_the_figure_names_every_threat_and_every_budget():
    drawing = accuracy(ROWS, 0.5)
    (axis,) = drawing.axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [UNDEFENDED, "unaware", "knowing", WORST]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["0", "0.15", "0.4", "0.55"]
    lines = {line.get_label(): line for line in axis.get_lines()}
    assert lines["knowing"].get_xydata().tolist() == [[0, 0.75], [0.15, 0.5], [0.4, 0.25], [0.55, 0]]
    assert "<svg" in report.figure(drawing, "accuracy")


def test_the_roc_tells_the_area():
    found = {"error": detection(np.arange(4.0), np.arange(4.0) + 10, np.arange(99.0), rates=(0.05,))}
    (axis,) = roc(found).axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["error: 1.00"]
    assert axis.get_lines()[0].get_xydata()[-1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("eps", "said"), [(4 / 255, "4/255"), (0.3, "0.3"), (0, "0"), (1, "1"), (0.4, "0.4"), (0.12345, "0.12345")]
)
def test_budgets_are_grey_levels_where_they_are_whole(eps, said):
    assert budget(eps) == said


def test_pictures_stand_in_rows_with_the_decision_beneath():
    clean, attacked = torch.zeros(2, 1, 28, 28), torch.ones(2, 1, 28, 28)
    told = [Decision("7 (90%)", True), Decision("<b>1</b>", False)]
    block = picture_rows({"clean": clean, "attacked": attacked}, {"attacked": told}, ["7", "<i>"], label="digits")
    assert block.count("<img") == 4 and block.count("<tr>") == 3
    assert "wrong: &lt;b&gt;1" in block and "wrong: 7" not in block and "<i>" not in block and "&lt;i&gt;" in block
    data = [base64.b64decode(part) for part in re.findall(r"base64,([^\"]+)", block)]
    shades = [np.asarray(Image.open(io.BytesIO(part))) for part in data]
    assert [round(float(shade.mean())) for shade in shades] == [0, 0, 255, 255]
    assert shades[0].shape == (96, 96, 3)


def test_pictures_and_words_that_do_not_match_are_told():
    clean = torch.zeros(2, 3, 8, 8)
    with pytest.raises(UsageError, match="clean: expected 3 pictures"):
        picture_rows({"clean": clean}, {}, ["a", "b", "c"], label="")
    with pytest.raises(UsageError, match="expected values in"):
        picture_rows({"clean": clean - 1}, {}, ["a", "b"], label="")
