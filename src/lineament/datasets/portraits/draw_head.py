"""The head: ears, skin with its light and shadow, blush, the lines of age."""

import skia

from lineament.datasets.portraits.brush import blob, darker, glow, lighter, line, mirrored, mix, oval, slope, solid
from lineament.datasets.portraits.layout import Layout
from lineament.datasets.portraits.scene import Scene

__all__ = ["draw_ears", "draw_head", "head_path"]


def head_path(layout: Layout) -> skia.Path:
    """The outline of the head."""
    half, chin = layout.half, layout.chin
    right = [
        (half * 0.22, -32.2),
        (half * 0.54, -30.2),
        (half * 0.82, -24.2),
        (half, -14),
        (half + 0.7, -3),
        (half + 0.2, 7),
        (layout.jaw, mix(7, chin, 0.58)),
        (layout.chin_half + 1, chin - 0.4),
        (layout.chin_half * 0.35, chin + 0.7),
    ]
    return blob(mirrored(right))


def draw_ears(canvas: skia.Canvas, layout: Layout) -> None:
    """Both ears, behind the head; the pose hides part of one."""
    inner = darker(layout.skin, 0.38)
    for (x, y), side in zip(layout.ears, (-1, 1), strict=True):
        canvas.drawOval(oval((x, y), layout.ear, layout.ear * 1.55), solid(darker(layout.skin, 0.10)))
        canvas.drawOval(oval((x + side * 0.5, y), layout.ear * 0.55, layout.ear * 1.0), solid(inner, 0.55))


def draw_head(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """The skin of the head, lit from the session's side."""
    path = head_path(layout)
    (x, y), half, strength = layout.to_light, layout.half, layout.strength
    bright, shadow = lighter(layout.skin, 0.16 * strength), darker(layout.skin, 0.16 + 0.26 * strength)
    light = slope((half * x, 2 + 30 * y), (-half * x, 2 - 30 * y), (bright, 1), (layout.skin, 1), (shadow, 1))
    canvas.drawPath(path, light)
    canvas.save()
    canvas.clipPath(path, True)
    _planes(canvas, layout)
    if "Bald" in scene.present:
        canvas.drawCircle(9 * x, -21, 12, glow((9 * x, -21), 12, (1, 1, 1), 0.42))
    if "Rosy_Cheeks" in scene.present:
        _blush(canvas, scene, layout)
    if "Young" not in scene.present:
        _wrinkles(canvas, scene, layout)
    canvas.restore()


def _planes(canvas: skia.Canvas, layout: Layout) -> None:
    """Forehead and cheeks catch the light, the eye sockets and the underside of the jaw do not."""
    (dx, dy), x, skin = layout.drift, layout.to_light[0], layout.skin
    shine, shade = lighter(skin, 0.45), darker(skin, 0.45)
    forehead = (dx + 6 * x, -17 + dy)
    canvas.drawCircle(forehead, 13, glow(forehead, 13, shine, 0.40 * layout.strength))
    for eye in layout.eyes:
        socket = (eye[0], eye[1] - 2.5)
        canvas.drawCircle(socket, 9, glow(socket, 9, shade, 0.28))
    lit = 1 if x > 0 else -1
    cheek = (dx + 12 * lit, 7 + dy)
    canvas.drawCircle(cheek, 9, glow(cheek, 9, shine, 0.38 * layout.strength))
    chin = (dx * 0.9, layout.chin - 5)
    canvas.drawCircle(chin, 7, glow(chin, 7, shine, 0.30))
    canvas.drawRect(
        skia.Rect(-30, layout.chin - 9, 30, layout.chin + 3),
        slope((0, layout.chin - 9), (0, layout.chin + 2), (shade, 0), (shade, 0.30)),
    )


def _blush(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    alpha = mix(0.46, 0.66, scene.wear.blush_strength)
    for eye in layout.eyes:
        cheek = (eye[0] * 1.12, eye[1] + 12)
        canvas.drawCircle(cheek, 8.5, glow(cheek, 8.5, (0.92, 0.20, 0.24), alpha))


def _wrinkles(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    """Bags under the eyes; lines on the forehead, beside the eyes, from the nose to the mouth and on to the chin."""
    (dx, dy), (nose_x, nose_y), (mouth_x, mouth_y) = layout.drift, layout.nose, layout.mouth
    lines = skia.Path()
    for y, half in ((-16.2, 9.5), (-13.2, 8)):
        lines.addPath(line([(dx - half, y + dy), (dx, y - 1.2 + dy), (dx + half, y + dy)]))
    for (x, y), side in zip(layout.eyes, (-1, 1), strict=True):
        bag = (x + side * 0.5, y + 5)
        canvas.drawCircle(*bag, 5, glow(bag, 5, darker(layout.skin, 0.6), 0.6))
        lines.addPath(line([(x - side * 4, y + 4.4), (x, y + 6.8), (x + side * 5, y + 4.6)]))
        wing, corner = nose_x + side * (layout.nose_half + 1.2), mouth_x + side * (layout.mouth_half + 2.4)
        lines.addPath(line([(wing, nose_y - 1), (wing + side * 4, nose_y + 3), (corner, mouth_y + 0.5)]))
        lines.addPath(line([(corner - side, mouth_y + 3), (corner, mouth_y + 5), (corner - side * 1.5, mouth_y + 8)]))
        for lift in (-1.2, 1.2):
            start = x + side * (layout.eye + 1.8)
            lines.moveTo(start, y + lift * 0.6)
            lines.lineTo(start + side * 3, y + lift * 1.8)
    canvas.drawPath(lines, solid(darker(layout.skin, 0.56), mix(0.6, 0.85, scene.person.wrinkle_depth), 1.15))
