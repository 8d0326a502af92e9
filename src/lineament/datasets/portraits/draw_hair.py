"""Hair, in three layers: behind the neck, over the shoulders, and on the head."""

import skia

from lineament.datasets.portraits.brush import Point, arc, blob, darker, edge, lighter, line, mix, slope, solid
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_hair_behind", "draw_hair_on_head", "draw_hair_on_shoulders"]

FALL = {"short": 0.0, "bun": 0.0, "bob": 24.0, "long": 60.0}
"""How far down the hair reaches, in plane units."""


def _gloss(layout: Layout) -> skia.Paint:
    """Hair with a band of light around the crown."""
    x, color = layout.to_light[0], layout.hair
    stops = [(darker(color, 0.25), 1.0), (lighter(color, 0.16), 1.0), (color, 1.0), (darker(color, 0.30), 1.0)]
    return slope((10 * x, -32 - layout.volume), (-8 * x, 14), *stops)


def draw_hair_behind(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """What hangs behind the neck, or is tied up behind the crown."""
    length = scene.person.hair_length
    if "Bald" in scene.present or length == "short":
        return
    color, shift = darker(layout.hair, 0.30), -layout.drift[0] * 0.4
    if length == "bun":
        if "Wearing_Hat" not in scene.present:
            radius = 7 + 0.4 * layout.volume
            top = (shift, -33 - layout.volume)
            canvas.drawPath(blob(arc(top, (radius * 1.1, radius), 0, 340, 18, layout.ripple * 0.8)), _gloss(layout))
            swirl = arc(top, (radius * 0.55, radius * 0.5), 160, 340, 6)
            canvas.drawPath(line(swirl), solid(darker(layout.hair, 0.45), 0.6, 1))
        return
    half, fall = layout.half + 2.5 + layout.volume * 0.7, FALL[length]
    bumps = 11 if layout.ripple else 5
    ripple = layout.ripple * 1.3
    over = arc((shift, -8), (half, 24 + layout.volume), 180, 360, 11)
    flare = 2.5 if length == "long" else 1.0
    right = edge((half + shift + 0.5, -2), (half + flare + shift, fall), bumps, ripple)
    left = edge((-half - flare + shift, fall), (-half + shift - 0.5, -2), bumps, ripple)
    canvas.drawPath(blob([*over, *right, (half * 0.5, fall + 2), (-half * 0.5, fall + 2), *left]), solid(color))


def draw_hair_on_shoulders(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Long hair falls over the shoulders on both sides of the neck."""
    if "Bald" in scene.present or scene.person.hair_length != "long":
        return
    half, shift = layout.half + 2.5 + layout.volume * 0.7, -layout.drift[0] * 0.4
    for side in (-1, 1):
        outer = edge(
            (side * half + shift, -4),
            (side * (half + 2) + shift, 56),
            11 if layout.ripple else 5,
            side * layout.ripple * 1.3,
        )
        inner = edge(
            (side * (half - 8.5) + shift, 58),
            (side * (layout.half - 6), 8),
            9 if layout.ripple else 4,
            side * layout.ripple,
        )
        canvas.drawPath(blob([*outer, (side * (half - 3) + shift, 60), *inner]), _lock(layout, side))
        for inset in (2.5, 5.5):
            x = side * (half - inset) + shift
            strand = edge((x, 8), (x - side * 0.8, 56), 9 if layout.ripple else 4, layout.ripple * 1.2)
            canvas.drawPath(line(strand), solid(darker(layout.hair, 0.5), 0.45, 0.8))


def _lock(layout: Layout, side: int) -> skia.Paint:
    color = layout.hair if side * layout.to_light[0] > 0 else darker(layout.hair, 0.18)
    return slope((0, -4), (0, 50), (darker(color, 0.2), 1), (lighter(color, 0.10), 1), (darker(color, 0.25), 1))


def draw_hair_on_head(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """The cap of hair down to the hairline, its strands, and the bangs."""
    if "Bald" in scene.present:
        return
    covered = "Wearing_Hat" in scene.present
    length = scene.person.hair_length
    volume = min(layout.volume, 2.0) if covered else layout.volume
    side_end = {"short": -3.0, "bun": -2.0, "bob": 19.0, "long": 15.0}[length]
    half, ripple = layout.half + 1.2 + layout.volume * (0.35 if length in ("short", "bun") else 0.7), layout.ripple
    # curls need short bumps, straight hair a smooth outline
    sweep = 1.6 * scene.person.hair_part if length == "short" else 0
    outer = arc((sweep, -8), (half, 24 + volume), 178, 362, 21 if ripple else 11, ripple * 0.8)
    right = edge((half + 0.3, -5), (half - 0.6, side_end), 7 if ripple else 3, ripple * 0.7)
    left = edge((-half + 0.6, side_end), (-half - 0.3, -5), 7 if ripple else 3, ripple * 0.7)
    hairline = _hairline(scene, layout, side_end)
    cap = blob([*outer, *right, *hairline, *left])
    canvas.save()
    canvas.translate(-0.8 * layout.to_light[0], 1.4)
    canvas.drawPath(cap, solid(darker(layout.skin, 0.6), 0.32))  # its shadow on the forehead
    canvas.restore()
    canvas.drawPath(cap, _gloss(layout))
    _strands(canvas, scene, layout, volume)
    if "Bangs" in scene.present:
        _bangs(canvas, scene, layout)


def _hairline(scene: Scene, layout: Layout, side_end: float) -> list[Point]:
    """From the image-right side over the forehead to the left one; the hair parts where the line is highest."""
    half, (dx, dy) = layout.half, layout.drift
    recede = mix(-1.5, 2.5, scene.person.hair_recession)
    part = scene.person.hair_part * 12 + dx
    ear = half - 0.6 if side_end < 5 else half - 1.2
    sides = [(ear, side_end), (ear - 0.4, -6), (half - 4.2 + dx * 0.4, -14 + dy)]
    left = [(-x + dx * 0.8 if i == 2 else -x, y) for i, (x, y) in enumerate(sides)]
    top = -20.5 - recede + dy
    right_temple, left_temple = (half - 8 + dx * 0.8, top + 1.8), (-half + 8 + dx * 0.8, top + 1.8)
    return [
        *sides,
        right_temple,
        (part + 5, top - 0.3),
        (part, top - 2.6),
        (part - 5, top - 0.3),
        left_temple,
        *reversed(left),
    ]


def _strands(canvas: skia.Canvas, scene: Scene, layout: Layout, volume: float) -> None:
    """Lines that sweep from the parting to the sides, wavy or straight, light and dark in turn."""
    part, dx = scene.person.hair_part * 12 + layout.drift[0], layout.drift[0]
    path, dark = skia.Path(), skia.Path()
    for side in (-1, 1):
        for step, share in enumerate((0.25, 0.5, 0.75)):
            start = (part + side * 0.8, -24.5 - volume * share * 0.8)
            stop = (side * (layout.half - 1 + volume * 0.25 * share), -8.5 - 6 * share)
            bend = (mix(start[0], stop[0], 0.62) + dx * 0.2, mix(-25, -27 - volume, share))
            if layout.ripple:
                points = [*edge(start, bend, 5, layout.ripple), *edge(bend, stop, 5, layout.ripple)[1:]]
            else:
                points = [start, bend, stop]
            (dark if step % 2 else path).addPath(line(points))
    soft = 0.6 if layout.ripple else 1
    canvas.drawPath(path, solid(lighter(layout.hair, 0.35), 0.35 * soft, 0.9))
    canvas.drawPath(dark, solid(darker(layout.hair, 0.5), 0.5 * soft, 0.9))


def _bangs(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A fringe over the forehead, to just above the brows, higher on the side it is swept from."""
    half, (dx, dy) = layout.half - 2.2, layout.drift
    low, sweep = mix(-13.2, -11.8, scene.person.bangs_depth) + dy, 2.0 * scene.person.bangs_sweep
    ends = edge((half + dx * 0.5, low + sweep), (-half + dx * 0.5, low - sweep), 13, 0.8 + 0.5 * layout.ripple)
    crown = arc((dx * 0.5, -16), (half - 0.5, 11), 180, 360, 7)
    fringe = [*crown, (half + 0.8, -10), *ends, (-half - 0.8, -10)]
    canvas.drawPath(
        blob(fringe),
        slope((0, -27), (0, low), (lighter(layout.hair, 0.10), 1), (layout.hair, 1), (darker(layout.hair, 0.22), 1)),
    )
    strands = skia.Path()
    for share in (-0.7, -0.35, 0, 0.35, 0.7):
        x = share * half + dx * 0.5
        strand = edge((x * 0.8, -24), (x + 1.5 * sweep, low - 1 - share * sweep), 5, 0.1 + layout.ripple * 0.7)
        strands.addPath(line(strand))
    canvas.drawPath(strands, solid(darker(layout.hair, 0.5), 0.45, 0.8))
