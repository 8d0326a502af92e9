"""Grids: what stands where, that nothing is lost, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from lineament.editing.grids import GAP, LINE, MARGIN, TILE, Column, grid, write_grid
from lineament.errors import UsageError

RED, GREEN, BLUE = torch.eye(3)[:, :, None, None].expand(3, 3, 8, 8)


def place_of(page, colour):
    """Left, top, right and bottom of the pixels of one colour."""
    hit = (np.asarray(page) == (255 * colour[:, 0, 0]).byte().numpy()).all(2)
    rows, columns = (np.flatnonzero(hit.any(axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def test_rows_are_images_and_columns_what_came_of_them():
    page = grid([Column("input", torch.stack([RED, GREEN])), Column("edited", torch.stack([BLUE, BLUE]))])
    red, green, blue = (place_of(page, colour) for colour in (RED, GREEN, BLUE))
    assert red == (MARGIN, MARGIN + LINE + GAP, MARGIN + TILE, MARGIN + LINE + GAP + TILE)
    assert green == (red[0], red[3] + GAP, red[2], red[3] + GAP + TILE)
    assert blue == (red[2] + 3 * GAP, red[1], red[2] + 3 * GAP + TILE, green[3])  # a rule stands between


def test_the_picture_borrowed_from_stands_above_its_column_and_one_column_may_have_none():
    page = grid([Column("query", RED[None]), Column("from x.png", GREEN[None], head=BLUE)])
    blue, green, red = (place_of(page, colour) for colour in (BLUE, GREEN, RED))
    assert blue[:3:2] == green[:3:2] and blue[3] < green[1] and red[1] == green[1]


def test_long_names_titles_and_captions_stay_inside():
    columns = [Column("a title of several words that does not fit", RED[None]), Column("Wearing" * 9, RED[None])]
    page = grid(columns, ["a-name-without-any-space-that-is-too-long.png"], "word " * 60)
    dark = np.asarray(page.convert("L")) < 200
    assert not dark[:, : MARGIN - 1].any() and not dark[:, 1 - MARGIN :].any() and not dark[1 - MARGIN // 2 :].any()
    assert grid(columns, [""]).width < page.width


def test_letters_beyond_english_are_drawn_each_its_own_way():
    pages = [np.asarray(grid([Column("x", RED[None])], [name])) for name in ("ü", "ß", "ж")]
    assert not any(a.shape == b.shape and (a == b).all() for a, b in ((pages[0], pages[1]), (pages[1], pages[2])))


def test_other_proportions_are_kept():
    left, top, right, bottom = place_of(grid([Column("x", RED[None, :, :, :4])]), RED)
    assert (right - left, bottom - top) == (TILE // 2, TILE)


def test_a_grid_is_written_as_a_png(tmp_path):
    write_grid(tmp_path / "grid.png", [Column("x", RED[None])], ["a"], "b")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.format == "PNG" and place_of(picture, RED)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ([], ()),
        ([Column("a", torch.stack([RED, RED])), Column("b", RED[None])], ()),
        ([Column("a", RED[None])], ("x", "y")),
    ],
)
def test_columns_of_different_lengths_are_refused(columns, names):
    with pytest.raises(UsageError, match="of one length"):
        grid(columns, names)
