"""A person: the shape of a face, and the attributes that stay with it from day to day."""

from dataclasses import dataclass
from random import Random

from lineament.datasets.portraits.laws import draw, one_of, within

__all__ = ["Person", "sample_person"]


@dataclass(frozen=True)
class Person:
    """What makes one face differ from another; places in [0, 1] are places inside a range that ``layout`` fixes.

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


def sample_person(random: Random) -> tuple[Person, frozenset[str]]:
    """A person and the attributes they keep; the few dependences are beards on men, grey hair on the old."""
    male, young = random.random() < 0.5, random.random() < 0.7
    chances = {
        "Bald": (0.20 if young else 0.30) if male else 0.04,
        "Bangs": 0.18 if male else 0.36,
        "Big_Nose": 0.40 if male else 0.25,
        "Bushy_Eyebrows": 0.40 if male else 0.20,
        "Pale_Skin": 0.20,
        "Mustache": 0.32 if male else 0.0,
        "Goatee": 0.36 if male else 0.0,
        "Sideburns": 0.38 if male else 0.0,
    }
    present = {name for name, chance in chances.items() if random.random() < chance}
    present |= {name for name, flag in (("Male", male), ("Young", young)) if flag}
    if "Bald" in present:
        # on a shaved head only a full beard reaches up to the ears
        present -= {"Bangs"} if {"Mustache", "Goatee"} <= present else {"Bangs", "Sideburns"}
    else:
        weights = (34, 28, 24, 2, 12) if young else (12, 12, 10, 60, 6)
        colors = ("Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair", "")
        present.update(random.choices(colors, weights))
        present.discard("")
        present.add("Wavy_Hair" if random.random() < 0.42 else "Straight_Hair")
    length = random.choices(("short", "bob", "long", "bun"), (90, 0, 10, 0) if male else (14, 26, 44, 16))[0]
    return draw(Person, random, hair_length=length), frozenset(present)
