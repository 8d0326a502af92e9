"""Portraits as an ``AttributeDataset``: nothing is stored, every image is drawn when it is read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineament.datasets.base import AttributeDataset, split_by_identity
from lineament.datasets.portraits import picture
from lineament.datasets.portraits.attributes import ATTRIBUTES
from lineament.datasets.portraits.sampling import sample_scene
from lineament.datasets.portraits.scene import Scene, labels, parameters
from lineament.errors import UsageError

__all__ = ["Roll", "check_roll", "gathered", "portraits"]


@dataclass(frozen=True)
class Roll:
    """The frames of one data set, addressed by index; a few numbers, so that it travels between processes."""

    people: int
    images_per_person: int
    sessions: int
    size: int
    seed: int

    def __len__(self) -> int:
        return self.people * self.images_per_person

    def scene(self, i: int) -> Scene:
        """The scene of image ``i``; the images of a person follow each other, day by day."""
        person, image = self.place(i)
        return sample_scene(self.seed, person, self.session(image), image)

    def place(self, i: int) -> tuple[int, int]:
        """Whose image ``i`` is, and its number among the person's images."""
        if not 0 <= i < len(self):
            raise UsageError(f"portraits: image {i} asked for, there are {len(self)} (0 to {len(self) - 1})")
        return divmod(i, self.images_per_person)

    def session(self, image: int) -> int:
        """The number of the day on which a person's image number ``image`` was taken."""
        return image * self.sessions // self.images_per_person

    def read(self, i: int) -> NDArray[np.uint8]:
        """Image ``i``, ``(size, size, 3)`` uint8."""
        return picture.render(self.scene(i), self.size)

    def masks(self, i: int) -> dict[str, NDArray[np.bool_]]:
        """The region of every regional attribute in image ``i``."""
        return picture.masks(self.scene(i), self.size)

    def style(self, i: int) -> Mapping[str, float | str]:
        """Every parameter of image ``i``."""
        return parameters(self.scene(i))


def portraits(
    people: int = 1500, images_per_person: int = 6, *, sessions: int = 2, size: int = 64, seed: int = 0
) -> AttributeDataset:
    """Rendered faces with known truth: labels, identity, session, landmarks, masks and every parameter.

    Args:
        people: how many; identity is 0 to ``people - 1``, and they are split 70/15/15.
        images_per_person: over all sessions.
        sessions: days on which a person is portrayed, with other clothes, light and background each time.
        size: side in pixels, 32 to 512.
        seed: of everything; equal arguments give bit-equal images.

    Raises:
        UsageError: a size outside 32 to 512, fewer than one person, or more sessions than images of a person.
    """
    check_roll(people, images_per_person, sessions, size)
    return gathered(Roll(people, images_per_person, sessions, size, seed))


def check_roll(people: int, images_per_person: int, sessions: int, size: int) -> None:
    """Raise ``UsageError`` unless a roll can be made of these numbers."""
    picture.check_size(size)
    if people < 1 or not 1 <= sessions <= images_per_person:
        raise UsageError(
            f"portraits: expected at least one person and 1 to images_per_person sessions, "
            f"got people={people}, sessions={sessions}, images_per_person={images_per_person}"
        )


def gathered(roll: Roll) -> AttributeDataset:
    """The data set of a roll; its labels and landmarks are computed here, its images when they are read."""
    scenes = [roll.scene(i) for i in range(len(roll))]
    places = np.stack([picture.landmarks(scene) for scene in scenes])
    identity, image = np.divmod(np.arange(len(roll)), roll.images_per_person)
    return AttributeDataset(
        name="portraits",
        read=roll.read,
        names=[f"person{who:05d}_{number:03d}.png" for who, number in zip(identity, image, strict=True)],
        attributes=ATTRIBUTES,
        labels=np.stack([labels(scene) for scene in scenes]),
        identity=identity,
        session=np.array([str(roll.session(number)) for number in image]),
        split=split_by_identity(identity, seed=roll.seed),
        licence="Apache-2.0: drawn by lineament, no real person is shown",
        eyes=places[:, :2],
        masks=roll.masks,
        style=roll.style,
        landmarks=places,
    )
