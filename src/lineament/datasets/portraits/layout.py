"""From a scene to where everything lies and what colour it has: the one place that turns parameters into ranges.

The plane is 100 units wide and high, whatever the picture's size; (0, 0) is its middle and y points down. Where an
attribute decides a parameter, its two ranges are far apart, so that no picture is a borderline case.
"""

import math
from dataclasses import dataclass

from lineament.datasets.portraits.attributes import HAIR_COLORS
from lineament.datasets.portraits.brush import Color, Point, blend, darker, mix
from lineament.datasets.portraits.scene import Scene

__all__ = ["LANDMARKS", "Layout", "lay_out", "lipstick"]

LANDMARKS = (
    *("left_eye", "right_eye", "nose_tip", "left_mouth_corner", "right_mouth_corner", "chin"),
    *("left_brow", "right_brow", "left_ear", "right_ear", "mouth_centre"),
)
"""Names of the landmarks in order; left and right are the picture's."""

SKIN: tuple[Color, ...] = ((0.91, 0.70, 0.54), (0.82, 0.58, 0.42), (0.63, 0.42, 0.29), (0.46, 0.29, 0.205))
PALE: tuple[Color, Color] = ((0.99, 0.87, 0.80), (0.97, 0.84, 0.76))
HAIR: dict[str, tuple[Color, Color]] = {
    "Black_Hair": ((0.06, 0.06, 0.07), (0.12, 0.11, 0.12)),
    "Brown_Hair": ((0.29, 0.18, 0.11), (0.40, 0.26, 0.16)),
    "Blond_Hair": ((0.86, 0.66, 0.33), (0.95, 0.82, 0.52)),
    "Gray_Hair": ((0.60, 0.61, 0.64), (0.80, 0.81, 0.83)),
    "": ((0.62, 0.21, 0.07), (0.74, 0.31, 0.11)),
}
BALD: Color = (0.24, 0.17, 0.13)
IRIS: dict[str, Color] = {
    "brown": (0.30, 0.17, 0.09),
    "hazel": (0.50, 0.35, 0.14),
    "green": (0.28, 0.48, 0.30),
    "blue": (0.25, 0.48, 0.72),
    "gray": (0.45, 0.52, 0.57),
}


@dataclass(frozen=True)
class Layout:
    """Places in plane units and colours; ``drift`` is how far the pose has moved the front of the face."""

    skin: Color
    hair: Color
    brow: Color
    iris: Color
    lips: Color
    to_light: Point
    strength: float
    drift: Point
    half: float
    top: float
    chin: float
    jaw: float
    chin_half: float
    eyes: tuple[Point, Point]
    eye: float
    opening: float
    brows: tuple[Point, Point]
    brow_width: float
    nose: Point
    nose_half: float
    mouth: Point
    mouth_half: float
    smile: float
    gape: float
    lip: float
    ears: tuple[Point, Point]
    ear: float
    volume: float
    ripple: float


def lay_out(scene: Scene) -> Layout:
    """Resolve every range of a scene."""
    person, present, expression, camera = scene.person, scene.present, scene.expression, scene.camera
    male = "Male" in present
    drift = (camera.yaw * 4.2, camera.pitch * 2.4)
    half = mix(20.5, 23, person.face_width) + (0.8 if male else 0)
    chin = mix(27, 31, person.face_length) + (0.8 if male else 0)
    skin, hair = _skin(scene), _hair(scene)
    spacing, raised = mix(10.1, 11.6, person.eye_spacing), expression.brow_raise
    eye_y = -3 + drift[1] * 0.8
    eyes = ((-spacing + drift[0] * 0.85, eye_y), (spacing + drift[0] * 0.85, eye_y))
    brow_y = eye_y - mix(7.6, 8.8, person.brow_height) - 0.8 * raised
    nose_y = mix(8.3, 10.8, person.nose_length) + drift[1] * 1.3
    smiling, gaping = "Smiling" in present, "Mouth_Slightly_Open" in present
    mouth = (drift[0] * 0.95, mix(nose_y - drift[1] * 0.3, chin, 0.46))
    ear_x = half + 0.6
    ears = (-ear_x - drift[0] * 0.35, 1 - drift[1] * 0.6), (ear_x - drift[0] * 0.35, 1 - drift[1] * 0.6)
    angle = math.radians(scene.session.light_angle)
    return Layout(
        skin=skin,
        hair=hair,
        brow=darker(hair, 0.25) if "Gray_Hair" in present else darker(hair, 0.4),
        iris=IRIS[person.iris_color],
        lips=_lips(scene, skin),
        to_light=(math.cos(angle), math.sin(angle)),
        strength=mix(0.35, 1, scene.session.light_strength),
        drift=drift,
        half=half,
        top=-30,
        chin=chin,
        jaw=half * (mix(0.88, 0.96, person.jaw_width) if male else mix(0.70, 0.78, person.jaw_width)),
        chin_half=mix(10.5, 13.5, person.chin_width) if male else mix(5.5, 8, person.chin_width),
        eyes=eyes,
        eye=mix(4.9, 5.9, person.eye_size) * (0.94 if male else 1.04),
        opening=mix(2.25, 2.9, person.eye_openness) * (0.76 if smiling else 1),
        brows=((eyes[0][0] - 0.6, brow_y), (eyes[1][0] + 0.6, brow_y)),
        brow_width=mix(*((4.1, 5.0) if "Bushy_Eyebrows" in present else (0.8, 1.3)), person.brow_thickness),
        nose=(drift[0] * 1.35, nose_y + (0.9 if "Big_Nose" in present else 0)),
        nose_half=mix(*((7.8, 9.0) if "Big_Nose" in present else (3.2, 4.0)), person.nose_width),
        mouth=mouth,
        mouth_half=mix(7.6, 9.0, person.mouth_width) + (mix(2.2, 3.6, expression.smile_width) if smiling else 0),
        smile=mix(4.0, 5.4, expression.smile_curve) if smiling else mix(-0.8, 0.0, expression.smile_curve),
        gape=mix(*((3.4, 5.2) if smiling else (2.9, 4.2)), expression.mouth_opening) if gaping else 0,
        lip=mix(1.5, 2.2, person.lip_fullness) * (0.8 if male else 1.25),
        ears=ears,
        ear=mix(3.6, 4.8, person.ear_size),
        volume=mix(1.5, 7, person.hair_volume) + (2.5 if "Wavy_Hair" in present else 0),
        ripple=mix(1.5, 2.3, person.wave_size) if "Wavy_Hair" in present else 0,
    )


def _skin(scene: Scene) -> Color:
    """Pale skin is near white; any other is at least clearly tanned."""
    tone = scene.person.skin_tone
    if "Pale_Skin" in scene.present:
        return blend(*PALE, tone)
    place = tone * (len(SKIN) - 1)
    step = min(int(place), len(SKIN) - 2)
    red, green, blue = blend(SKIN[step], SKIN[step + 1], place - step)
    return red, green * mix(0.97, 1.02, scene.person.skin_warmth), blue * mix(1.04, 0.96, scene.person.skin_warmth)


def _hair(scene: Scene) -> Color:
    if "Bald" in scene.present:
        return BALD
    color = next((name for name in HAIR_COLORS if name in scene.present), "")
    return blend(*HAIR[color], scene.person.hair_shade)


def _lips(scene: Scene, skin: Color) -> Color:
    """Bare lips stay near the skin."""
    if "Wearing_Lipstick" in scene.present:
        return lipstick(scene.wear.lipstick_shade)
    return blend(darker(skin, 0.16), (0.78, 0.42, 0.40), 0.30)


def lipstick(shade: float) -> Color:
    """From scarlet at 0 over crimson to plum at 1."""
    if shade < 0.5:
        return blend((0.90, 0.13, 0.16), (0.78, 0.04, 0.24), shade * 2)
    return blend((0.78, 0.04, 0.24), (0.50, 0.05, 0.32), shade * 2 - 1)
