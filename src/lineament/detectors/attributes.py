"""CelebA's forty attributes, and which face part carries which (the assignment behind tables 2.13 and 2.16).

The dissertation prints only how many attributes each part has: 10, 10, 10, 7, 16, 15, 21, 15, 15 and 14. The
assignment here follows what an attribute is (a mustache is seen by every part that shows the upper lip), takes the
sex- and age-linked ones where a part shows enough to tell, and meets the printed counts exactly.
"""

__all__ = ["CELEBA_ATTRIBUTES", "PART_ATTRIBUTES"]

CELEBA_ATTRIBUTES: tuple[str, ...] = tuple(
    """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
    Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male
    Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks
    Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace
    Wearing_Necktie Young""".split()  # noqa: SIM905, forty quoted strings read worse
)
"""In the column order of CelebA's list_attr_celeba.txt."""

_EYES = (
    "Arched_Eyebrows Attractive Bags_Under_Eyes Bushy_Eyebrows Eyeglasses Heavy_Makeup Male Narrow_Eyes Young Blurry"
)
_BEARD = "5_o_Clock_Shadow Goatee Mustache No_Beard"
_HAIR = "Bald Bangs Black_Hair Blond_Hair Brown_Hair Gray_Hair Receding_Hairline Straight_Hair Wavy_Hair Wearing_Hat"

PART_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    part: tuple(sorted(attributes.split(), key=CELEBA_ATTRIBUTES.index))
    for part, attributes in {
        "Eye": _EYES,
        "BothEyes": _EYES,
        "Mouth": _BEARD + " Big_Lips Heavy_Makeup Male Mouth_Slightly_Open Smiling Wearing_Lipstick",
        "Nose": "Big_Nose Pointy_Nose Male Attractive Young Pale_Skin Blurry",
        "EyesNose": _EYES + " Big_Nose Pointy_Nose High_Cheekbones Pale_Skin Rosy_Cheeks Smiling",
        "NoseMouth": _BEARD
        + " Big_Lips Big_Nose Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Pointy_Nose Rosy_Cheeks Smiling"
        " Wearing_Lipstick Young",
        "EyesNoseMouth": _BEARD
        + " Arched_Eyebrows Attractive Big_Lips Big_Nose Chubby Eyeglasses Heavy_Makeup High_Cheekbones Male"
        " Mouth_Slightly_Open Oval_Face Pale_Skin Pointy_Nose Rosy_Cheeks Smiling Wearing_Lipstick Young",
        "UpperHead": _HAIR + " Attractive Blurry Male Pale_Skin Young",
        "MouthChin": _BEARD
        + " Big_Lips Chubby Double_Chin Male Mouth_Slightly_Open Oval_Face Smiling Wearing_Lipstick Wearing_Necklace"
        " Wearing_Necktie Young",
        "Ear": "5_o_Clock_Shadow Bald Black_Hair Blond_Hair Brown_Hair Chubby Gray_Hair Male No_Beard Sideburns"
        " Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat",
    }.items()
}
"""Part name to the attributes its network is trained on; 133 places in all, every attribute at least once."""
