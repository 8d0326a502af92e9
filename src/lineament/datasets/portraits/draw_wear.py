"""What the head wears: glasses, a hat, earrings; and the necklace."""

from collections.abc import Callable

import skia

from lineament.datasets.portraits.brush import Color, arc, blob, darker, glow, lighter, line, mix, oval, slope, solid
from lineament.datasets.portraits.draw_head import head_path
from lineament.datasets.portraits.draw_setting import FABRIC
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_earrings", "draw_eyeglasses", "draw_hat", "draw_necklace"]

FRAME: dict[str, Color] = {
    "black": (0.07, 0.07, 0.09),
    "tortoise": (0.38, 0.20, 0.08),
    "red": (0.70, 0.08, 0.12),
    "blue": (0.10, 0.20, 0.58),
    "gold": (0.60, 0.40, 0.08),
}
JEWEL: dict[str, Color] = {
    "gold": (0.96, 0.76, 0.22),
    "silver": (0.88, 0.91, 0.95),
    "ruby": (0.85, 0.06, 0.20),
    "emerald": (0.02, 0.60, 0.36),
}


def draw_eyeglasses(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Two tinted lenses with a glint, their frame, bridge and temples."""
    if "Eyeglasses" not in scene.present:
        return
    color, width = FRAME[scene.wear.eyeglasses_color], mix(1.2, 2.2, scene.wear.eyeglasses_thickness)
    frame, tint = solid(color, 1, width), mix(0.12, 0.5, scene.wear.eyeglasses_tint)
    lens = slope((0, -11), (0, 7), (darker(color, 0.3), tint), (lighter(color, 0.5), tint * 0.6))
    for (x, y), ear, side in zip(layout.eyes, layout.ears, (-1, 1), strict=True):
        path = _lens(scene.wear.eyeglasses_shape, x + side * 0.4, y + 0.9, side)
        canvas.drawPath(path, lens)
        canvas.drawLine(x + 3.4, y + 5, x + 6.2, y + 1.4, solid((1, 1, 1), 0.45, 1.3))
        canvas.drawPath(path, frame)
        canvas.drawLine(x + side * 8.2, y - 1.6, ear[0] - side * 0.5, y - 0.6, frame)
    (left, y), (right, _) = layout.eyes
    bridge = [(left + 7.2, y - 0.4), ((left + right) / 2, y - 2.6), (right - 7.2, y - 0.4)]
    canvas.drawPath(line(bridge), frame)
    if scene.wear.eyeglasses_shape == "aviator":
        canvas.drawLine(left + 6, y - 5, right - 6, y - 5, frame)


def _lens(shape: str, x: float, y: float, side: int) -> skia.Path:
    if shape == "round":
        return skia.Path.Circle(x, y, 7.9)
    if shape == "square":
        return skia.Path.RRect(skia.RRect.MakeRectXY(oval((x, y), 8.2, 6.4), 1.6, 1.6))
    if shape == "cat_eye":
        inner = [(x - side * 8.4, y - 3.5), (x - side * 8.2, y + 5), (x, y + 7.4), (x + side * 8, y + 4)]
        return blob([*inner, (x + side * 10.6, y - 8.2), (x + side * 9.6, y - 7.8), (x, y - 5.6)])
    inner = [(x - side * 8.6, y - 6.8), (x - side * 7.6, y + 3.6), (x - side * 1, y + 9.6), (x + side * 8.2, y + 7)]
    return blob([*inner, (x + side * 10, y - 6), (x + side * 5, y - 7.2)])


def draw_hat(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A cap, a beanie or a hat with a brim; it ends above the brows, so that bangs still show below it."""
    if "Wearing_Hat" in scene.present:
        color, x = FABRIC[scene.wear.hat_color], layout.to_light[0]
        shade = darker(layout.skin, 0.6)
        canvas.save()
        canvas.clipPath(head_path(layout), True)
        canvas.drawRect(skia.Rect(-30, -21, 30, -11), slope((0, -16.5), (0, -11), (shade, 0.55), (shade, 0)))
        canvas.restore()
        stops = ((lighter(color, 0.18), 1.0), (color, 1.0), (darker(color, 0.40), 1.0))
        canvas.translate(0, -3)
        HATS[scene.wear.hat_shape](canvas, layout, color, slope((26 * x, -34), (-26 * x, -18), *stops))


def _cap(canvas: skia.Canvas, layout: Layout, color: Color, cloth: skia.Paint) -> None:
    half, (dx, dy) = layout.half + 2.6, layout.drift
    canvas.drawPath(blob([*arc((0, -17), (half, 25), 180, 360, 11), (half * 0.9, -15.5), (-half * 0.9, -15.5)]), cloth)
    seam = darker(color, 0.45)
    for share in (-0.45, 0.45):
        canvas.drawPath(line([(dx, -41), (share * half * 1.3, -37), (share * half + dx, -19)]), solid(seam, 0.55, 0.7))
    canvas.drawCircle(dx * 0.6, -41.2, 1.6, solid(darker(color, 0.25)))
    visor = [(-half + dx, -17), (-half * 0.5 + dx * 1.5, -24), (half * 0.5 + dx * 1.5, -24), (half + dx, -17)]
    front = [(half * 0.85 + dx * 2, -12.5 + dy), (dx * 2, -15 + dy), (-half * 0.85 + dx * 2, -12.5 + dy)]
    canvas.drawPath(
        blob([*visor, *front]), slope((0, -22), (0, -12), (lighter(color, 0.12), 1), (darker(color, 0.45), 1))
    )


def _beanie(canvas: skia.Canvas, layout: Layout, color: Color, cloth: skia.Paint) -> None:
    half = layout.half + 2.8
    canvas.drawPath(blob([*arc((0, -17), (half, 28), 180, 360, 11), (half * 0.9, -16), (-half * 0.9, -16)]), cloth)
    band = skia.RRect.MakeRectXY(skia.Rect(-half - 1, -23, half + 1, -14), 4, 4)
    canvas.drawRRect(band, slope((0, -23), (0, -14), (lighter(color, 0.25), 1), (darker(color, 0.2), 1)))
    ribs = skia.Path()
    for step in range(-5, 6):
        x = step * half / 5.4
        ribs.moveTo(x, -21.6)
        ribs.lineTo(x, -15.4)
    canvas.drawPath(ribs, solid(darker(color, 0.45), 0.6, 0.8))


def _brim(canvas: skia.Canvas, layout: Layout, color: Color, cloth: skia.Paint) -> None:
    half, (dx, dy) = layout.half, layout.drift
    crown = [(half - 1, -16), (half - 0.5, -28), (half - 5, -44), (6, -45), (dx, -41), (-6, -45), (-half + 5, -44)]
    canvas.drawPath(blob([*crown, (-half + 0.5, -28), (-half + 1, -16)]), cloth)
    canvas.drawRect(skia.Rect(-half + 1.2, -24, half - 1.2, -18), solid(darker(color, 0.6)))
    wide = half + 15
    brim = [(-wide, -20), (-half, -22.5), (0, -20.5), (half, -22.5), (wide, -20), (wide * 0.6, -13), (dx, -12 + dy)]
    canvas.drawPath(
        blob([*brim, (-wide * 0.6, -13)]),
        slope((0, -22), (0, -12), (lighter(color, 0.20), 1), (darker(color, 0.40), 1)),
    )


HATS: dict[str, Callable[[skia.Canvas, Layout, Color, skia.Paint], None]] = {
    "cap": _cap,
    "beanie": _beanie,
    "brim": _brim,
}


def draw_earrings(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """One at each ear lobe, in front of the hair."""
    if "Wearing_Earrings" not in scene.present:
        return
    color, size = JEWEL[scene.wear.earrings_color], mix(0.9, 1.3, scene.wear.earrings_size)
    for (x, y), side in zip(layout.ears, (-1, 1), strict=True):
        lobe = (x + side * 1.2, y + layout.ear * 1.45)
        if scene.wear.earrings_shape == "hoop":
            ring = oval((lobe[0], lobe[1] + 3.6 * size), 2.9 * size, 3.8 * size)
            canvas.drawOval(ring, solid(darker(color, 0.5), 1, 2.3))
            canvas.drawOval(ring, solid(color, 1, 1.5))
        elif scene.wear.earrings_shape == "drop":
            canvas.drawLine(*lobe, lobe[0], lobe[1] + 4 * size, solid(darker(color, 0.3), 1, 1))
            gem = blob([(lobe[0], lobe[1] + 1.5 * size), *arc((lobe[0], lobe[1] + 6 * size), (3, 3.4), 0, 180, 5)])
            canvas.drawPath(
                gem, slope((lobe[0] - 3, 0), (lobe[0] + 3, 0), (lighter(color, 0.4), 1), (darker(color, 0.3), 1))
            )
        else:
            pearl = (lobe[0], lobe[1] + 1.2)
            canvas.drawCircle(*pearl, 3.0 * size, solid(darker(color, 0.35)))
            canvas.drawCircle(*pearl, 3.0 * size, glow((pearl[0] - 0.6, pearl[1] - 0.8), 3.4, lighter(color, 0.75), 1))


def draw_necklace(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """A chain, a row of pearls, or a pendant, around the bare neck."""
    if "Wearing_Necklace" not in scene.present:
        return
    color, half = JEWEL[scene.wear.necklace_color], 13.2 if "Male" in scene.present else 9.8
    loop = arc((0, 37), (half, 7.2), 8, 172, 13)
    if scene.wear.necklace_shape == "pearls":
        for point in loop:
            canvas.drawCircle(*point, 1.5, solid(darker(color, 0.3)))
            canvas.drawCircle(point[0] - 0.3, point[1] - 0.3, 1.0, solid(lighter(color, 0.55)))
        return
    canvas.drawPath(line(loop), solid(darker(color, 0.5), 1, 1.9))
    canvas.drawPath(line(loop), solid(color, 1, 1.2))
    if scene.wear.necklace_shape == "pendant":
        canvas.drawCircle(0, 46, 2.6, solid(darker(color, 0.4)))
        canvas.drawCircle(0, 46, 2.0, glow((-0.6, 45.3), 2.6, lighter(color, 0.7), 1))
