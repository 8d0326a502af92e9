"""What stands before a classifier of chapter 5, by its name, and what its images follow from, so that they can be kept.

The spelling of a projection's settings is frozen here: a field that comes or goes must not cost what hours computed.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from lineament.defense.defense_gan import defense_gan
from lineament.defense.modes import ProjectionConfig
from lineament.defense.networks import Encoder, Generator
from lineament.defense.projection import project_through
from lineament.purifier import Purifier
from lineament.reproduction.memory import digest, kept, pieces

__all__ = ["PIECE", "Known", "facts", "keep_through", "projecting"]

PIECE = 50
"""Images that are projected or attacked, and kept, at a time: a kill costs seconds."""

SPELT = ("stages", "optimiser", "rate", "momentum", "deviation", "power", "tolerance", "shell", "prior", "realism",
         "precision")  # fmt: skip
"""The settings that there were when the first projections were kept; one that is no more was 0."""


class Known(NamedTuple):
    """A purifier, what its images follow from but the given ones and the seed, and whether they are dear to compute."""

    purifier: Purifier
    facts: str
    dear: bool = False

    def purified(self, images: Tensor, seed: int, folder: Path) -> Tensor:
        """What it makes of an image batch, ``(n, ...)`` on its device; kept in ``folder`` if that is dear."""
        if not self.dear:
            return self.purifier(images, seed=seed)

        def piece(start: int) -> dict[str, Tensor]:
            some = images[start : start + PIECE]
            make = lambda: {"images": self.purifier(some, seed=seed)}  # noqa: E731
            return kept(folder, make, "purified", self.facts, seed, some)

        return pieces(len(images), PIECE, piece)["images"].to(images.device)


def projecting(config: ProjectionConfig, generator: Generator, encoder: Encoder | None = None) -> Known:
    """Defense-GAN of any settings."""
    return Known(defense_gan(generator, config, encoder=encoder), facts(config, generator, encoder), dear=True)


def keep_through(
    config: ProjectionConfig, steps: Sequence[int], generator: Generator, images: Tensor, seed: int, folder: Path
) -> None:
    """Keep what one descent makes of an image batch after each number of steps, as if each had been asked for.

    Args:
        config: of one stage.
        steps: rising; see `project_through`.
        generator, images, seed, folder: see `Known.purified`.
    """
    configs = [replace(config, stages=((each, config.restarts),)) for each in steps]
    names = [facts(each, generator) for each in configs]

    def piece(some: Tensor) -> None:
        made = cache(lambda: project_through(generator, some, configs[-1], steps, seed=seed))
        for i, name in enumerate(names):
            kept(folder, lambda at=i: {"images": made()[at].images}, "purified", name, seed, some)  # type: ignore[misc]

    for start in range(0, len(images), PIECE):
        piece(images[start : start + PIECE])


def facts(config: ProjectionConfig, generator: Generator, encoder: Encoder | None = None) -> str:
    """One sha256 of all that a projection follows from but the images and the seed."""
    return digest(_spelt(config), *([generator] if encoder is None else [generator, encoder]))


def _spelt(config: ProjectionConfig) -> bytes:
    """The settings of `SPELT`, and of later ones those that are not at their default."""
    values = {name: getattr(config, name, 0.0) for name in SPELT}
    values |= {
        field.name: value
        for field in fields(config)
        if field.name not in SPELT and (value := getattr(config, field.name)) != field.default
    }
    return f"ProjectionConfig({', '.join(f'{name}={value!r}' for name, value in values.items())})".encode()
