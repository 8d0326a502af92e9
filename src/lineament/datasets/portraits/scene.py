"""A scene: one person on one occasion before one camera, and any of it changed while the rest stays the same."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.portraits.attributes import ATTRIBUTES, hidden, switched
from lineament.datasets.portraits.laws import check, draw, one_of, within
from lineament.datasets.portraits.person import Person, sample_person
from lineament.errors import UsageError, nearest

__all__ = ["Camera", "Expression", "Scene", "Session", "Wear", "counterfactual", "labels", "parameters", "sample_scene"]


@dataclass(frozen=True)
class Wear:
    """What is worn that day, and how it looks; drawn whether or not it is worn, so that it can be put on later."""

    eyeglasses_shape: str = one_of("round", "square", "cat_eye", "aviator")
    eyeglasses_color: str = one_of("black", "tortoise", "red", "blue", "gold")
    eyeglasses_tint: float = within()
    eyeglasses_thickness: float = within()
    hat_shape: str = one_of("cap", "beanie", "brim")
    hat_color: str = one_of("navy", "red", "olive", "mustard", "charcoal", "teal", "cream", "plum")
    earrings_shape: str = one_of("hoop", "drop", "pearl")
    earrings_color: str = one_of("gold", "silver", "ruby", "emerald")
    earrings_size: float = within()
    lipstick_shade: float = within()
    makeup_color: str = one_of("violet", "blue", "teal", "copper")
    makeup_strength: float = within()
    blush_strength: float = within()
    necklace_shape: str = one_of("chain", "pearls", "pendant")
    necklace_color: str = one_of("gold", "silver", "ruby", "emerald")
    necktie_color: str = one_of("navy", "red", "olive", "mustard", "charcoal", "teal", "plum")
    necktie_pattern: str = one_of("plain", "striped")
    clothes_shape: str = one_of("crew", "vee", "shirt", "turtleneck")
    clothes_color: str = one_of("navy", "red", "olive", "mustard", "charcoal", "teal", "cream", "plum", "sky", "rose")


@dataclass(frozen=True)
class Expression:
    """What a face does at the moment of the picture."""

    smile_width: float = within()
    smile_curve: float = within()
    mouth_opening: float = within()
    gaze: float = within(-1, 1)
    brow_raise: float = within()


@dataclass(frozen=True)
class Session:
    """The occasion: its light and background. The light's angle is in degrees, 0 from the right, -90 from above."""

    light_angle: float = within(-165, -15)
    light_strength: float = within()
    light_warmth: float = within(-1, 1)
    background_hue: float = within()
    background_lightness: float = within()


@dataclass(frozen=True)
class Camera:
    """Pose and picture taking. Yaw, pitch and distortion are shares of their extremes, roll is in degrees."""

    yaw: float = within(-1, 1)
    pitch: float = within(-1, 1)
    roll: float = within(-7, 7)
    zoom: float = within(0.89, 0.99)
    shift_x: float = within(-1, 1)
    shift_y: float = within(-1, 1)
    distortion: float = within(-1, 1)
    blur: float = within()
    noise: float = within()
    white_balance: float = within(-1, 1)
    noise_seed: float = within(0, 2**32 - 1)


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture, down to its noise; ``present`` names the attributes that are so."""

    person: Person
    wear: Wear
    expression: Expression
    session: Session
    camera: Camera
    present: frozenset[str]


PREFIX = {"person": "person_", "wear": "", "expression": "", "session": "session_", "camera": "camera_"}
KINDS: dict[str, type] = {
    "person": Person,
    "wear": Wear,
    "expression": Expression,
    "session": Session,
    "camera": Camera,
}
FIELDS = {prefix + entry.name: (part, entry.name) for part, prefix in PREFIX.items() for entry in fields(KINDS[part])}


def sample_scene(seed: int = 0, person: int = 0, session: int = 0, image: int = 0) -> Scene:
    """The scene of these four numbers: those with the same ``seed`` and ``person`` show one person, and so on down.

    Hats, glasses, jewellery, make-up, clothes, light and background are a session's; expression, pose and camera an
    image's. The same numbers give the same scene in every process.
    """
    # text seeds a Random the same way everywhere, and keeps the four streams apart
    who, own = sample_person(life := Random(f"{seed}/{person}"))
    glasses = life.random() < 0.45
    own_glasses = draw(Wear, life)
    day = Random(f"{seed}/{person}/{session}")
    moment = Random(f"{seed}/{person}/{session}/{image}")
    worn = _worn(day, own, glasses)
    frame = {name: value for name, value in asdict(own_glasses).items() if name.startswith("eyeglasses_")}
    wear = draw(Wear, day, **frame)
    passing = _passing(moment)
    present = switched(own | worn | passing, "Male", "Male" in own)  # a switch to what is already so settles No_Beard
    return Scene(who, wear, draw(Expression, moment), draw(Session, day), draw(Camera, moment), present)


def _worn(day: Random, own: frozenset[str], glasses: bool) -> frozenset[str]:
    """What the person puts on that day."""
    male = "Male" in own
    chances = {
        "Eyeglasses": 0.75 if glasses else 0.04,
        "Wearing_Hat": 0.18,
        "Wearing_Earrings": 0.08 if male else 0.5,
        "Wearing_Lipstick": 0.0 if male else 0.5,
        "Heavy_Makeup": 0.0 if male else 0.4,
        "Rosy_Cheeks": 0.12 if male else 0.32,
        "Wearing_Necktie": 0.35 if male else 0.0,
        "Wearing_Necklace": 0.08 if male else 0.4,
    }
    worn = {name for name, chance in chances.items() if day.random() < chance}
    return frozenset(worn - {"Wearing_Necklace"} if "Wearing_Necktie" in worn else worn)


def _passing(moment: Random) -> frozenset[str]:
    """What is so at the moment of the picture."""
    smiling = moment.random() < 0.48
    opened = moment.random() < (0.5 if smiling else 0.28)
    blurry = moment.random() < 0.1
    flags = (("Smiling", smiling), ("Mouth_Slightly_Open", opened), ("Blurry", blurry))
    return frozenset(name for name, flag in flags if flag)


def parameters(scene: Scene) -> dict[str, float | str]:
    """Every parameter of a scene under one flat name, identity's with ``person_`` in front; the same keys for all."""
    return {key: getattr(getattr(scene, part), name) for key, (part, name) in FIELDS.items()}


def labels(scene: Scene) -> NDArray[np.int8]:
    """``(len(ATTRIBUTES),)`` int8: 1 present, 0 absent, -1 where a hat hides what would tell."""
    values = np.array([name in scene.present for name in ATTRIBUTES], dtype=np.int8)
    values[[name in hidden(scene.present, scene.person.hair_length) for name in ATTRIBUTES]] = -1
    return values


def counterfactual(scene: Scene, **changes: bool | float | str) -> Scene:
    """The same scene, noise included, with attributes switched or parameters set; all else stays.

    Args:
        scene: the scene to change.
        **changes: an attribute's name with True or False, or a key of ``parameters`` with its new value:
            ``counterfactual(scene, Eyeglasses=True, eyeglasses_shape="round")``. Later ones win over earlier ones.

    Raises:
        UsageError: an unknown name, or a value its parameter cannot take.
    """
    present = scene.present
    parts: dict[str, dict[str, Any]] = {part: {} for part in KINDS}
    for key, value in changes.items():
        if key in FIELDS:
            part, name = FIELDS[key]
            parts[part][name] = check(KINDS[part], name, value)
        elif key not in ATTRIBUTES:
            raise UsageError(nearest(key, (*ATTRIBUTES, *FIELDS), "attribute or parameter"))
        elif not isinstance(value, (bool, np.bool_)):
            raise UsageError(f"{key}: expected True or False, got {value!r}")
        else:
            present = switched(present, key, bool(value))
    changed: Mapping[str, Any] = {part: replace(getattr(scene, part), **new) for part, new in parts.items() if new}
    return replace(scene, present=present, **changed)
