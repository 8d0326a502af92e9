"""The attributes of a portrait under CelebA's names, how they bind each other, and when one cannot be seen."""

from collections.abc import Set

from lineament.errors import UsageError, nearest

__all__ = ["ATTRIBUTES", "HAIR_COLORS", "REGIONAL", "hidden", "settled", "switched"]

HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")

ATTRIBUTES = (
    *("Bald", "Bangs", "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows"),
    *("Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "Male", "Mouth_Slightly_Open", "Mustache", "No_Beard"),
    *("Pale_Skin", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings"),
    *("Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young"),
)

REGIONAL = tuple(name for name in ATTRIBUTES if name not in ("Blurry", "Male", "No_Beard", "Young"))
"""The attributes that cover a region of their own; the others are all over the picture, or an absence."""

BEARD = frozenset({"Mustache", "Goatee", "Sideburns"})

EXCLUDES: dict[str, frozenset[str]] = {
    **{color: frozenset({*HAIR_COLORS, "Bald"} - {color}) for color in HAIR_COLORS},
    "Bald": frozenset({*HAIR_COLORS, "Bangs", "Straight_Hair", "Wavy_Hair"}),
    "Bangs": frozenset({"Bald"}),
    "Straight_Hair": frozenset({"Wavy_Hair", "Bald"}),
    "Wavy_Hair": frozenset({"Straight_Hair", "Bald"}),
    "Wearing_Necktie": frozenset({"Wearing_Necklace"}),
    "Wearing_Necklace": frozenset({"Wearing_Necktie"}),
    "No_Beard": BEARD,
}
"""What goes when an attribute comes."""


def switched(present: Set[str], name: str, on: bool) -> frozenset[str]:
    """``present`` with one attribute switched on or off and only what that entails.

    Hair of none of the four colours is red; hair is straight or wavy; a beard is any of moustache, goatee and
    sideburns (all three together grow into a full one), and No_Beard says that none is there. Who loses
    ``Wavy_Hair`` has straight hair, who loses ``Bald`` has straight red hair, who loses ``No_Beard`` a goatee.
    """
    if name not in ATTRIBUTES:
        raise UsageError(nearest(name, ATTRIBUTES, "attribute"))
    result = set(present)
    if on:
        result = (result - EXCLUDES.get(name, frozenset())) | {name}
    elif name in result:
        result -= {name}
        result |= {"Straight_Hair": {"Wavy_Hair"}, "No_Beard": {"Goatee"}}.get(name, set())
    return settled(result)


def settled(present: Set[str]) -> frozenset[str]:
    """``present`` with what the others imply: hair that is not wavy is straight, a face without hair has no beard."""
    result = set(present) - {"No_Beard"}
    if not result & {"Bald", "Straight_Hair", "Wavy_Hair"}:
        result.add("Straight_Hair")
    return frozenset(result if result & BEARD else result | {"No_Beard"})


def hidden(present: Set[str], hair_length: str) -> frozenset[str]:
    """The attributes that nobody could read off the picture: a hat leaves too little of short hair to tell its wave."""
    if "Wearing_Hat" in present and hair_length in ("short", "bun") and "Bald" not in present:
        return frozenset({"Straight_Hair", "Wavy_Hair"})
    return frozenset()
