"""Nose, mouth and beard."""

import skia

from lineament.datasets.portraits.brush import (
    Point,
    blob,
    darker,
    glow,
    lighter,
    line,
    mirrored,
    mix,
    oval,
    slope,
    solid,
)
from lineament.datasets.portraits.draw_head import head_path
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_beard", "draw_mouth", "draw_mustache", "draw_nose", "draw_sideburns"]


def draw_nose(canvas: skia.Canvas, layout: Layout) -> None:
    """A bridge with light on one side and shadow on the other, wings, nostrils, a lit tip."""
    (x, y), half = layout.nose, layout.nose_half
    away = -1 if layout.to_light[0] > 0 else 1
    brow = (layout.eyes[0][0] + layout.eyes[1][0]) / 2
    shade, deep = darker(layout.skin, 0.42), darker(layout.skin, 0.62)
    side = [
        (brow + away * 1.6, -7),
        (brow + away * 2.4, 0),
        (x + away * half * 1.05, y - 3),
        (x + away * half, y + 0.8),
    ]
    canvas.drawPath(
        blob([*side, (x, y + 1.4), (x + away * 0.6, y - 4), (brow + away * 0.4, -4)]),
        slope((x, -6), (x, y + 1), (shade, 0.12), (shade, 0.55)),
    )
    under = (x, y + 2.4)
    canvas.drawOval(oval(under, half * 1.15, 2.6), glow(under, half, deep, 0.4))
    for flank in (-1, 1):
        wing = [(x + flank * half * 0.72, y - 3), (x + flank * half * 1.3, y - 1.6), (x + flank * half * 1.05, y + 1.6)]
        canvas.drawPath(line([*wing, (x + flank * half * 0.55, y + 1.3)]), solid(deep, 0.75, 0.85))
        canvas.drawOval(
            oval((x + flank * half * 0.48, y + 1), half * 0.24, 0.75), solid(darker(layout.skin, 0.78), 0.9)
        )
    tip = (x - away * half * 0.2, y - 2.2)
    canvas.drawCircle(tip, half * 0.6, glow(tip, half * 0.6, lighter(layout.skin, 0.7), 0.75 * layout.strength))
    ridge = line([(brow - away * 0.3, -3), ((brow + x) / 2 - away * 0.3, 2), (x - away * 0.4, y - 4)])
    canvas.drawPath(ridge, solid(lighter(layout.skin, 0.5), 0.35 * layout.strength, 1.5))


def draw_mouth(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Lips, and between them, when they part, teeth and the dark of the mouth."""
    (x, y), half, lip, gape = layout.mouth, layout.mouth_half, layout.lip, layout.gape
    lift, smiling = layout.smile, "Smiling" in scene.present
    left, right = (x - half, y - lift), (x + half, y - lift)
    sag = lift * 0.55 if smiling else 0
    above, below = y - gape * 0.35 + sag * 0.6, y + gape * 0.75 + sag
    inner_top, inner_low = (x, 2 * above - y + lift * 0.6), (x, 2 * below - y + lift * 0.7)
    shadow = (x, below + lip + 2.2)
    canvas.drawOval(oval(shadow, half * 0.7, 2.2), glow(shadow, half * 0.6, darker(layout.skin, 0.5), 0.4))
    bow = above - lip * 1.25
    upper = skia.Path()
    upper.moveTo(*left)
    upper.quadTo(x - half * 0.5, bow - lift * 0.25, x - half * 0.16, bow - 0.1)
    upper.quadTo(x, bow + 0.7, x + half * 0.16, bow - 0.1)
    upper.quadTo(x + half * 0.5, bow - lift * 0.25, *right)
    upper.quadTo(*inner_top, *left)
    lower = skia.Path()
    lower.moveTo(*left)
    lower.quadTo(x, 2 * (below + lip * 1.35) - y + lift * 0.7, *right)
    lower.quadTo(*inner_low, *left)
    if gape:
        _inside(canvas, left, right, inner_top, inner_low, smiling, gape)
    canvas.drawPath(upper, solid(darker(layout.lips, 0.16)))
    canvas.drawPath(lower, solid(layout.lips))
    shine = (x + 1.5 * layout.to_light[0], below + lip * 0.55 - 0.15 * lift)
    canvas.drawOval(oval(shine, half * 0.34, lip * 0.4), solid(lighter(layout.lips, 0.6), 0.4))
    if not gape:
        seam = darker(layout.lips, 0.6)
        canvas.drawPath(
            line([left, ((left[0] + x) / 2, y + sag * 0.4), (x, y + sag), ((right[0] + x) / 2, y + sag * 0.4), right]),
            solid(seam, 0.9, 0.95),
        )
    if smiling:
        for corner, side in ((left, -1), (right, 1)):
            dimple = [(corner[0] + side * 0.8, corner[1] - 2), (corner[0] + side * 2.1, corner[1] + 0.2)]
            canvas.drawPath(
                line([*dimple, (corner[0] + side * 0.8, corner[1] + 2.4)]), solid(darker(layout.skin, 0.5), 0.6, 0.8)
            )


def _inside(canvas: skia.Canvas, left: Point, right: Point, top: Point, low: Point, smiling: bool, gape: float) -> None:
    """The open mouth; a smile shows a row of teeth, a parted mouth only their edge and the tongue."""
    hole = skia.Path()
    hole.moveTo(*left)
    hole.quadTo(*top, *right)
    hole.quadTo(*low, *left)
    canvas.drawPath(hole, solid((0.30, 0.06, 0.07)))
    canvas.save()
    canvas.clipPath(hole, True)
    x, bottom = (left[0] + right[0]) / 2, (left[1] + low[1]) / 2
    canvas.drawOval(oval((x, bottom + 0.6), 4.5, 2.0), solid((0.80, 0.36, 0.36)))
    teeth = skia.Path()
    depth = gape * (1.25 if smiling else 0.5)
    teeth.moveTo(left[0] + 1.2, left[1] - 1)
    teeth.quadTo(top[0], top[1] + 2 * depth, right[0] - 1.2, right[1] - 1)
    teeth.quadTo(top[0], top[1] - 2, left[0] + 1.2, left[1] - 1)
    canvas.drawPath(teeth, solid((0.98, 0.97, 0.94)))
    canvas.restore()


def draw_mustache(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Hair between nose and mouth: a broad chevron, a handlebar with raised ends, or a narrow line."""
    if "Mustache" not in scene.present:
        return
    x, top = layout.mouth[0], layout.nose[1] + 2.2
    half = layout.mouth_half
    low = layout.mouth[1] - layout.gape * 0.5 + 0.2
    shape = {
        "chevron": [
            (x, top),
            (x + 4, top - 0.2),
            (x + half * 0.9, low - 2),
            (x + half + 2, low + 1.8),
            (x + half * 0.5, low + 0.2),
        ],
        "handlebar": [
            (x, top),
            (x + 4, top + 0.2),
            (x + half * 0.7, low - 0.5),
            (x + half + 4.4, low - 4.4),
            (x + half + 1.5, low + 1.6),
            (x + half * 0.4, low + 0.6),
        ],
        "pencil": [
            (x, low - 3.4),
            (x + half * 0.5, low - 3.8),
            (x + half + 0.8, low + 0.4),
            (x + half * 0.5, low - 0.4),
        ],
    }[scene.person.mustache_shape]
    canvas.drawPath(blob([*shape, (x, low - 0.4), *((2 * x - px, py) for px, py in reversed(shape))]), _fur(layout))


def _fur(layout: Layout) -> skia.Paint:
    color = darker(layout.hair, 0.2)
    paint = slope((0, 5), (0, 32), (lighter(color, 0.08), 0.97), (darker(color, 0.3), 0.97))
    paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 0.45))
    return paint


def draw_sideburns(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A strip of hair before each ear."""
    if "Sideburns" not in scene.present:
        return
    bottom, (dx, _) = mix(9, 13, scene.person.sideburns_length), layout.drift
    canvas.save()
    canvas.clipPath(head_path(layout), True)
    for side in (-1, 1):
        x = side * layout.half + dx * 0.25
        strip = [
            (x + side * 2, -9),
            (x - side * 1.5, -9),
            (x - side * 4.4, 0),
            (x - side * 5.2, bottom - 2),
            (x - side * 4, bottom + 2.5),
        ]
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
    right = [
        (x + 1.6, top),
        (x + 4.5, top + 2),
        (x + 7, chin - 3),
        (x + 5.2, chin + length),
        (x + 2, chin + 1.4 * length),
    ]
    canvas.drawPath(blob(mirrored(right, x)), _fur(layout))


def _full_beard(canvas: skia.Canvas, layout: Layout, length: float) -> None:
    (x, y), half, chin = layout.mouth, layout.half, layout.chin
    outer = [
        (half + 0.6, 4),
        (half + 0.4, 12),
        (layout.jaw + 1.5, mix(7, chin, 0.6)),
        (layout.chin_half + 3, chin + length),
    ]
    inner = [
        (x + half - 7, 11),
        (x + layout.mouth_half + 5.5, y - 3),
        (x + layout.mouth_half + 3, y + 3),
        (x + 6, y + layout.lip + layout.gape + 3.4),
    ]
    right = [*outer, (0, chin + 1.6 * length)]
    left_outer = [(-px, py) for px, py in reversed(outer)]
    left_inner = [(2 * x - px, py) for px, py in inner]
    canvas.drawPath(blob([*right, *left_outer, *left_inner, *reversed(inner)]), _fur(layout))
