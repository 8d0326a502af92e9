"""Portraits by design: chosen attributes are on or off by a coin that nothing else in the picture knows of."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset
from lineament.datasets.portraits.attributes import ATTRIBUTES, switched
from lineament.datasets.portraits.dataset import Roll, check_roll, gathered
from lineament.datasets.portraits.laws import laws, pick
from lineament.datasets.portraits.sampling import sample_scene
from lineament.datasets.portraits.scene import FIELDS, KINDS, Scene, counterfactual
from lineament.errors import UsageError, nearest

__all__ = ["LAWS", "STYLE", "Toss", "toss", "tossed"]

STYLE: dict[str, tuple[str, ...]] = {
    "Bangs": ("person_bangs_depth", "person_bangs_sweep"),
    "Eyeglasses": ("eyeglasses_shape", "eyeglasses_color", "eyeglasses_tint", "eyeglasses_thickness"),
    "Goatee": ("person_goatee_length",),
    "Heavy_Makeup": ("makeup_color", "makeup_strength"),
    "Mouth_Slightly_Open": ("mouth_opening",),
    "Mustache": ("person_mustache_shape",),
    "Rosy_Cheeks": ("blush_strength",),
    "Sideburns": ("person_sideburns_length",),
    "Smiling": ("smile_width", "smile_curve"),
    "Wavy_Hair": ("person_wave_size",),
    "Wearing_Earrings": ("earrings_shape", "earrings_color", "earrings_size"),
    "Wearing_Hat": ("hat_shape", "hat_color"),
    "Wearing_Lipstick": ("lipstick_shade",),
    "Wearing_Necklace": ("necklace_shape", "necklace_color"),
    "Wearing_Necktie": ("necktie_color", "necktie_pattern"),
}
"""The parameters that decide how an attribute looks where it is, by their names in ``parameters``."""

LAWS = {key: laws(KINDS[part])[parameter] for key, (part, parameter) in FIELDS.items()}
"""What each parameter may be."""

SPARE_DAYS = 6
"""Days looked at beyond the wanted ones before a person is passed over."""

PATIENCE = 500
"""People passed over in a row before the call is refused: no attribute that can be tossed is as rarely free."""


def tossed(
    attributes: Sequence[str],
    people: int = 1500,
    images_per_person: int = 6,
    *,
    sessions: int = 2,
    size: int = 64,
    seed: int = 0,
) -> AttributeDataset:
    """Portraits whose ``attributes`` are each on or off by a fair coin of the image's own, in a style of its own.

    Style, too, is drawn anew for every image, so that it tells nothing of the person. Days and people on which one of
    the attributes could not be switched alone are passed over: a bald head has no bangs, a necktie takes the necklace
    off. So a tossed label is independent of every other label, of the person, the session and the camera. What a hat
    hides stays hidden (-1). Everything else, the people and the arguments are as in `portraits`; equal arguments give
    bit-equal images.

    Raises:
        UsageError: as `portraits`, or an attribute that is unknown, named twice, or that never changes alone.
    """
    return gathered(toss(attributes, people, images_per_person, sessions=sessions, size=size, seed=seed))


def toss(
    attributes: Sequence[str],
    people: int = 1500,
    images_per_person: int = 6,
    *,
    sessions: int = 2,
    size: int = 64,
    seed: int = 0,
) -> "Toss":
    """The scenes of `tossed`, for those who render them again with something changed."""
    check_roll(people, images_per_person, sessions, size)
    names = tuple(sorted(attributes))
    for name in names:
        if name not in ATTRIBUTES:
            raise UsageError(nearest(name, ATTRIBUTES, "attribute"))
    if len(set(names)) != len(names):
        raise UsageError(f"tossed: an attribute is named twice in {', '.join(names)}")
    frames = _frames(names, people, sessions, seed)
    return Toss(people, images_per_person, sessions, size, seed, names, frames)


@dataclass(frozen=True)
class Toss(Roll):
    """A roll whose ``attributes`` are tossed; ``frames`` ``(people, 1 + sessions)`` numbers whom it shows, and when."""

    attributes: tuple[str, ...]
    frames: NDArray[np.int64]

    def scene(self, i: int) -> Scene:
        """The scene of image ``i``."""
        who, image = self.place(i)
        person, day = self.frames[who, 0], self.frames[who, 1 + self.session(image)]
        random = Random(f"toss/{self.seed}/{person}/{image}")
        # each attribute draws its coin and its style whether or not it shows, so that no coin moves another
        changes: dict[str, bool | float | str] = {}
        for name in self.attributes:
            changes[name] = random.random() < 0.5
            changes |= {key: pick(LAWS[key], random) for key in STYLE.get(name, ())}
        return counterfactual(sample_scene(self.seed, int(person), int(day), image), **changes)


def _frames(attributes: tuple[str, ...], people: int, sessions: int, seed: int) -> NDArray[np.int64]:
    """The first people, each with the first days, on which the attributes can be switched alone."""
    frames: list[list[int]] = []
    person, last = 0, -1
    while len(frames) < people:
        free = (day for day in range(sessions + SPARE_DAYS) if _free(sample_scene(seed, person, day), attributes))
        days = list(islice(free, sessions))
        if len(days) == sessions:
            frames.append([person, *days])
            last = person
        elif person - last == PATIENCE:
            raise UsageError(f"tossed: switching {', '.join(attributes)} always changes other labels, too; toss fewer")
        person += 1
    return np.array(frames)


def _free(scene: Scene, attributes: tuple[str, ...]) -> bool:
    """Whether the attributes can be all on and all off while every other one stays; then so can any mixture."""
    others = scene.present - set(attributes)
    for on, wanted in ((True, others | set(attributes)), (False, others)):
        present = scene.present
        for name in attributes:
            present = switched(present, name, on)
        if present != wanted:
            return False
    return True
