"""A scene: one person on one occasion before one camera, and any of it changed while the rest stays the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.portraits.attributes import ATTRIBUTES, hidden, switched
from lineament.datasets.portraits.laws import check, laws, one_of, within
from lineament.datasets.portraits.person import Person
from lineament.errors import UsageError, nearest

__all__ = ["Camera", "Expression", "Scene", "Session", "Wear", "counterfactual", "labels", "parameters"]


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


KINDS: dict[str, type] = {
    "person": Person,
    "wear": Wear,
    "expression": Expression,
    "session": Session,
    "camera": Camera,
}
PREFIXED = ("person", "session", "camera")
FIELDS = {
    f"{part}_{name}" if part in PREFIXED else name: (part, name) for part, kind in KINDS.items() for name in laws(kind)
}
"""The flat name of every parameter, and where in a scene it stands."""


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
