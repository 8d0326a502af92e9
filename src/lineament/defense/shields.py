"""What stands before a classifier, as the verbs name it: Defense-GAN on some generator, binarisation, blur."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch

from lineament import artifacts
from lineament.defense.defense_gan import defense_gan
from lineament.defense.encoder import artifact_in, encoder_beside, encoder_of
from lineament.defense.folders import named
from lineament.defense.generator import load
from lineament.defense.modes import mode as mode_named
from lineament.defense.shipped import shipped
from lineament.defense.trivial import binarised, blurred
from lineament.errors import UsageError, nearest
from lineament.purifier import Purifier
from lineament.training.run import Device

__all__ = ["DEFENSES", "Defense", "Shield", "artifact_in", "compute_on", "shield"]

Defense = Literal["defense_gan", "binarised", "blurred"]
DEFENSES: tuple[Defense, ...] = get_args(Defense)


@dataclass(frozen=True)
class Shield:
    """A purifier, and whence it comes.

    Attributes:
        purifier: what it does.
        place: the artifact of its generator, None for one that has none.
        weights: sha256 of the generator's weights, and of the encoder's, where there is one.
        settings: of the projection.
    """

    purifier: Purifier
    place: Path | None = None
    weights: tuple[str, ...] = ()
    settings: str = ""

    @property
    def facts(self) -> str:
        """What tells it from any other: a mode of the same name may have other settings in another version."""
        return " ".join(filter(None, [self.purifier.name, self.settings, *(each[:16] for each in self.weights)]))


def shield(
    name: str, *, shape: Sequence[int | None], data: str | None, generator: Path | None, mode: str, device: torch.device
) -> Shield:
    """The purifier of this name.

    Args:
        name: of `DEFENSES`.
        shape: channels, height and width that the classifier behind it takes, None for each that is free.
        data: the set that the classifier was trained on, if that is known.
        generator: folder of a run of `lineament train generator`, or a generator's artifact; None for the one of the
            package for ``data``. The fast mode uses the encoder that lies beside it, if there is one.
        mode: of the projection, see `modes.MODES`.
        device: where it computes.

    Raises ``UsageError`` for an unknown name or mode, a generator that is missing, or one of another set or of other
    images than the classifier takes; ``JobError`` for a folder that holds none.
    """
    if name not in DEFENSES:
        raise UsageError(f"--defense: {nearest(name, DEFENSES, 'defense')}")
    settings = repr(mode_named(mode))
    if name != "defense_gan":
        if generator is not None:
            raise UsageError(f"--generator: is for --defense defense_gan; {name} takes none")
        return Shield(binarised() if name == "binarised" else blurred())
    place = _generator(generator, data)
    found, card = load(place)
    _check_set(place, card.get("data"), data)
    if any(want not in (None, made) for want, made in zip(shape, found.shape, strict=True)):
        made, wanted = (" x ".join(map(str, each)) for each in (found.shape, shape))
        raise UsageError(
            f"{place}: makes images of {made} (channels, height, width), and the classifier takes {wanted}; train a "
            "generator of that size with 'lineament train generator --size'"
        )
    encoder = encoder_of(place, card) if mode == "fast" else None
    beside = encoder_beside(place) if encoder else None
    weights = tuple(str(each["weights_sha256"]) for each in (card, *([artifacts.read_card(beside)] if beside else [])))
    return Shield(defense_gan(found.to(device), mode, encoder=encoder and encoder.to(device)), place, weights, settings)


def compute_on(device: Device) -> torch.device:
    """The device that is meant; ``UsageError`` for a GPU that is not there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: cuda was asked for, but PyTorch sees no GPU; use cpu or auto")
    return torch.device("cpu" if device == "cpu" or not torch.cuda.is_available() else "cuda")


def _check_set(place: Path, learnt: str | None, data: str | None) -> None:
    """``UsageError`` if a generator learnt another set than the classifier: it would make digits of garments."""
    if None not in (learnt, data) and learnt != data:
        raise UsageError(
            f"--generator {place}: makes images of {learnt}, and the classifier's are of {data}; train one with "
            f"'lineament train generator --data {data}', or put this one before a classifier of {learnt}"
        )


def _generator(folder: Path | None, data: str | None) -> Path:
    if folder is not None:
        return named("--generator", folder, "generator")
    if data is None or not (place := shipped(data, "generator")).is_dir():
        raise UsageError(
            f"--generator: none comes with the package for images of {data or 'an unknown set'}; train one with "
            "'lineament train generator' and name its folder, or take --defense blurred"
        )
    return place
