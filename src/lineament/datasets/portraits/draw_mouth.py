"""Nose and mouth."""

import skia

from lineament.datasets.portraits.brush import Point, blob, darker, glow, lighter, line, oval, slope, solid
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_mouth", "draw_nose"]


def draw_nose(canvas: skia.Canvas, layout: Layout) -> None:
    """A bridge with light on one side and shadow on the other, wings, nostrils, a lit tip."""
    (x, y), half = layout.nose, layout.nose_half
    _bridge(canvas, layout)
    deep, under = darker(layout.skin, 0.62), (x, y + 2.4)
    canvas.drawOval(oval(under, half * 1.15, 2.6), glow(under, half, deep, 0.4))
    for side in (-half, half):
        wing = [
            (x + side * 0.72, y - 3),
            (x + side * 1.3, y - 1.6),
            (x + side * 1.05, y + 1.6),
            (x + side * 0.55, y + 1.3),
        ]
        canvas.drawPath(line(wing), solid(deep, 0.85, 1.0))
        canvas.drawOval(oval((x + side * 0.48, y + 1), half * 0.24, 0.75), solid(darker(layout.skin, 0.78), 0.9))


def _bridge(canvas: skia.Canvas, layout: Layout) -> None:
    (x, y), half, top = layout.nose, layout.nose_half, (layout.eyes[0][0] + layout.eyes[1][0]) / 2
    away = -1 if layout.to_light[0] > 0 else 1
    shade, shine = darker(layout.skin, 0.42), lighter(layout.skin, 0.7)
    dark = [(top + away * 1.6, -7), (top + away * 2.4, 0), (x + away * half * 1.05, y - 3), (x + away * half, y + 0.8)]
    flank = blob([*dark, (x, y + 1.4), (x + away * 0.6, y - 4), (top + away * 0.4, -4)])
    canvas.drawPath(flank, slope((x, -6), (x, y + 1), (shade, 0.12), (shade, 0.55)))
    tip = (x - away * half * 0.2, y - 2.2)
    canvas.drawCircle(tip, half * 0.6, glow(tip, half * 0.6, shine, 0.75 * layout.strength))
    ridge = line([(top - away * 0.3, -3), ((top + x) / 2 - away * 0.3, 2), (x - away * 0.4, y - 4)])
    canvas.drawPath(ridge, solid(shine, 0.25 * layout.strength, 1.5))


def draw_mouth(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Lips, and between them, when they part, teeth and the dark of the mouth."""
    (x, y), half, lift, smiling = layout.mouth, layout.mouth_half, layout.smile, "Smiling" in scene.present
    left, right = (x - half, y - lift), (x + half, y - lift)
    sag = lift * 0.55 if smiling else 0  # how far a smile's middle hangs below its corners
    above, below = y - layout.gape * 0.35 + sag * 0.6, y + layout.gape * 0.75 + sag
    shadow = (x, below + layout.lip + 2.2)
    canvas.drawOval(oval(shadow, half * 0.7, 2.2), glow(shadow, half * 0.6, darker(layout.skin, 0.5), 0.4))
    if layout.gape:
        # the middle of a quadratic curve lies halfway to its control point
        _inside(canvas, left, right, 2 * above - y + lift * 0.6, 2 * below - y + lift * 0.7, smiling, layout.gape)
    _lips(canvas, layout, left, right, above, below)
    if not layout.gape:
        seam = [left, (x - half / 2, y + sag * 0.4), (x, y + sag), (x + half / 2, y + sag * 0.4), right]
        canvas.drawPath(line(seam), solid(darker(layout.lips, 0.6), 0.9, 0.95))
    if smiling:
        for (px, py), side in ((left, -1), (right, 1)):
            dimple = line([(px + side * 0.6, py - 3), (px + side * 2.6, py), (px + side * 0.6, py + 3)])
            canvas.drawPath(dimple, solid(darker(layout.skin, 0.5), 0.65, 1))


def _lips(canvas: skia.Canvas, layout: Layout, left: Point, right: Point, above: float, below: float) -> None:
    """The upper lip with its bow, the lower one with its shine; ``above`` and ``below`` are their inner edges."""
    (x, y), half, lip, lift = layout.mouth, layout.mouth_half, layout.lip, layout.smile
    bow = above - lip * 1.25
    upper, lower = skia.Path(), skia.Path()
    upper.moveTo(*left)
    upper.quadTo(x - half * 0.5, bow - lift * 0.25, x - half * 0.16, bow - 0.1)
    upper.quadTo(x, bow + 0.7, x + half * 0.16, bow - 0.1)
    upper.quadTo(x + half * 0.5, bow - lift * 0.25, *right)
    upper.quadTo(x, 2 * above - y + lift * 0.6, *left)
    lower.moveTo(*left)
    lower.quadTo(x, 2 * (below + lip * 1.35) - y + lift * 0.7, *right)
    lower.quadTo(x, 2 * below - y + lift * 0.7, *left)
    canvas.drawPath(upper, solid(darker(layout.lips, 0.16)))
    canvas.drawPath(lower, solid(layout.lips))
    shine = (x + 1.5 * layout.to_light[0], below + lip * 0.55 - 0.15 * lift)
    canvas.drawOval(oval(shine, half * 0.34, lip * 0.4), solid(lighter(layout.lips, 0.6), 0.4))


def _inside(canvas: skia.Canvas, left: Point, right: Point, top: float, low: float, smiling: bool, gape: float) -> None:
    """The open mouth; a smile shows a row of teeth, a parted mouth only their edge and the tongue."""
    x, bottom = (left[0] + right[0]) / 2, (left[1] + low) / 2
    hole, teeth = skia.Path(), skia.Path()
    hole.moveTo(*left)
    hole.quadTo(x, top, *right)
    hole.quadTo(x, low, *left)
    canvas.drawPath(hole, solid((0.30, 0.06, 0.07)))
    canvas.save()
    canvas.clipPath(hole, True)
    canvas.drawOval(oval((x, bottom + 0.6), 4.5, 2.0), solid((0.80, 0.36, 0.36)))
    teeth.moveTo(left[0] + 1.2, left[1] - 1)
    teeth.quadTo(x, top + gape * (2.5 if smiling else 1), right[0] - 1.2, right[1] - 1)
    teeth.quadTo(x, top - 2, left[0] + 1.2, left[1] - 1)
    canvas.drawPath(teeth, solid((0.98, 0.97, 0.94)))
    canvas.restore()
