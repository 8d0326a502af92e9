"""Styles: every column is the truth that was drawn, and nothing where nothing was drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.datasets.portraits import STYLE, render, tossed
from lineament.datasets.portraits.draw_wear import FRAME
from lineament.datasets.portraits.scene import counterfactual
from lineament.datasets.portraits.tossed import LAWS
from lineament.editing.styles import PERSON, STYLED, beside, person_matrix, style_matrix
from lineament.errors import UsageError


@pytest.fixture(scope="module")
def data():
    return tossed(STYLED, 20, 3, size=32, seed=2)


def test_columns_say_what_was_drawn(data):
    index = np.flatnonzero(data.column("Eyeglasses") == 1)
    table = style_matrix(data, index, "Eyeglasses")
    for row, i in zip(table.values.tolist(), index, strict=True):
        found, true = dict(zip(table.names, row, strict=True)), data.style(i)
        shapes = {name: value for name, value in found.items() if "shape" in name}
        assert shapes.pop(f"eyeglasses_shape.{true['eyeglasses_shape']}") == 1 and not any(shapes.values())
        paint = [found[f"eyeglasses_color.{channel}"] for channel in ("red", "green", "blue")]
        assert paint == pytest.approx(FRAME[true["eyeglasses_color"]])
        assert found["eyeglasses_tint"] == pytest.approx(true["eyeglasses_tint"])
    assert table.kinds == ("shape",) * 4 + ("color",) * 3 + ("amount",) * 2


def test_only_what_is_there_has_a_style(data):
    table = style_matrix(data, range(len(data)), *STYLED)
    for name in STYLED:
        own = [k for k, column in enumerate(table.columns) if column.attribute == name]
        known = table.values[:, own].isfinite()
        assert (
            own
            and (known.all(1) == torch.from_numpy(data.column(name) == 1)).all()
            and (known.all(1) | ~known.any(1)).all()
        )


def test_several_attributes_stand_side_by_side_in_the_order_asked_for(data):
    both = style_matrix(data, [4, 1], "Wearing_Hat", "Bangs")
    joined = beside(style_matrix(data, [4, 1], "Wearing_Hat"), style_matrix(data, [4, 1], "Bangs"))
    assert both.columns == joined.columns
    assert torch.equal(both.values.nan_to_num(-1), joined.values.nan_to_num(-1))
    assert style_matrix(data, [], "Bangs").values.shape == (0, 2)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in sorted(STYLE) for key in STYLE[name]])
def test_every_style_can_be_seen_where_it_is(data, name, key):
    scene = counterfactual(data.read.__self__.scene(0), **{name: True})
    ends = LAWS[key][0], LAWS[key][-1]
    assert len({render(counterfactual(scene, **{key: value}), 64).tobytes() for value in ends}) == 2


def test_a_persons_numbers_are_those_of_the_person_in_every_image(data):
    table = person_matrix(data, range(6))
    assert table.names == PERSON and set(table.kinds) == {"person"}
    assert torch.equal(table.values[0], table.values[2]) and not torch.equal(table.values[2], table.values[3])
    assert not set(PERSON) & {key for keys in STYLE.values() for key in keys}


def test_what_has_no_style_is_refused(data):
    with pytest.raises(UsageError, match="did you mean 'Wearing_Hat'"):
        style_matrix(data, [0], "WearingHat")
    with pytest.raises(UsageError, match="its styles are not known"):
        style_matrix(replace(data, style=None), [0], "Bangs")
