import numpy as np
from scipy.special import ndtri

from lineament import report
from lineament.authentication.curves import POINTS, RANGE, curve, draw_det, draw_roc
from lineament.authentication.verification import error_rates

DRAW = np.random.default_rng(0)
GENUINE, IMPOSTOR = DRAW.normal(3, 1, 2000), DRAW.normal(0, 1, 50_000)


def test_a_curve_is_thinned_out_but_stays_on_the_operating_points():
    fmr, fnmr = curve(GENUINE, IMPOSTOR)
    whole = {tuple(point) for point in np.stack(error_rates(GENUINE, IMPOSTOR)[1:], 1).tolist()}
    assert len(fmr) <= POINTS and set(zip(fmr.tolist(), fnmr.tolist(), strict=True)) <= whole
    shown = (fmr > RANGE[0]) & (fmr < 0.5) & (fnmr > RANGE[0])
    assert shown.sum() > 100 and np.abs(np.diff(ndtri(fmr[shown]))).max() < 0.1  # no gaps where it is looked at


def test_equal_normal_scores_are_straight_on_normal_deviate_axes():
    _, axis = report.axes(3, 3)
    draw_det(axis, {"one": curve(GENUINE, IMPOSTOR)})
    x, y = axis.lines[0].get_data()
    inside = (x > ndtri(2e-3)) & (y > ndtri(0.02))
    assert inside.sum() > 100 and np.abs(x[inside] + y[inside] + 3).max() < 0.25  # d' = 3
    assert [text.get_text() for text in axis.get_xticklabels()][:2] == ["0.1%", "1%"]


def test_roc_shows_what_is_accepted():
    _, axis = report.axes(3, 3)
    draw_roc(axis, {"one": curve(np.array([2.0, 1.0]), np.array([0.0, 1.5])), "two": curve(GENUINE, IMPOSTOR)})
    x, y = axis.lines[0].get_data()
    assert {(1.0, 1.0), (0.5, 0.5), (0.0, 0.0)} <= set(zip(x.tolist(), y.tolist(), strict=True))
    assert axis.lines[0].get_color() != axis.lines[1].get_color()
