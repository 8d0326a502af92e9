"""Eyes and brows, with their make-up."""

import skia

from lineament.datasets.portraits.brush import Color, Point, blob, darker, glow, lighter, line, mix, solid
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_brows", "draw_eyes"]

SHADOW: dict[str, Color] = {
    "violet": (0.48, 0.16, 0.62),
    "blue": (0.12, 0.32, 0.74),
    "teal": (0.02, 0.48, 0.50),
    "copper": (0.66, 0.24, 0.06),
}

LASH: Color = (0.10, 0.07, 0.07)
IRIS = 2.75
"""Radius of the iris, in plane units."""


def draw_eyes(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Both eyes: make-up below, then the ball with iris and highlight, then lids and lashes."""
    for eye, side in zip(layout.eyes, (-1, 1), strict=True):
        if "Heavy_Makeup" in scene.present:
            _makeup(canvas, scene, layout, eye, side)
        _eye(canvas, scene, layout, eye, side)


def _lids(layout: Layout, scene: Scene, eye: Point, side: int) -> tuple[list[Point], list[Point]]:
    """The upper and the lower lid, each from the inner to the outer corner."""
    (x, y), half, opening, tilt = eye, layout.eye, layout.opening, 0.7 * scene.person.eye_tilt
    inner, outer = (x - side * half, y + 0.9 + tilt * 0.5), (x + side * half, y - tilt)
    upper = [(x - side * half * 0.45, y - opening * 1.25), (x + side * half * 0.5, y - opening * 1.3)]
    lower = [(x - side * half * 0.4, y + opening), (x + side * half * 0.5, y + opening * 0.95)]
    return [inner, *upper, outer], [inner, *lower, outer]


def _eye(canvas: skia.Canvas, scene: Scene, layout: Layout, eye: Point, side: int) -> None:
    upper, lower = _lids(layout, scene, eye, side)
    ball = line(upper)
    ball.quadTo(*lower[2], (lower[1][0] + lower[2][0]) / 2, (lower[1][1] + lower[2][1]) / 2)
    ball.quadTo(*lower[1], *lower[0])
    canvas.drawPath(ball, solid((0.97, 0.96, 0.95)))
    canvas.save()
    canvas.clipPath(ball, True)
    _iris(canvas, layout, eye[0] + 0.9 * scene.expression.gaze, eye[1] - 0.1)
    canvas.drawPath(line(upper), solid((0.15, 0.1, 0.12), 0.35, 2.2))  # the lid's shadow on the ball
    canvas.restore()
    crease = [(px, py - 1.6) for px, py in upper]
    canvas.drawPath(line(crease), solid(darker(layout.skin, 0.5), 0.55, 0.6))
    canvas.drawPath(line(lower), solid(darker(layout.skin, 0.6), 0.45, 0.5))
    male, (outer_x, outer_y) = "Male" in scene.present, upper[-1]
    canvas.drawPath(line(upper), solid(LASH, 0.9, 0.8 if male else 1.35))
    for lift, reach in () if male else ((1.5, 2.2), (2.7, 1.2)):
        canvas.drawLine(outer_x, outer_y, outer_x + side * reach, outer_y - lift, solid(LASH, 0.9, 0.75))


def _iris(canvas: skia.Canvas, layout: Layout, x: float, y: float) -> None:
    """A dark rim, a glow in its lower half, the pupil, and the light that the eye mirrors."""
    canvas.drawCircle(x, y, IRIS, solid(darker(layout.iris, 0.35)))
    canvas.drawCircle(x, y + 0.3, IRIS * 0.86, solid(layout.iris))
    canvas.drawCircle(x, y, IRIS, glow((x, y + 1.4), 2.2, lighter(layout.iris, 0.5), 0.7))
    canvas.drawCircle(x, y, 1.25, solid((0.04, 0.03, 0.04)))
    canvas.drawCircle(x + 1.1 * layout.to_light[0], y + 1.2 * layout.to_light[1], 0.72, solid((1, 1, 1), 0.95))


def _makeup(canvas: skia.Canvas, scene: Scene, layout: Layout, eye: Point, side: int) -> None:
    """Eye shadow up to the brow, and a dark wing beyond the outer corner."""
    (x, y), color = eye, SHADOW[scene.wear.makeup_color]
    half = layout.eye
    lid = [(x - side * (half + 0.6), y + 0.5), (x - side * half * 0.5, y - 6), (x + side * half * 0.7, y - 6.6)]
    alpha = mix(0.72, 0.95, scene.wear.makeup_strength)
    canvas.drawPath(blob([*lid, (x + side * (half + 3.6), y - 3), (x + side * half, y + 1.5)]), solid(color, alpha))
    upper, lower = _lids(layout, scene, eye, side)
    ink = solid((0.05, 0.03, 0.06), 1, 1.7)
    canvas.drawPath(line([*upper[1:], (upper[-1][0] + side * 3.2, upper[-1][1] - 2.2)]), ink)
    canvas.drawPath(line(lower), solid((0.05, 0.03, 0.06), 0.9, 1.1))


def draw_brows(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A tapering arch over each eye."""
    arch, thick = mix(0.8, 2.4, scene.person.brow_arch), layout.brow_width
    for (x, y), side in zip(layout.brows, (-1, 1), strict=True):
        top = [(x - side * 6, y + 1 - thick * 0.35), (x + side, y - arch - thick * 0.55), (x + side * 6.6, y + 0.2)]
        low = [(x + side * 1.4, y - arch + thick * 0.5), (x - side * 6, y + 1 + thick * 0.5)]
        canvas.drawPath(blob([*top[:2], top[2], top[2], *low]), solid(layout.brow, 0.93))
