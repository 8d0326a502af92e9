"""Explanations as strips of pictures: input, transformed image, mask, composite, and the dial with where it flips."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lineament.explanation.explainer import dial, flips
from lineament.images import to_uint8
from lineament.report import ACCENT, INK, MUTED, RULE, readable

if TYPE_CHECKING:
    from lineament.explanation.decisions import Decisions
    from lineament.explanation.explainer import Explanation

__all__ = ["PANELS", "Strip", "block", "decided_from", "sheet", "strips"]

PANELS = ("input", "transformed", "mask", "composite")
DIAL = "strength of the change; blue: decision flipped"

FRAMES = 5
"""Pictures on the dial, at equal steps from the input to the composite."""

TILE, GAP, TRACK, LINE = 80, 4, 12, 16
"""Pixels: the least side of a picture, between two, of the dial's track below its frames, of a line of text."""


@dataclass(frozen=True)
class Strip:
    """One explanation, ready to be drawn.

    Attributes:
        name: of the image.
        source, target: the class decided for, and the one crossed to.
        before, after: the classifier's probability of ``source`` in the input, of ``target`` in the composite.
        enough: the probability of ``target`` from which it is decided for; None among more than two classes.
        flipped: whether the composite is decided for as ``target``.
        flip: strength in [0, 1] at which the decision flips; NaN if it never does.
        area: share of the image that the mask covers, its mean.
        panels: the pictures of `PANELS`, ``(height, width, 3)`` uint8 each.
        frames: the pictures on the dial, likewise.
    """

    name: str
    source: str
    target: str
    before: float
    after: float
    enough: float | None
    flipped: bool
    flip: float
    area: float
    panels: tuple[NDArray[np.uint8], ...]
    frames: tuple[NDArray[np.uint8], ...]

    def figures(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON values; ``flip`` is None if the decision never flips."""
        drawn = ("panels", "frames")
        found = {key: value for key, value in vars(self).items() if key not in drawn}
        return found | {"flip": None if np.isnan(self.flip) else self.flip}


def strips(explanation: "Explanation", decisions: "Decisions", names: Sequence[str]) -> list[Strip]:
    """One strip an image.

    Args:
        explanation: of ``n`` images.
        decisions: what it explains; asked where along the dial it flips.
        names: ``n`` names.
    """
    _, probabilities = dial(explanation, decisions, FRAMES)
    flip, decided = flips(explanation, decisions).tolist(), decisions.predict(explanation.composite)
    pictures = (explanation.images, explanation.transformed, explanation.mask, explanation.composite)
    panels = [_coloured(images) for images in pictures]
    frames = [_coloured(explanation.at(float(strength))) for strength in np.linspace(0, 1, FRAMES)]
    decided_by = explanation.probabilities.gather(1, explanation.source[:, None])[:, 0]
    before = _own(decided_by, explanation.source, decisions).tolist()
    after = _own(probabilities[:, -1], explanation.target, decisions).tolist()
    source, target = explanation.source.tolist(), explanation.target.tolist()
    enough = (1 - decisions.threshold, decisions.threshold) if len(decisions.classes) == 2 else None
    return [
        Strip(
            name=names[i], source=decisions.classes[source[i]], target=decisions.classes[target[i]],
            before=before[i], after=after[i], enough=None if enough is None else enough[target[i]],
            flipped=bool(decided[i] == target[i]), flip=flip[i], area=float(explanation.mask[i].mean()),
            panels=tuple(images[i] for images in panels), frames=tuple(images[i] for images in frames),
        )
        for i in range(len(names))
    ]  # fmt: skip


def decided_from(decisions: "Decisions") -> str:
    """A sentence on a threshold other than one half, for else probabilities and decisions seem to disagree."""
    if decisions.threshold == 0.5:
        return ""
    return f"{readable(decisions.classes[1])} is decided for from a probability of {decisions.threshold:.0%} on."


def _own(probability: torch.Tensor, of: torch.Tensor, decisions: "Decisions") -> torch.Tensor:
    """The classifier's own probability ``(n,)`` of the classes ``of``: `Decisions` gives it relative to a threshold."""
    if decisions.threshold == 0.5:
        return probability
    shift = log(decisions.threshold / (1 - decisions.threshold))
    return (probability.double().logit() + torch.where(of == 1, shift, -shift)).sigmoid()


def block(rows: Sequence[Strip], label: str) -> Markup:
    """The strips as a table of the report: a row an image; ``label`` names it."""
    heads = ("image", *PANELS, DIAL)
    head = Markup().join(Markup('<th scope="col">{}</th>').format(text) for text in heads)
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{0}"><table aria-label="{0}"><thead><tr>{1}</tr>'
        "</thead><tbody>{2}</tbody></table></div>"
    ).format(label, head, Markup().join(_row(strip) for strip in rows))


def sheet(rows: Sequence[Strip]) -> Image.Image:
    """The strips as one picture, a row an image, with the words of `block` below each."""
    font = ImageFont.load_default(12)
    drawn = [[*map(_enlarged, strip.panels), _dial(strip)] for strip in rows]
    tile = drawn[0][0].width + GAP
    width = max(sum(picture.width + GAP for picture in pictures) + 3 * GAP for pictures in drawn)
    heights = [max(picture.height for picture in pictures) + 2 * LINE + GAP for pictures in drawn]
    page = Image.new("RGB", (width, sum(heights) + LINE + 2 * GAP), "white")
    draw, top = ImageDraw.Draw(page), LINE + GAP
    for i, title in enumerate((*PANELS, DIAL)):
        draw.text((GAP + i * tile + 2 * GAP * (i == len(PANELS)), GAP // 2), title, fill=MUTED, font=font)
    for strip, pictures, height in zip(rows, drawn, heights, strict=True):
        for i, picture in enumerate(pictures):
            x = GAP + i * tile + 2 * GAP * (i == len(PANELS))
            page.paste(picture, (x, top), picture.getchannel("A"))
        words = f"{' '.join(strip.name.split())}: {_words(strip)}"
        draw.text((GAP, top + height - 2 * LINE), words, fill=INK, font=font)
        top += height
    return page


def _coloured(images: torch.Tensor) -> NDArray[np.uint8]:
    return to_uint8(images.clamp(0, 1).float().expand(-1, 3, -1, -1).contiguous())


def _row(strip: Strip) -> Markup:
    pictures = [
        _image(_enlarged(pixels), f"{strip.name}, {panel}") for panel, pixels in zip(PANELS, strip.panels, strict=True)
    ]
    pictures.append(_image(_dial(strip), f"{strip.name}, {DIAL}"))
    cells = Markup().join(Markup('<td style="vertical-align: top">{}</td>').format(picture) for picture in pictures)
    style = "white-space: normal; min-width: 10rem; max-width: 14rem; vertical-align: top"
    return Markup('<tr><th scope="row" style="{}"><b>{}</b><br><small>{}</small></th>{}</tr>').format(
        style, strip.name, _words(strip), cells
    )


def _words(strip: Strip) -> str:
    source, target = readable(strip.source), readable(strip.target)
    mask = f"mask {strip.area:.0%} of the image"
    needed = "" if strip.enough is None or round(strip.enough, 2) == 0.5 else f" ({strip.enough:.0%} is enough)"
    if not strip.flipped:
        return f"{source} {strip.before:.0%}, not flipped: {target} only {strip.after:.0%}{needed}; {mask}"
    at = "" if np.isnan(strip.flip) else f"; flips at {strip.flip:.0%} of the change"
    return f"{source} {strip.before:.0%}, becomes {target} {strip.after:.0%}{needed}{at}; {mask}"


def _enlarged(pixels: NDArray[np.uint8]) -> Image.Image:
    """A picture of at least `TILE` pixels a side, its pixels still to be seen."""
    scale = max(1, -(-TILE // max(pixels.shape[:2])))
    size = (pixels.shape[1] * scale, pixels.shape[0] * scale)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).convert("RGBA")


def _dial(strip: Strip) -> Image.Image:
    """The frames side by side over a track whose part after the flip is coloured; the background is transparent."""
    frames = [_enlarged(pixels) for pixels in strip.frames]
    step, height = frames[0].width + GAP, frames[0].height
    drawn = Image.new("RGBA", (step * len(frames) - GAP, height + TRACK), (0, 0, 0, 0))
    for i, frame in enumerate(frames):
        drawn.paste(frame, (i * step, 0))
    draw, y = ImageDraw.Draw(drawn), height + TRACK // 2
    first, last = frames[0].width // 2, step * (len(frames) - 1) + frames[0].width // 2
    draw.line((first, y, last, y), fill=RULE, width=3)
    if not np.isnan(strip.flip):
        x = first + strip.flip * (last - first)
        draw.line((x, y, last, y), fill=ACCENT, width=3)
        draw.line((x, y - TRACK // 2, x, y + TRACK // 2), fill=ACCENT, width=3)
    return drawn


def _image(picture: Image.Image, alt: str) -> Markup:
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=85)
    data = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
    return Markup('<img src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">').format(
        data, alt, picture.width, picture.height
    )
