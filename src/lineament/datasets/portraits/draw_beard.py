"""Facial hair: moustache, sideburns, and a goatee that with both grows into a full beard."""

from collections.abc import Callable

import skia

from lineament.datasets.portraits.brush import Point, blob, darker, lighter, mirrored, mix, slope
from lineament.datasets.portraits.draw_head import head_path
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_beard", "draw_mustache", "draw_sideburns"]


def draw_mustache(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Hair between nose and mouth: a broad chevron, a handlebar with raised ends, or a narrow line."""
    if "Mustache" not in scene.present:
        return
    x, top, half = layout.mouth[0], layout.nose[1] + 2.2, layout.mouth_half
    low = layout.mouth[1] - 0.4 * layout.gape - 0.7 * layout.lip  # a smile must show below it
    shape = SHAPES[scene.person.mustache_shape](x, top, half, low)
    canvas.drawPath(blob(mirrored([*shape, (x, low - 0.4)], x)), _fur(layout))


def _chevron(x: float, top: float, half: float, low: float) -> list[Point]:
    tail = [(x + half + 1, low + 1.2), (x + half * 0.5, low)]
    return [(x, top), (x + 4, top - 0.2), (x + half * 0.8, low - 2.6), *tail]


def _handlebar(x: float, top: float, half: float, low: float) -> list[Point]:
    tail = [(x + half + 4.4, low - 4.4), (x + half + 1.5, low + 1.6), (x + half * 0.4, low + 0.6)]
    return [(x, top), (x + 4, top + 0.2), (x + half * 0.7, low - 0.5), *tail]


def _pencil(x: float, top: float, half: float, low: float) -> list[Point]:
    return [(x, low - 3.8), (x + half * 0.5, low - 4.2), (x + half + 0.8, low + 0.4), (x + half * 0.5, low)]


SHAPES: dict[str, Callable[[float, float, float, float], list[Point]]] = {
    "chevron": _chevron,
    "handlebar": _handlebar,
    "pencil": _pencil,
}
"""The right half of each moustache, between the nose at ``top`` and the lip at ``low``."""


def draw_sideburns(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A strip of hair before each ear."""
    if "Sideburns" not in scene.present:
        return
    bottom, (dx, _) = mix(9, 13, scene.person.sideburns_length), layout.drift
    canvas.save()
    canvas.clipPath(head_path(layout), True)
    for side in (-1, 1):
        x = side * layout.half + dx * 0.25
        top = [(x + side * 2, -9), (x - side * 1.5, -9), (x - side * 4.4, 0)]
        strip = [*top, (x - side * 5.2, bottom - 2), (x - side * 4, bottom + 2.5)]
        canvas.drawPath(blob([*strip, (x + side * 2, bottom + 2)]), _fur(layout))
    canvas.restore()


def draw_beard(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A goatee on the chin; with sideburns and moustache it grows into a full beard along the jaw."""
    if "Goatee" not in scene.present:
        return
    (x, y), chin = layout.mouth, layout.chin
    length = mix(0.5, 4, scene.person.goatee_length)
    top = y + layout.lip + layout.gape * 0.75 + 2.6
    if {"Mustache", "Sideburns"} <= scene.present:
        _full_beard(canvas, layout, length)
    tip = [(x + 5.2, chin + length), (x + 2, chin + 1.4 * length)]
    right = [(x + 1.6, top), (x + 4.5, top + 2), (x + 7, chin - 3), *tip]
    canvas.drawPath(blob(mirrored(right, x)), _fur(layout))


def _full_beard(canvas: skia.Canvas, layout: Layout, length: float) -> None:
    (x, y), half, chin, mouth = layout.mouth, layout.half, layout.chin, layout.mouth_half
    jaw = [(layout.jaw + 1.5, mix(7, chin, 0.6)), (layout.chin_half + 3, chin + length), (1, chin + 1.6 * length)]
    cheek = [(x + half - 7, 11), (x + mouth + 5.5, y - 3), (x + mouth + 3, y + 3)]
    outer = mirrored([(half + 0.6, 4), (half + 0.4, 12), *jaw])
    inner = mirrored([*cheek, (x + 6, y + layout.lip + layout.gape + 3.4)], x)
    canvas.drawPath(blob([*outer, *reversed(inner)]), _fur(layout))


def _fur(layout: Layout) -> skia.Paint:
    """Hair with a soft edge, lit from above."""
    # a beard is darker than the hair, unless it is the skin that is dark: either way it stands out
    stands_out = sum(layout.hair) > sum(layout.skin) + 0.5
    color = layout.hair if stands_out else darker(layout.hair, 0.45)
    paint = slope((0, 5), (0, 32), (lighter(color, 0.08), 0.97), (darker(color, 0.22), 0.97))
    paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 0.45))
    return paint
