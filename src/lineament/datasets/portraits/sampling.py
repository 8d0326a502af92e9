"""Who, what and when at random: how common every attribute is, and the few that depend on each other."""

from dataclasses import asdict
from random import Random

from lineament.datasets.portraits.attributes import settled
from lineament.datasets.portraits.laws import draw
from lineament.datasets.portraits.person import Person
from lineament.datasets.portraits.scene import Camera, Expression, Scene, Session, Wear

__all__ = ["sample_scene"]


def sample_scene(seed: int = 0, person: int = 0, session: int = 0, image: int = 0) -> Scene:
    """The scene of these four numbers: those with the same ``seed`` and ``person`` show one person, and so on down.

    Hats, glasses, jewellery, make-up, clothes, light and background are a session's; expression, pose and camera an
    image's; all else is a person's. The same numbers give the same scene in every process.
    """
    # text seeds a Random the same way everywhere, and keeps the three streams apart
    life = Random(f"{seed}/{person}")
    day = Random(f"{seed}/{person}/{session}")
    moment = Random(f"{seed}/{person}/{session}/{image}")
    who, own = _sample_person(life)
    wearer, usual = life.random() < 0.45, asdict(draw(Wear, life))
    worn, passing = _worn(day, "Male" in own, wearer), _passing(moment)
    glasses = {name: value for name, value in usual.items() if name.startswith("eyeglasses_")}  # one pair for life
    wear = draw(Wear, day, **glasses)
    present = settled(own | worn | passing)
    return Scene(who, wear, draw(Expression, moment), draw(Session, day), draw(Camera, moment), present)


def _sample_person(random: Random) -> tuple[Person, frozenset[str]]:
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


def _worn(day: Random, male: bool, glasses: bool) -> frozenset[str]:
    """What is put on that day; ``glasses`` says whether the person is one who wears them."""
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
