"""What is not the head: the background, the neck, the clothes."""

import colorsys
from collections.abc import Callable
from itertools import pairwise

import skia

from lineament.datasets.portraits.brush import (
    Color,
    Point,
    blob,
    darker,
    halo,
    lighter,
    line,
    mirrored,
    oval,
    slope,
    solid,
)
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["FABRIC", "draw_background", "draw_body", "draw_neck"]

FABRIC: dict[str, Color] = {
    "navy": (0.15, 0.21, 0.38),
    "red": (0.76, 0.18, 0.18),
    "olive": (0.40, 0.43, 0.24),
    "mustard": (0.85, 0.63, 0.19),
    "charcoal": (0.24, 0.25, 0.28),
    "teal": (0.10, 0.47, 0.48),
    "cream": (0.93, 0.89, 0.80),
    "plum": (0.43, 0.20, 0.38),
    "sky": (0.55, 0.72, 0.86),
    "rose": (0.87, 0.58, 0.60),
}


def draw_background(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A soft wall, brighter on the side of the light."""
    session, (x, y) = scene.session, layout.to_light
    low, high = 0.42 + 0.3 * session.background_lightness, 0.62 + 0.3 * session.background_lightness
    top: Color = colorsys.hls_to_rgb(session.background_hue, high, 0.26)
    bottom: Color = colorsys.hls_to_rgb(session.background_hue + 0.04, low, 0.26)
    canvas.drawPaint(halo((34 * x, -4 + 34 * y), 105, (lighter(top, 0.35), 1), (top, 1), (bottom, 1)))


def draw_neck(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """The neck and the upper chest, with the shadow of the chin on them."""
    half = 14.5 if "Male" in scene.present else 10
    outline = [(half, 12), (half, 32), (half + 1, 37), (half + 12, 43), (half + 16, 62)]
    path = blob(mirrored(outline))
    canvas.drawPath(path, solid(darker(layout.skin, 0.12)))
    shade = darker(layout.skin, 0.55)
    canvas.drawPath(path, slope((0, layout.chin - 3), (0, layout.chin + 11), (shade, 0.75), (shade, 0)))
    for side in (-1, 1):  # collar bones
        canvas.drawPath(line([(side * 3, 46.5), (side * 9, 44.5), (side * 17, 44)]), solid(shade, 0.22, 0.8))


def draw_body(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Shoulders in a pullover, a shirt or a turtleneck; a necktie always comes with a shirt."""
    color, shape = FABRIC[scene.wear.clothes_color], scene.wear.clothes_shape
    if "Wearing_Necktie" in scene.present:
        shape = "shirt"
    elif "Wearing_Necklace" in scene.present and shape in ("turtleneck", "shirt"):
        shape = "vee"  # a necklace needs bare skin behind it
    half, shoulder = (15, 45) if "Male" in scene.present else (12, 37)
    dark, light, (x, y) = darker(color, 0.32), lighter(color, 0.14), layout.to_light
    cloth = slope((35 * x, 44 + 10 * y), (-35 * x, 50), (light, 1), (color, 1), (dark, 1))
    canvas.drawPath(_garment(half, shoulder, *NECKLINE[shape]), cloth)
    COLLARS[shape](canvas, scene, color, half)


NECKLINE = {"crew": (42.0, 43.0), "vee": (44.0, 58.0), "shirt": (40.0, 47.0), "turtleneck": (33.0, 33.0)}
"""How low the neckline of each garment hangs, at its sides and in the middle."""


def _garment(half: float, shoulder: float, rim: float, dip: float) -> skia.Path:
    """From the neck over the shoulders to below the picture, and back on the other side."""
    side: list[Point] = [(half, 36), (half + 9, 39.5), (shoulder - 3, 42), (shoulder + 4, 48), (shoulder + 6, 70)]
    path = skia.Path()
    path.moveTo(-half, 36)
    path.quadTo(-half * 0.8, rim, 0, dip)
    path.quadTo(half * 0.8, rim, half, 36)
    for (x, y), (next_x, next_y) in pairwise(side[1:]):
        path.quadTo(x, y, (x + next_x) / 2, (y + next_y) / 2)
    path.lineTo(shoulder + 6, 75)
    path.lineTo(-shoulder - 6, 75)
    for (x, y), (next_x, next_y) in pairwise(side[::-1]):
        path.quadTo(-x, y, -(x + next_x) / 2, (y + next_y) / 2)
    path.close()
    return path


def _crew(canvas: skia.Canvas, scene: Scene, color: Color, half: float) -> None:
    rim = line([(-half, 36), (-half * 0.8, 42), (0, 44.5), (half * 0.8, 42), (half, 36)])
    canvas.drawPath(rim, solid(darker(color, 0.22), 1, 2.2))


def _vee(canvas: skia.Canvas, scene: Scene, color: Color, half: float) -> None:
    for side in (-1, 1):
        rim = line([(side * half, 36), (side * half * 0.8, 44), (0, 58)])
        canvas.drawPath(rim, solid(darker(color, 0.22), 1, 1.8))


def _turtleneck(canvas: skia.Canvas, scene: Scene, color: Color, half: float) -> None:
    tube = [(half + 0.5, 33.5), (half + 2, 41), (half * 0.4, 44)]
    top = half + 1.2
    canvas.drawPath(blob([(-top, 32), *((-x, y) for x, y in tube), *tube[::-1], (top, 32), (0, 34.5)]), solid(color))
    canvas.drawPath(line([(-half - 1, 40), (0, 45), (half + 1, 40)]), solid(darker(color, 0.3), 0.8, 1))


def _shirt(canvas: skia.Canvas, scene: Scene, color: Color, half: float) -> None:
    """A collar of two leaves, and between them the necktie or a row of buttons."""
    pale = lighter(color, 0.55)
    if "Wearing_Necktie" in scene.present:
        _necktie(canvas, scene)
    else:
        canvas.drawLine(0, 47, 0, 70, solid(darker(color, 0.3), 0.7, 0.6))
    for side in (-1, 1):
        leaf = skia.Path()
        leaf.addPoly([(side * (half + 0.8), 34), (side * 1.2, 44.5), (side * 7, 50), (side * (half + 3), 39)], True)
        canvas.drawPath(leaf, solid(pale))
        canvas.drawPath(leaf, solid(darker(color, 0.3), 0.5, 0.5))


def _necktie(canvas: skia.Canvas, scene: Scene) -> None:
    color = FABRIC[scene.wear.necktie_color]
    blade = skia.Path()
    blade.addPoly([(-2.6, 46), (2.6, 46), (5.6, 70), (-5.6, 70)], True)
    canvas.drawRect(skia.Rect(-9, 43, 9, 70), solid((0.97, 0.97, 0.96)))
    canvas.drawPath(blade, slope((-5, 0), (5, 0), (lighter(color, 0.15), 1), (darker(color, 0.25), 1)))
    if scene.wear.necktie_pattern == "striped":
        canvas.save()
        canvas.clipPath(blade, True)
        for y in (49, 54, 59):
            canvas.drawLine(-8, y + 3, 8, y - 3, solid(lighter(color, 0.6), 1, 1.4))
        canvas.restore()
    knot = skia.Path()
    knot.addPoly([(-4.2, 42), (4.2, 42), (2.6, 47), (-2.6, 47)], True)
    canvas.drawPath(knot, solid(color))
    canvas.drawOval(oval((-1, 43.8), 1.4, 1), solid(lighter(color, 0.35), 0.6))


COLLARS: dict[str, Callable[[skia.Canvas, Scene, Color, float], None]] = {
    "crew": _crew,
    "vee": _vee,
    "turtleneck": _turtleneck,
    "shirt": _shirt,
}
