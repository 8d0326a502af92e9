"""Hair, in three layers: behind the neck, over the shoulders, and on the head."""

import math

import skia

from lineament.datasets.portraits.brush import Point, arc, blob, darker, edge, lighter, line, mix, slope, solid
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_hair_behind", "draw_hair_on_head", "draw_hair_on_shoulders"]

FALL = {"bob": 24.0, "long": 60.0}
"""How far down hanging hair reaches, in plane units."""

SIDES = {"short": -3.0, "bun": -2.0, "bob": 19.0, "long": 15.0}
"""How far down the hair on the head reaches before the ears."""


def _strand(layout: Layout, start: Point, stop: Point, ripple: float = 1.0) -> list[Point]:
    """A line of hair, straight or in waves about as long as they are apart on any other strand."""
    length = math.dist(start, stop)
    return edge(start, stop, max(3, round(length / 5.5)) if layout.ripple else 4, layout.ripple * ripple)


def _gloss(layout: Layout) -> skia.Paint:
    """Hair with a band of light around the crown."""
    x, color = layout.to_light[0], layout.hair
    stops = [(darker(color, 0.25), 1.0), (lighter(color, 0.16), 1.0), (color, 1.0), (darker(color, 0.30), 1.0)]
    return slope((10 * x, -32 - layout.volume), (-8 * x, 14), *stops)


def draw_hair_behind(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """What hangs behind the neck, or is tied up behind the crown where no hat is."""
    length, shift = scene.person.hair_length, -layout.drift[0] * 0.4
    if "Bald" in scene.present or length == "short":
        return
    if length == "bun":
        if "Wearing_Hat" not in scene.present:
            _bun(canvas, layout, (shift, -33 - layout.volume))
        return
    half, fall, flare = _curtain(layout), FALL[length], 2.5 if length == "long" else 1.0
    crown = arc((shift, -8), (half, 24 + layout.volume), 180, 360, 11)
    right = _strand(layout, (shift + half + 0.5, -2), (shift + half + flare, fall), 1.3)
    left = _strand(layout, (shift - half - flare, fall), (shift - half - 0.5, -2), 1.3)
    hem = [(half * 0.5, fall + 2), (-half * 0.5, fall + 2)]
    canvas.drawPath(blob([*crown, *right, *hem, *left]), solid(darker(layout.hair, 0.30)))


def _curtain(layout: Layout) -> float:
    """Half the width of hair that hangs."""
    return layout.half + 2.5 + layout.volume * 0.7


def _bun(canvas: skia.Canvas, layout: Layout, centre: Point) -> None:
    radius = 7 + 0.4 * layout.volume
    canvas.drawPath(blob(arc(centre, (radius * 1.1, radius), 0, 340, 18, layout.ripple * 0.8)), _gloss(layout))
    swirl = arc(centre, (radius * 0.55, radius * 0.5), 160, 340, 6)
    canvas.drawPath(line(swirl), solid(darker(layout.hair, 0.45), 0.6, 1))


def draw_hair_on_shoulders(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Long hair falls over the shoulders on both sides of the neck."""
    if "Bald" in scene.present or scene.person.hair_length != "long":
        return
    half, shift = _curtain(layout), -layout.drift[0] * 0.4
    for side in (-1, 1):
        outer = _strand(layout, (shift + side * half, -4), (shift + side * (half + 2), 56), side * 1.3)
        inner = _strand(layout, (shift + side * (half - 8.5), 58), (side * (layout.half - 6), 8), side)
        canvas.drawPath(blob([*outer, (shift + side * (half - 3), 60), *inner]), _lock(layout, side))
        for inset in (2.5, 5.5):
            x = shift + side * (half - inset)
            canvas.drawPath(
                line(_strand(layout, (x, 8), (x - side, 56), 1.2)), solid(darker(layout.hair, 0.5), 0.45, 0.8)
            )


def _lock(layout: Layout, side: int) -> skia.Paint:
    color = layout.hair if side * layout.to_light[0] > 0 else darker(layout.hair, 0.18)
    return slope((0, -4), (0, 50), (darker(color, 0.2), 1), (lighter(color, 0.10), 1), (darker(color, 0.25), 1))


def draw_hair_on_head(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """The cap of hair down to the hairline, its strands, and the bangs."""
    if "Bald" in scene.present:
        return
    length, ripple = scene.person.hair_length, layout.ripple
    volume = min(layout.volume, 2.0) if "Wearing_Hat" in scene.present else layout.volume  # a hat presses it down
    end, half = SIDES[length], layout.half + 1.2 + layout.volume * (0.35 if length in ("short", "bun") else 0.7)
    lean = 1.6 * scene.person.hair_part if length == "short" else 0
    crown = arc((lean, -8), (half, 24 + volume), 178, 362, 21 if ripple else 11, ripple * 0.8)
    right = _strand(layout, (half + 0.3, -5), (half - 0.6, end), 0.7)
    left = _strand(layout, (-half + 0.6, end), (-half - 0.3, -5), 0.7)
    cap = blob([*crown, *right, *_hairline(scene, layout, end), *left])
    canvas.save()
    canvas.translate(-0.8 * layout.to_light[0], 1.4)
    canvas.drawPath(cap, solid(darker(layout.skin, 0.6), 0.32))  # its shadow on the forehead
    canvas.restore()
    canvas.drawPath(cap, _gloss(layout))
    _strands(canvas, scene, layout, volume)
    if "Bangs" in scene.present:
        _bangs(canvas, scene, layout)


def _hairline(scene: Scene, layout: Layout, end: float) -> list[Point]:
    """From the image-right side over the forehead to the left one; the hair parts where the line is highest."""
    half, (dx, dy) = layout.half, layout.drift
    part, top = scene.person.hair_part * 12 + dx, -20.5 - mix(-1.5, 2.5, scene.person.hair_recession) + dy
    ear = half - 0.6 if end < 5 else half - 1.2
    right = [(ear, end), (ear - 0.4, -6), (half - 4.2 + dx * 0.4, -14 + dy), (half - 8 + dx * 0.8, top + 1.8)]
    left = [(-half + 8 + dx * 0.8, top + 1.8), (-half + 4.2 + dx * 0.4, -14 + dy), (0.4 - ear, -6), (-ear, end)]
    return [*right, (part + 5, top - 0.3), (part, top - 2.6), (part - 5, top - 0.3), *left]


def _strands(canvas: skia.Canvas, scene: Scene, layout: Layout, volume: float) -> None:
    """Lines that sweep from the parting to the sides, wavy or straight, light and dark in turn."""
    part, dx = scene.person.hair_part * 12 + layout.drift[0], layout.drift[0]
    light, dark = skia.Path(), skia.Path()
    for side in (-1, 1):
        for share in (0.25, 0.5, 0.75):
            start = (part + side * 0.8, -24.5 - volume * share * 0.8)
            stop = (side * (layout.half - 1 + volume * 0.25 * share), -8.5 - 6 * share)
            bend = (mix(start[0], stop[0], 0.62) + dx * 0.2, mix(-25, -27 - volume, share))
            waves = [*_strand(layout, start, bend), *_strand(layout, bend, stop)[1:]]
            (dark if share == 0.5 else light).addPath(line(waves if layout.ripple else [start, bend, stop]))
    soft = 0.6 if layout.ripple else 1  # waves are busy enough
    canvas.drawPath(light, solid(lighter(layout.hair, 0.35), 0.35 * soft, 0.9))
    canvas.drawPath(dark, solid(darker(layout.hair, 0.5), 0.5 * soft, 0.9))


def _bangs(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A fringe over the forehead, to just above the brows, higher on the side it is swept from."""
    half, (dx, dy) = layout.half - 2.2, layout.drift
    low, sweep = mix(-13.2, -11.8, scene.person.bangs_depth) + dy, 2.0 * scene.person.bangs_sweep
    ends = edge((half + dx * 0.5, low + sweep), (-half + dx * 0.5, low - sweep), 13, 0.8 + 0.5 * layout.ripple)
    crown = arc((dx * 0.5, -16), (half - 0.5, 11), 180, 360, 7)
    fringe = [*crown, (half + 0.8, -10), *ends, (-half - 0.8, -10)]
    stops = ((lighter(layout.hair, 0.10), 1.0), (layout.hair, 1.0), (darker(layout.hair, 0.22), 1.0))
    canvas.drawPath(blob(fringe), slope((0, -27), (0, low), *stops))
    strands = skia.Path()
    for share in (-0.7, -0.35, 0, 0.35, 0.7):
        x = share * half + dx * 0.5
        strand = edge((x * 0.8, -24), (x + 1.5 * sweep, low - 1 - share * sweep), 5, 0.1 + layout.ripple * 0.7)
        strands.addPath(line(strand))
    canvas.drawPath(strands, solid(darker(layout.hair, 0.5), 0.45, 0.8))
