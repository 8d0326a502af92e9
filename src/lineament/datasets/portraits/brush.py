"""Paints and outlines: colours as (red, green, blue) in [0, 1], points as (x, y), curves as quadratic B-splines."""

import math
from collections.abc import Sequence
from itertools import pairwise

import skia

__all__ = [
    *("Color", "Point", "arc", "blend", "blob", "darker", "edge", "glow", "halo", "lighter", "line", "mirrored"),
    *("mix", "oval", "slope", "solid"),
]

Color = tuple[float, float, float]
Point = tuple[float, float]


def mix(first: float, second: float, share: float) -> float:
    """``first`` at share 0, ``second`` at share 1."""
    return first + (second - first) * share


def blend(first: Color, second: Color, share: float) -> Color:
    """The colour ``share`` of the way from ``first`` to ``second``."""
    return (mix(first[0], second[0], share), mix(first[1], second[1], share), mix(first[2], second[2], share))


def lighter(color: Color, share: float) -> Color:
    """Towards white."""
    return blend(color, (1, 1, 1), share)


def darker(color: Color, share: float) -> Color:
    """Towards shadow, which keeps a little red: skin and hair turn warm, not grey."""
    return (color[0] * (1 - 0.85 * share), color[1] * (1 - share), color[2] * (1 - 0.95 * share))


def packed(color: Color, alpha: float) -> int:
    """A colour as skia's gradients take it."""
    red, green, blue = color
    return round(255 * alpha) << 24 | round(255 * red) << 16 | round(255 * green) << 8 | round(255 * blue)


def solid(color: Color, alpha: float = 1, width: float = 0, blur: float = 0) -> skia.Paint:
    """A paint of one colour: filling, or with ``width`` a round-ended line; ``blur`` is the sigma of its soft edge."""
    paint = skia.Paint(Color4f=skia.Color4f(*color, alpha), AntiAlias=True)
    if width:
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
    if blur:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    return paint


def slope(start: Point, end: Point, *stops: tuple[Color, float]) -> skia.Paint:
    """A linear gradient through evenly spaced (colour, alpha) stops."""
    colors = [packed(*stop) for stop in stops]
    return skia.Paint(AntiAlias=True, Shader=skia.GradientShader.MakeLinear([start, end], colors))


def halo(centre: Point, radius: float, *stops: tuple[Color, float]) -> skia.Paint:
    """A radial gradient outwards through evenly spaced (colour, alpha) stops."""
    colors = [packed(*stop) for stop in stops]
    return skia.Paint(AntiAlias=True, Shader=skia.GradientShader.MakeRadial(centre, radius, colors))


def glow(centre: Point, radius: float, color: Color, alpha: float) -> skia.Paint:
    """A halo from ``color`` at the centre to nothing at the radius."""
    return halo(centre, radius, (color, alpha), (color, alpha * 0.55), (color, 0))


def oval(centre: Point, half_width: float, half_height: float) -> skia.Rect:
    """The box of an ellipse, for ``Canvas.drawOval``."""
    x, y = centre
    return skia.Rect(x - half_width, y - half_height, x + half_width, y + half_height)


def blob(points: Sequence[Point]) -> skia.Path:
    """A closed smooth outline that the points pull towards themselves."""
    path = skia.Path()
    (x, y), (last_x, last_y) = points[0], points[-1]
    path.moveTo((x + last_x) / 2, (y + last_y) / 2)
    for (x, y), (next_x, next_y) in zip(points, (*points[1:], points[0]), strict=True):
        path.quadTo(x, y, (x + next_x) / 2, (y + next_y) / 2)
    path.close()
    return path


def line(points: Sequence[Point]) -> skia.Path:
    """An open smooth line from the first point to the last, pulled towards those between."""
    path = skia.Path()
    path.moveTo(*points[0])
    for (x, y), (next_x, next_y) in pairwise(points[1:-1]):
        path.quadTo(x, y, (x + next_x) / 2, (y + next_y) / 2)
    path.quadTo(*points[-2], *points[-1])
    return path


def mirrored(points: Sequence[Point], axis: float = 0) -> list[Point]:
    """The points of a right half, top to bottom, and their mirror images back up to the top."""
    return [*points, *((2 * axis - x, y) for x, y in reversed(points))]


def arc(centre: Point, radii: Point, start: float, stop: float, count: int, ripple: float = 0) -> list[Point]:
    """``count`` points of an ellipse between two angles in degrees, every other one pushed out by ``ripple``."""
    (x, y), (across, down) = centre, radii
    points = []
    for step in range(count):
        angle = math.radians(mix(start, stop, step / (count - 1)))
        push = ripple if step % 2 else -ripple
        points.append((x + (across + push) * math.cos(angle), y + (down + push) * math.sin(angle)))
    return points


def edge(start: Point, stop: Point, count: int, ripple: float = 0) -> list[Point]:
    """``count`` points of a straight line, every other one pushed sideways by ``ripple``."""
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    length = math.hypot(dx, dy) or 1
    points = []
    for step in range(count):
        share, push = step / (count - 1), ripple if step % 2 else -ripple
        points.append((start[0] + dx * share + push * dy / length, start[1] + dy * share - push * dx / length))
    return points
