"""The pictures of the dossier's section: people with each attribute swapped, drawn anew, and borrowed."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lineament.editing.operations import Edit, edit
from lineament.editing.section_edits import Material, Rows
from lineament.images import to_uint8
from lineament.report import readable

__all__ = ["Tile", "borrowed", "drawn", "swapped", "tiles"]

PEOPLE, DRAWS, REFERENCES = 4, 5, 3
"""People whose every attribute is swapped; draws, and references to borrow from, of each attribute."""

PLAIN = 50
"""Images among which plain ones are looked for: where a hat is worn, bangs would not be seen."""

WIDTH, MOST = 84, 128
"""Pixels: how wide a tile is shown, and how wide it is kept at most."""

CELL = f"white-space: normal; vertical-align: top; padding-right: .5rem; min-width: {WIDTH}px"


class Tile(NamedTuple):
    """One picture in a row.

    Attributes:
        pixels: ``(height, width, 3)`` uint8.
        alt: what it shows, in words.
        words: below it.
        missed: whether the detector does not read the edit as meant; the words then stand out.
    """

    pixels: NDArray[np.uint8]
    alt: str
    words: str = ""
    missed: bool = False


def swapped(material: Material) -> Markup:
    """A few people, each attribute of theirs put on where it is missing and taken off where it is not."""
    rows = _well_read(material)
    start = edit(material.images(rows), material.editor)
    lines = [[Tile(image, material.test.dataset.names[i])] for image, i in zip(_bytes(start), rows, strict=True)]
    for name in material.attributes:
        on = ~material.decisions[rows, material.column(name)]
        put, taken = (start.swap(name, present).images for present in (True, False))
        images = torch.where(torch.from_numpy(on)[:, None, None, None], put, taken)
        for line, tile in zip(lines, _judged(material, name, start.originals, images, rows, on), strict=True):
            line.append(tile)
    heads = ["", "as it is", *map(readable, material.attributes)]
    names = [material.test.dataset.names[i] for i in rows]
    return tiles(heads, list(zip(names, lines, strict=True)), "People with each attribute swapped")


def drawn(material: Material) -> Markup:
    """Of each attribute one image without it, and draws of how it may look with it."""
    lines = []
    for name in material.attributes:
        if len(row := _plain(material, name)):
            start = edit(material.images(row), material.editor)
            made = start.sample(name, count=DRAWS, seed=material.subject.seed)
            shown = _judged(material, name, made.originals, made.images, row.repeat(DRAWS))
            lines.append((readable(name), [Tile(_bytes(start)[0], f"without {readable(name)}"), *shown]))
    heads = ["", "as it is", *(f"draw {k + 1}" for k in range(DRAWS))]
    return tiles(heads, lines, "Draws of each attribute")


def borrowed(material: Material) -> Markup:
    """Of each attribute one image without it, and what becomes of it with that of others, who stand beside."""
    lines = []
    for name in material.attributes:
        row, others = _plain(material, name), material.rows(name, True, REFERENCES)
        if len(row) and len(others):
            references = material.images(others)
            start = edit(material.images(row.repeat(len(others))), material.editor)
            made = start.borrow(name, references, force=True)
            shown = _judged(material, name, made.originals, made.images, row.repeat(len(others)))
            pairs = zip(to_uint8(references), others, shown, strict=True)
            sources = [(Tile(image, material.test.dataset.names[i]), result) for image, i, result in pairs]
            bare = Tile(_bytes(start)[0], f"without {readable(name)}")
            lines.append((readable(name), [bare, *(tile for pair in sources for tile in pair)]))
    heads = ["", "as it is", *(head for k in range(REFERENCES) for head in (f"reference {k + 1}", "borrowed from it"))]
    return tiles(heads, lines, "Attributes borrowed from references")


def tiles(heads: Sequence[str], lines: Sequence[tuple[str, Sequence[Tile]]], label: str) -> Markup:
    """Rows of pictures under headings, in a box that scrolls; a row may be short. ``label`` names it."""
    head = Markup().join(Markup('<th scope="col" style="{}">{}</th>').format(CELL, text) for text in heads)
    body = Markup().join(_line(name, line) for name, line in lines)
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table aria-label="{0}"><thead><tr>{1}</tr>'
        "</thead><tbody>{2}</tbody></table></div>"
    ).format(label, head, body)


def _line(name: str, line: Sequence[Tile]) -> Markup:
    cells = Markup().join(Markup('<td style="{}">{}</td>').format(CELL, _tile(tile)) for tile in line)
    named = "white-space: normal; vertical-align: top; overflow-wrap: anywhere; max-width: 7rem; font-size: .8rem"
    return Markup('<tr><th scope="row" style="{}">{}</th>{}</tr>').format(named, name, cells)


def _tile(tile: Tile) -> Markup:
    picture, stream = Image.fromarray(tile.pixels), io.BytesIO()
    picture.thumbnail((MOST, MOST), Image.Resampling.LANCZOS)
    picture.save(stream, "WEBP", quality=85)
    data = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    colour = Markup(' style="color: var(--contrast)"') if tile.missed else Markup()
    words = Markup("<br><small{}>{}</small>").format(colour, tile.words) if tile.words else Markup()
    return Markup('<img src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">{}').format(
        data, tile.alt, WIDTH, round(WIDTH * picture.height / picture.width), words
    )


def _judged(
    material: Material, name: str, squares: Tensor, edited: Tensor, rows: Rows, on: bool | NDArray[np.bool_] = True
) -> list[Tile]:
    """Edits of the test images ``rows``, each with what the detector says now, and whether that was meant."""
    answers, column = material.answers(squares, edited, rows), material.column(name)
    on = np.broadcast_to(on, len(rows))
    before, after = material.test.probabilities[rows, column], answers[:, column]
    read = material.decided(answers)[:, column] == on
    verbs = np.where(on, "put on", "taken off")
    return [
        Tile(pixels, f"{readable(name)} {verb}", f"{was:.0%} → {now:.0%}{'' if right else ', not read'}", not right)
        for pixels, verb, was, now, right in zip(to_uint8(edited), verbs, before, after, read, strict=True)
    ]


def _well_read(material: Material) -> Rows:
    """Images of different people in which the detector reads all of the attributes rightly, as far as there are any."""
    columns = [material.column(name) for name in material.attributes]
    wrong = (~material.right[:, columns]).sum(1)[material.order]
    return material.alone(material.order[np.argsort(wrong, kind="stable")])[:PEOPLE]


def _plain(material: Material, name: str) -> Rows:
    """An image with few attributes, this one not among them, that is read well, ``(1,)``; for each another one."""
    found = material.rows(name, False, PLAIN)
    columns = [material.column(other) for other in material.attributes]
    worn, wrong = material.decisions[found][:, columns].sum(1), (~material.right[found]).sum(1)
    plainest = found[np.lexsort((wrong, worn))]
    turn = material.attributes.index(name) % max(1, len(found))
    return plainest[turn : turn + 1]


def _bytes(start: Edit) -> NDArray[np.uint8]:
    return to_uint8(start.originals)
