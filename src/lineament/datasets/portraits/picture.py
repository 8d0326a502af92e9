"""From a scene to pixels: the drawing in its layers, the camera that takes it, and where everything came to lie."""

import numpy as np
import skia
from numpy.typing import NDArray

from lineament.datasets.portraits.attributes import REGIONAL
from lineament.datasets.portraits.brush import Point, mix
from lineament.datasets.portraits.draw_eyes import draw_brows, draw_eyes
from lineament.datasets.portraits.draw_hair import draw_hair_behind, draw_hair_on_head, draw_hair_on_shoulders
from lineament.datasets.portraits.draw_head import draw_ears, draw_head
from lineament.datasets.portraits.draw_mouth import draw_beard, draw_mouth, draw_mustache, draw_nose, draw_sideburns
from lineament.datasets.portraits.draw_setting import draw_background, draw_body, draw_neck
from lineament.datasets.portraits.draw_wear import draw_earrings, draw_eyeglasses, draw_hat, draw_necklace
from lineament.datasets.portraits.layout import Layout, lay_out
from lineament.datasets.portraits.scene import Scene, counterfactual
from lineament.errors import UsageError

__all__ = ["SIZES", "landmarks", "masks", "render"]

SIZES = (32, 512)
"""The smallest and the largest side of a picture, in pixels."""

PLANE = 100.0
CELLS = 6
STEPS = [1.2 * step / CELLS - 0.6 for step in range(CELLS + 1)]
GRID = [(x, y) for y in STEPS for x in STEPS]
CORNERS = [row * (CELLS + 1) + column for row in range(CELLS) for column in range(CELLS)]
TRIANGLES = [corner + step for corner in CORNERS for step in (0, 1, CELLS + 1, 1, CELLS + 2, CELLS + 1)]
VISIBLE = 5 / 255
"""A change of this much in any channel, noise aside, counts as part of an attribute's region."""


def render(scene: Scene, size: int = 64) -> NDArray[np.uint8]:
    """The picture ``(size, size, 3)`` uint8 RGB of a scene; the same scene gives the same bytes.

    Raises:
        UsageError: a size outside ``SIZES``.
    """
    pixels = _exposed(scene, size)
    random = np.random.Generator(np.random.SFC64(int(scene.camera.noise_seed)))
    noise = random.standard_normal(pixels.shape, dtype=np.float32)
    pixels += noise * np.float32(mix(0.4, 3.5, scene.camera.noise))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def masks(scene: Scene, size: int = 64) -> dict[str, NDArray[np.bool_]]:
    """The region ``(size, size)`` bool of every attribute in ``REGIONAL``: where its removal changes the picture.

    Empty for an attribute that is absent. The removal is ``counterfactual``'s; noise is left out.
    """
    whole, empty = _exposed(scene, size), np.zeros((size, size), dtype=bool)
    return {
        name: np.abs(_exposed(counterfactual(scene, **{name: False}), size) - whole).max(2) > 255 * VISIBLE
        if name in scene.present
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
    return matrix.postTranslate(1.8 * camera.shift_x, 1.2 * camera.shift_y + 1.5)


def _head(scene: Scene) -> skia.Matrix:
    """The head's roll, about the neck."""
    return skia.Matrix().setRotate(scene.camera.roll, 0, 28)


def _bent(scene: Scene, point: Point) -> Point:
    """The lens: a point, in fractions from the middle of the picture, pulled in or pushed out with its distance."""
    x, y = point
    factor = 1 + 0.22 * scene.camera.distortion * (x * x + y * y - 0.12)
    return x * factor, y * factor


def _exposed(scene: Scene, size: int) -> NDArray[np.float32]:
    """The picture before noise: ``(size, size, 3)`` float32 in [0, 255], bent and blurred by the lens, tinted."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"size: expected a whole number of pixels from {SIZES[0]} to {SIZES[1]}, got {size!r}")
    surface = skia.Surface(int(size), int(size))
    canvas = surface.getCanvas()
    canvas.scale(size / PLANE, size / PLANE)
    canvas.translate(PLANE / 2, PLANE / 2)
    _draw(canvas, scene)
    warmth = 0.03 * scene.camera.white_balance + 0.035 * scene.session.light_warmth
    gains = np.array([1 + warmth, 1, 1 - warmth, 1], dtype=np.float32)
    return (_through_lens(surface, scene, size) * gains)[:, :, :3]


def _through_lens(surface: skia.Surface, scene: Scene, size: int) -> NDArray[np.uint8]:
    """Draw the picture once more on a bent grid, out of focus by a share of its width."""
    blur = mix(*((0.017, 0.022) if "Blurry" in scene.present else (0.0, 0.003)), scene.camera.blur) * size
    source = [skia.Point((x + 0.5) * size, (y + 0.5) * size) for x, y in GRID]
    target = [skia.Point((x + 0.5) * size, (y + 0.5) * size) for x, y in (_bent(scene, point) for point in GRID)]
    mesh = skia.Vertices(skia.Vertices.kTriangles_VertexMode, target, source, None, TRIANGLES)
    lens = skia.Surface(int(size), int(size))
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear)
    image = surface.makeImageSnapshot()
    shader = image.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, sampling)
    lens.getCanvas().drawVertices(mesh, skia.Paint(Shader=shader, AntiAlias=False), skia.BlendMode.kSrc)
    if blur < 0.15:
        return _pixels(lens)
    soft = skia.Surface(int(size), int(size))
    focus = skia.Paint(ImageFilter=skia.ImageFilters.Blur(blur, blur, skia.TileMode.kClamp))
    soft.getCanvas().drawImage(lens.makeImageSnapshot(), 0, 0, sampling, focus)
    return _pixels(soft)


def _pixels(surface: skia.Surface) -> NDArray[np.uint8]:
    rgba: NDArray[np.uint8] = surface.toarray(colorType=skia.kRGBA_8888_ColorType)
    return rgba


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
    draw_brows(canvas, scene, layout)
    draw_hair_on_head(canvas, scene, layout)
    draw_eyeglasses(canvas, scene, layout)
    draw_earrings(canvas, scene, layout)
    draw_hat(canvas, scene, layout)
