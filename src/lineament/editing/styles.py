"""The true style of an attribute as numbers: what colour the frame has, what shape, how dark the lenses are."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32
from numpy.typing import ArrayLike
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.datasets.portraits.brush import Color
from lineament.datasets.portraits.draw_eyes import SHADOW
from lineament.datasets.portraits.draw_setting import FABRIC
from lineament.datasets.portraits.draw_wear import FRAME, JEWEL
from lineament.datasets.portraits.layout import lipstick
from lineament.datasets.portraits.tossed import LAWS, STYLE
from lineament.errors import UsageError, nearest

__all__ = ["PERSON", "STYLED", "Column", "Kind", "StyleTable", "beside", "person_matrix", "style_matrix"]

Kind = Literal["color", "shape", "amount", "person"]

STYLED = (
    *("Bangs", "Eyeglasses", "Heavy_Makeup", "Smiling"),
    *("Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necktie"),
)
"""The attributes of the shipped editor."""

COLORS: dict[str, Callable[[Any], Color]] = {
    "eyeglasses_color": FRAME.__getitem__,
    "hat_color": FABRIC.__getitem__,
    "earrings_color": JEWEL.__getitem__,
    "lipstick_shade": lipstick,
    "makeup_color": SHADOW.__getitem__,
    "necklace_color": JEWEL.__getitem__,
    "necktie_color": FABRIC.__getitem__,
}
"""The paint that each of these parameters means, before light and camera."""

STYLES = {key for keys in STYLE.values() for key in keys}
PERSON = tuple(
    key for key, law in LAWS.items() if key.startswith("person_") and key not in STYLES and not isinstance(law[0], str)
)
"""The numbers that make a portrait somebody's; an attribute's style is not among them."""


class Column(NamedTuple):
    """One number of a style.

    Attributes:
        attribute: whose style it is; "" for a person's parameter.
        name: the parameter, and behind a point the channel of its colour or the shape that it says is there:
            ``"eyeglasses_color.red"``, ``"eyeglasses_shape.round"``, ``"eyeglasses_tint"``.
        kind: ``"color"``, a channel of a paint in [0, 1]; ``"shape"``, 1 or 0; ``"amount"``, any other number;
            ``"person"``, a person's parameter.
    """

    attribute: str
    name: str
    kind: Kind


class StyleTable(NamedTuple):
    """Styles of images.

    Attributes:
        values: ``(n, columns)``; NaN where the image has not the attribute, and so no style of it.
        columns: what they are.
    """

    values: Float32[Tensor, "n columns"]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of the columns."""
        return tuple(column.kind for column in self.columns)


def style_matrix(dataset: AttributeDataset, index: ArrayLike, *attributes: str) -> StyleTable:
    """The true style of one attribute, or of several side by side, of the images at ``index``.

    Raises:
        UsageError: a set that is not rendered, or an attribute without style.
    """
    chosen = np.asarray(index, dtype=np.int64)
    for name in attributes:
        if name not in STYLE:
            raise UsageError(nearest(name, STYLE, "attribute with style"))
    owners = {key: name for name in attributes for key in STYLE[name]}
    table = _table(dataset, chosen, owners)
    absent = {name: torch.from_numpy(dataset.column(name)[chosen] != 1) for name in attributes}
    for place, column in enumerate(table.columns):
        table.values[absent[column.attribute], place] = torch.nan
    return table


def beside(*tables: StyleTable) -> StyleTable:
    """One table with the columns of all, which speak of the same images."""
    values = torch.cat([table.values for table in tables], 1)
    return StyleTable(values, tuple(column for table in tables for column in table.columns))


def person_matrix(dataset: AttributeDataset, index: ArrayLike) -> StyleTable:
    """The `PERSON` parameters of the images at ``index``; raises as `style_matrix`."""
    table = _table(dataset, np.asarray(index, dtype=np.int64), dict.fromkeys(PERSON, ""))
    return table._replace(columns=tuple(column._replace(kind="person") for column in table.columns))


def _table(dataset: AttributeDataset, index: Any, owners: dict[str, str]) -> StyleTable:
    if dataset.style is None:
        raise UsageError(f"{dataset.name}: its styles are not known; only rendered sets, as portraits, know them")
    styles = [dataset.style(int(i)) for i in index]
    blocks, columns = [np.zeros((len(index), 0))], list[Column]()
    for key, owner in owners.items():
        suffixes, kind, encode = _encoding(key)
        blocks.append(np.array([encode(style[key]) for style in styles], float).reshape(len(index), len(suffixes)))
        columns += [Column(owner, key + suffix, kind) for suffix in suffixes]
    return StyleTable(torch.from_numpy(np.concatenate(blocks, 1, dtype=np.float32)), tuple(columns))


def _encoding(key: str) -> tuple[list[str], Kind, Callable[[Any], Any]]:
    """How the values of a parameter become columns: what the columns are called, their kind, and the encoder."""
    if key in COLORS:
        return [".red", ".green", ".blue"], "color", COLORS[key]
    law = LAWS[key]
    if isinstance(law[0], str):
        return [f".{choice}" for choice in law], "shape", lambda value: [value == choice for choice in law]
    return [""], "amount", lambda value: value
