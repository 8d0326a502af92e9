"""What the systems we compare with share: the interface of an editor, the check of their material, balanced batches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, fields
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float, Int8, Int64, UInt8
from torch import Tensor, nn

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.editing.editor import Codes
from lineament.editing.networks import check_sides
from lineament.errors import JobError, UsageError
from lineament.images import check_images

__all__ = [
    "SIDE", "Bytes", "Labels", "Peer", "Pools", "check_settings", "downwards", "drawn", "falling", "material",
    "measured", "widths",
]  # fmt: skip

Images = Float[Tensor, "batch channels height width"]
Bytes = UInt8[Tensor, "_ channels _ _"]
Labels = Int8[Tensor, "_ attributes"]
Part = tuple[Bytes, Labels]
SIDE = 4
"""Height and width of the smallest feature map."""


class Peer(nn.Module, ABC):
    """A system of other authors behind the interface of `Editor`.

    Its edit is the drawing of the edited codes. So it is not exact where nothing was changed, as `Editor`'s is.

    Args:
        attributes: their names.
        size: side of the images.
        config: how it is made and trained, a frozen dataclass.
        card: provenance: data, licence, metrics, seed.
    """

    kind: ClassVar[str]
    configured: ClassVar[type[Any]]

    def __init__(
        self, attributes: Sequence[str], size: int, config: Any, *, card: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        check_sides((3, size, size))
        self.attributes, self.shape, self.config, self.card = tuple(attributes), (3, size, size), config, card or {}

    @abstractmethod
    def encode(self, images: Images) -> Codes:
        """The codes of RGB images of ``shape``; ``UsageError`` for any other."""

    def styles(self, images: Images) -> Float[Tensor, "batch attributes q"]:
        """The code of each attribute, there or not: that of `encode`, which withholds none."""
        return self.encode(images).a

    @abstractmethod
    def decode(self, codes: Codes) -> Images:
        """The image that codes describe; of an image's own codes, its reconstruction."""

    @abstractmethod
    def present(self, codes: Codes) -> Float[Tensor, "batch attributes"]:
        """The log-odds that each attribute is there."""

    def edit(self, images: Images, before: Codes, after: Codes) -> Images:
        """The drawing of the codes ``after``."""
        return self.decode(after)

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write an artifact; further card entries (data, licence, metrics) by name."""
        config = {"attributes": list(self.attributes), "size": self.shape[1], "settings": asdict(self.config)}
        return artifacts.save(folder, kind=self.kind, tensors=self.state_dict(), config=config, **card)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The one in an artifact, or in the folder of the run that made it; ``JobError`` says what is wrong with it."""
        if (run := Path(folder) / cls.kind).is_dir():
            folder = run
        artifact = artifacts.load(folder, kind=cls.kind)
        try:
            config = artifact.card["config"]
            names = [str(name) for name in config["attributes"]]
            peer = cls(names, config["size"], cls.configured(**config["settings"]), card=artifact.card)
            peer.load_state_dict(artifact.tensors)
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise JobError(f"{folder}: its card and its weights do not describe a {cls.kind!r} ({error})") from None
        return peer.finished()

    def finished(self) -> Self:
        """Itself, as it is handed out: on the CPU, frozen, in evaluation mode."""
        return self.cpu().eval().requires_grad_(False)

    def _checked(self, images: Images) -> Images:
        check_images(images)
        if tuple(images.shape[1:]) != self.shape:
            wanted, got = (" x ".join(map(str, shape)) for shape in (self.shape, images.shape[1:]))
            raise UsageError(f"images: this {self.kind} takes {wanted}, got {got}; bring them to that size and to RGB")
        return images


class Pools:
    """The images with and without each attribute, to draw from; pool ``2 i + c`` has those of class c of attribute i.

    ``JobError`` for an attribute that all images have, or none.
    """

    def __init__(self, labels: Labels, attributes: Sequence[str]) -> None:
        pools = [(labels[:, i] == c).nonzero()[:, 0] for i in range(len(attributes)) for c in (0, 1)]
        self.lengths = torch.tensor([len(pool) for pool in pools])
        if len(empty := (self.lengths == 0).nonzero()):
            i, c = divmod(int(empty[0]), 2)
            raise JobError(
                f"labels: no image {'with' if c else 'without'} {attributes[i]}; leave the attribute out, or add such "
                "images"
            )
        self.images, self.starts = torch.cat(pools), self.lengths.cumsum(0) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def draw(self, pool: Int64[Tensor, " n"]) -> Int64[Tensor, " n"]:
        """An image of each ``pool``, by PyTorch's own generator, which `Run.steps` seeds."""
        share = torch.rand(len(pool), dtype=torch.float64)
        return self.images[self.starts[pool] + (share * self.lengths[pool]).long()]


def material(images: Bytes, labels: Labels, attributes: Sequence[str]) -> dict[str, Any]:
    """What tells this training material from any other; ``UsageError`` if an editor cannot be trained with it."""
    check_sides(tuple(images.shape[1:]))
    if labels.shape != (len(images), len(attributes)) or not len(attributes):
        raise UsageError(
            f"labels: expected one column for each of {len(attributes)} attributes and a row for each of {len(images)} "
            f"images, got {tuple(labels.shape)}"
        )
    digest = sha256(labels.numpy().tobytes())
    digest.update(images.numpy().tobytes())
    return {"attributes": list(attributes), "images": len(images), "sha256": digest.hexdigest()}


def drawn(
    images: Bytes, labels: Labels, index: Int64[Tensor, " n"], device: torch.device
) -> tuple[Images, Float[Tensor, "n attributes"]]:
    """A batch: images, mirrored or not by a coin, and labels as the objective takes them, 0.5 for -1, unknown."""
    x, y = floats(images[index]), labels[index].float()
    x = torch.where(torch.rand(len(index), 1, 1, 1) < 0.5, x.flip(3), x)
    return x.to(device), torch.where(y < 0, 0.5, y).to(device)


def falling(step: int, steps: int) -> float:
    """The share of the learning rate: 1 in the first half, then on a line to 0."""
    return min(1.0, 2 * (1 - step / steps))


def widths(levels: int, width: int) -> list[int]:
    """Channels of ``levels`` layers, each twice as wide as the one before, up to four times ``width``."""
    return [width * min(2**level, 4) for level in range(levels)]


def downwards(channels: Sequence[int], *, normalised: bool) -> nn.Sequential:
    """An image to a flat vector: each layer halves the sides, with batch normalisation or without."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        norm = [nn.BatchNorm2d(outputs)] if normalised else []
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), *norm, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten())


def check_settings(config: Any) -> None:
    """``UsageError`` unless every entry of a peer's configuration is above 0."""
    for entry in fields(config):
        if not getattr(config, entry.name) > 0:
            raise UsageError(f"{entry.name}: expected more than 0, got {getattr(config, entry.name)}")


def measured(peer: Peer, validation: Part) -> dict[str, float]:
    """Mean absolute error of reconstructions, and balanced accuracy of what a peer reads of its own codes.

    ``JobError`` if what it draws are no numbers.
    """
    errors, odds = [], []
    for images in map(floats, torch.split(validation[0], 256)):
        codes = peer.encode(images)
        errors.append((peer.decode(codes) - images).abs().mean((1, 2, 3)))
        odds.append(peer.present(codes))
    error = torch.cat(errors).mean().item()
    if not isfinite(error):
        raise JobError("the training diverged; delete its folder and try float32 or another seed")
    right, truth = torch.cat(odds) > 0, validation[1]
    rates = [(right == bool(c))[truth == c].float().mean() for c in (0, 1)]
    return {"reconstruction_l1": error, "present": torch.stack(rates).mean().item()}
