"""A person: what makes one face differ from another and stays from day to day."""

from dataclasses import dataclass

from lineament.datasets.portraits.laws import one_of, within

__all__ = ["Person"]


@dataclass(frozen=True)
class Person:
    """The shape and colours of a face; places in [0, 1] are places inside a range that ``layout`` fixes.

    Whatever an attribute decides (a big nose, bushy brows, pale skin) has its place inside *both* ranges, with and
    without the attribute, so that the attribute can be switched while the rest of the person stays.
    """

    skin_tone: float = within()
    skin_warmth: float = within()
    face_width: float = within()
    face_length: float = within()
    jaw_width: float = within()
    chin_width: float = within()
    ear_size: float = within()
    eye_spacing: float = within()
    eye_size: float = within()
    eye_tilt: float = within(-1, 1)
    eye_openness: float = within()
    iris_color: str = one_of("brown", "brown", "brown", "hazel", "green", "blue", "gray")
    brow_thickness: float = within()
    brow_arch: float = within()
    brow_height: float = within()
    nose_width: float = within()
    nose_length: float = within()
    mouth_width: float = within()
    lip_fullness: float = within()
    hair_length: str = one_of("short", "bob", "long", "bun")
    hair_shade: float = within()
    hair_volume: float = within()
    hair_part: float = within(-1, 1)
    hair_recession: float = within()
    bangs_depth: float = within()
    bangs_sweep: float = within(-1, 1)
    wave_size: float = within()
    mustache_shape: str = one_of("chevron", "handlebar", "pencil")
    goatee_length: float = within()
    sideburns_length: float = within()
    wrinkle_depth: float = within()
