"""From a scene to pixels: the drawing in its layers, the camera that takes it, and where everything came to lie."""

import numpy as np
import skia
from numpy.typing import NDArray

from lineament.datasets.portraits.attributes import REGIONAL, hidden
from lineament.datasets.portraits.brush import Point, mix
from lineament.datasets.portraits.draw_beard import draw_beard, draw_mustache, draw_sideburns
from lineament.datasets.portraits.draw_eyes import draw_brows, draw_eyes
from lineament.datasets.portraits.draw_hair import draw_hair_behind, draw_hair_on_head, draw_hair_on_shoulders
from lineament.datasets.portraits.draw_head import draw_ears, draw_head
from lineament.datasets.portraits.draw_mouth import draw_mouth, draw_nose
from lineament.datasets.portraits.draw_setting import draw_background, draw_body, draw_neck
from lineament.datasets.portraits.draw_wear import draw_earrings, draw_eyeglasses, draw_hat, draw_necklace
from lineament.datasets.portraits.layout import Layout, lay_out
from lineament.datasets.portraits.scene import Scene, counterfactual
from lineament.errors import UsageError

__all__ = ["SIZES", "check_size", "landmarks", "masks", "render"]

SIZES = (32, 512)
"""The smallest and the largest side of a picture, in pixels."""

PLANE = 100.0
LENS = skia.RuntimeEffect.MakeForShader("""
uniform shader picture; uniform float bend; uniform float size;
half4 main(float2 at) {
    float2 point = at / size - 0.5;
    return picture.eval((point * (1 + bend * (dot(point, point) - 0.12)) + 0.5) * size);
}
""")
"""Where in the drawing each pixel looks; ``_bent`` is its inverse."""

VISIBLE = 5 / 255
"""A change of this much in any channel, noise aside, counts as part of an attribute's region."""


def check_size(size: int) -> int:
    """``size`` as an int if pictures can have it, else a ``UsageError``."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"size: expected a whole number of pixels from {SIZES[0]} to {SIZES[1]}, got {size!r}")
    return int(size)


def render(scene: Scene, size: int = 64) -> NDArray[np.uint8]:
    """The picture ``(size, size, 3)`` uint8 RGB of a scene; the same scene gives the same bytes.

    Raises:
        UsageError: a size outside ``SIZES``.
    """
    pixels = _exposed(scene, size)
    random = np.random.Generator(np.random.SFC64(int(scene.camera.noise_seed)))
    grain = random.standard_normal((*pixels.shape[:2], 1), dtype=np.float32)
    pixels += grain * np.float32(mix(0.4, 3.5, scene.camera.noise)) + np.float32(0.5)
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)


def masks(scene: Scene, size: int = 64) -> dict[str, NDArray[np.bool_]]:
    """The region ``(size, size)`` bool of every attribute in ``REGIONAL``: where its removal changes the picture.

    Empty for an attribute that is absent, or that a hat hides. The removal is ``counterfactual``'s; noise is left out.
    """
    visible = scene.present - hidden(scene.present, scene.person.hair_length)
    whole, empty = _exposed(scene, size), np.zeros((size, size), dtype=bool)
    return {
        name: np.abs(_exposed(counterfactual(scene, **{name: False}), size) - whole).max(2) > 255 * VISIBLE
        if name in visible
        else empty
        for name in REGIONAL
    }


def landmarks(scene: Scene) -> NDArray[np.float32]:
    """``(len(LANDMARKS), 2)`` float32 (x, y) in fractions of width and height, as pose and lens have placed them."""
    layout = lay_out(scene)
    (x, y), half, lift = layout.mouth, layout.mouth_half, layout.smile
    points = [*layout.eyes, layout.nose, (x - half, y - lift), (x + half, y - lift)]
    points += [(layout.drift[0] * 0.9, layout.chin), *layout.brows, *layout.ears, layout.mouth]
    upright = _upright(scene)
    upright.preConcat(_head(scene))
    placed = [_bent(scene, (p.x() / PLANE, p.y() / PLANE)) for p in upright.mapPoints([skia.Point(*q) for q in points])]
    return np.array(placed, dtype=np.float32) + np.float32(0.5)


def _upright(scene: Scene) -> skia.Matrix:
    """Zoom and shift of the camera, in plane units around the middle of the picture."""
    camera = scene.camera
    matrix = skia.Matrix.Scale(camera.zoom, camera.zoom)
    return matrix.postTranslate(1.8 * camera.shift_x, 1.2 * camera.shift_y + 0.5)


def _head(scene: Scene) -> skia.Matrix:
    """The head's roll, about the neck."""
    return skia.Matrix().setRotate(scene.camera.roll, 0, 28)


def _bent(scene: Scene, point: Point) -> Point:
    """Where the lens shows a point of the drawing, both in fractions from the middle of the picture."""
    x, y = point
    for _ in range(6):  # the fixed point of p (1 + bend (p^2 - 0.12)) = point; the bend is weak, so it contracts fast
        factor = 1 + _bend(scene) * (x * x + y * y - 0.12)
        x, y = point[0] / factor, point[1] / factor
    return x, y


def _bend(scene: Scene) -> float:
    return 0.22 * scene.camera.distortion


def _exposed(scene: Scene, size: int) -> NDArray[np.float32]:
    """The picture before noise: ``(size, size, 3)`` float32 in [0, 255], bent and blurred by the lens, tinted."""
    size = check_size(size)
    surface = skia.Surface(size, size)
    canvas = surface.getCanvas()
    canvas.scale(size / PLANE, size / PLANE)
    canvas.translate(PLANE / 2, PLANE / 2)
    _draw(canvas, scene)
    warmth = 0.03 * scene.camera.white_balance + 0.035 * scene.session.light_warmth
    gains = np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32)
    pixels: NDArray[np.float32] = np.multiply(_through_lens(surface, scene, size)[:, :, :3], gains, dtype=np.float32)
    return pixels


def _through_lens(surface: skia.Surface, scene: Scene, size: int) -> NDArray[np.uint8]:
    """The picture ``(size, size, 4)`` bent by the lens and out of focus by a share of its width."""
    lens = skia.RuntimeShaderBuilder(LENS)
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear)
    lens.setChild(
        "picture", surface.makeImageSnapshot().makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, sampling)
    )
    lens.setUniform("bend", _bend(scene))
    lens.setUniform("size", float(size))
    paint = skia.Paint(Shader=lens.makeShader())
    blur = mix(*((0.017, 0.022) if "Blurry" in scene.present else (0.0, 0.003)), scene.camera.blur) * size
    if blur > 0.15:  # less than this cannot be seen
        paint.setImageFilter(skia.ImageFilters.Blur(blur, blur))
    film = skia.Surface(size, size)
    film.getCanvas().drawPaint(paint)
    pixels: NDArray[np.uint8] = film.toarray(colorType=skia.kRGBA_8888_ColorType)
    return pixels


def _draw(canvas: skia.Canvas, scene: Scene) -> None:
    """Paint a scene, back to front, on a canvas whose plane is that of ``layout``."""
    layout = lay_out(scene)
    draw_background(canvas, scene, layout)
    canvas.concat(_upright(scene))
    canvas.save()
    canvas.concat(_head(scene))
    draw_hair_behind(canvas, scene, layout)
    canvas.restore()
    draw_neck(canvas, scene, layout)
    draw_body(canvas, scene, layout)
    draw_necklace(canvas, scene, layout)
    canvas.concat(_head(scene))
    draw_hair_on_shoulders(canvas, scene, layout)
    _draw_face(canvas, scene, layout)


def _draw_face(canvas: skia.Canvas, scene: Scene, layout: Layout) -> None:
    draw_ears(canvas, layout)
    draw_head(canvas, scene, layout)
    draw_sideburns(canvas, scene, layout)
    draw_beard(canvas, scene, layout)
    draw_nose(canvas, layout)
    draw_mouth(canvas, scene, layout)
    draw_mustache(canvas, scene, layout)
    draw_eyes(canvas, scene, layout)
    draw_hair_on_head(canvas, scene, layout)
    draw_brows(canvas, scene, layout)  # over the bangs, so that they can always be seen
    draw_eyeglasses(canvas, scene, layout)
    draw_earrings(canvas, scene, layout)
    draw_hat(canvas, scene, layout)
