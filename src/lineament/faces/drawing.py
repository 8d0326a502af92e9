"""Show what was found: photos with boxes, eyes and landmarks beside the crops of the largest face, or a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray
from rich.markup import escape
from rich.table import Column, Table

from lineament.errors import UsageError
from lineament.faces.detector import Face
from lineament.faces.landmarks import find
from lineament.faces.parts import NETWORK_PARTS, Window, crop
from lineament.faces.situation import Situation, assess
from lineament.images import read_image, to_batch, to_uint8

__all__ = ["Picture", "draw_faces", "draw_parts", "look", "page", "table"]

GAP, LABEL, SHELF, LETTER = 12, 16, 430, 6
"""In pixels of the crops: between crops, above each for its name, the width of a row, and of a letter of a name."""
MOST = 100
"""Pictures on one page; it would grow past what PNG readers open."""
BOX, POINT, EYE = "#0f9d84", "#2de1fc", "#ef476f"


@dataclass(frozen=True)
class Picture:
    """One photo as ``page`` shows it: its name, ``(height, width, 3)`` uint8 pixels, what was found, what is wrong."""

    name: str
    image: NDArray[np.uint8]
    faces: Sequence[Face]
    situation: Situation

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pixels and the landmarks, as JSON values; positions in fractions of the photo."""
        faces = [
            {"box": f.box.tolist(), "score": f.score, "presence": f.presence, "eyes": f.eyes.tolist()}
            for f in self.faces
        ]
        return {"picture": self.name, "faces": faces, "situation": asdict(self.situation)}


def look(path: str | Path) -> Picture:
    """Read one image file, find its faces and assess it; raises what ``read_image`` and ``find`` raise."""
    image = read_image(path)
    faces = find(image)
    return Picture(str(path), image, faces, assess(image, faces))


def table(pictures: Sequence[Picture]) -> Table:
    """One line a picture: what was measured of its largest face, and the names of its problems."""
    numbers = ("faces", "eyes px", "light", "white", "blur", "yaw", "pitch")
    lines = Table(Column("picture", overflow="fold"), *(Column(name, justify="right") for name in numbers), "situation")
    for picture in pictures:
        seen = picture.situation
        measured = zip(
            (seen.eye_distance, seen.luminance, seen.clipped, seen.blur, seen.yaw, seen.pitch),
            (".0f", ".0f", ".0%", ".2f", "+.0f", "+.0f"),
            strict=True,
        )
        cells = ["-" if value is None else format(value, style) for value, style in measured]
        lines.add_row(escape(picture.name), str(seen.faces), *cells, "\n".join(seen.problems) or "ok")
    return lines


def page(pictures: Sequence[Picture]) -> Figure:
    """One row a picture: the photo with what was found on it, the ten network crops, and the situation in words.

    Raises:
        UsageError: no picture, or more than fit on a page.
    """
    if not 0 < len(pictures) <= MOST:
        raise UsageError(f"pictures: expected 1 to {MOST} for one page, got {len(pictures)}; draw several pages")
    figure = Figure(figsize=(11, 4.2 * len(pictures)), layout="constrained", dpi=100)
    rows = figure.subplots(len(pictures), 2, squeeze=False, width_ratios=(1, 1.35))
    for (photo, parts), picture in zip(rows, pictures, strict=True):
        photo.set_title(picture.name, fontsize=10, loc="left")
        draw_faces(photo, picture.image, picture.faces)
        parts.set_title("\n".join(wrap(picture.situation.sentence, 84)), fontsize=9, loc="left")
        if picture.faces:
            draw_parts(parts, picture.image, picture.faces[0].eyes)
        parts.axis("off")
    return figure


def draw_faces(axes: Axes, image: NDArray[np.uint8], faces: Sequence[Face]) -> None:
    """The photo with the box, the landmarks and the eye centres of every face."""
    height, width = image.shape[:2]
    axes.imshow(image)
    for face in faces:
        left, top, right, bottom = face.box * (width, height, width, height)
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=BOX, linewidth=1.5))
        if face.landmarks is not None:
            axes.plot(*(face.landmarks[:, :2] * (width, height)).T, ".", color=POINT, markersize=0.8)
        axes.plot(*(face.eyes * (width, height)).T, "+", color=EYE, markersize=7)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])


def draw_parts(
    axes: Axes, image: NDArray[np.uint8], eyes: ArrayLike, windows: Mapping[str, Window] = NETWORK_PARTS
) -> None:
    """Every window cut out of the face with these eyes, all at one scale, each under its name and size."""
    batch, pair = to_batch(image[None]), torch.from_numpy(np.array(eyes, dtype=np.float32)[None])
    places, bottom = _shelves(windows)
    for name, (left, top) in places.items():
        window = windows[name]
        pixels = to_uint8(crop(batch, pair, window).clamp(0, 1))[0]
        axes.imshow(pixels, extent=(left, left + window.width, top + window.height, top), interpolation="nearest")
        axes.text(left, top - 3, _label(name, window), fontsize=7)
    axes.set(xlim=(0, SHELF), ylim=(bottom, 0), aspect="equal", xticks=[], yticks=[])


def _label(name: str, window: Window) -> str:
    return f"{name} {window.width}×{window.height}"


def _shelves(windows: Mapping[str, Window]) -> tuple[dict[str, tuple[int, int]], int]:
    """Top left corners of the windows set in rows like books, the low ones first, and the height of it all."""
    places, left, top, tallest = {}, 0, LABEL, 0
    for name, window in sorted(windows.items(), key=lambda item: item[1].height):
        width = max(window.width, LETTER * len(_label(name, window)))
        if left + width > SHELF:
            left, top, tallest = 0, top + tallest + LABEL + GAP // 2, 0
        places[name] = (left, top)
        left, tallest = left + width + GAP, max(tallest, window.height)
    return places, top + tallest + GAP
