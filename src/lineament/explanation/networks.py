"""The networks of section 4.3: encoders, one decoder with three outputs, discriminators; DCGAN-like (section 4.5.2).

Two classes have branches of their own, as the dissertation draws them: the first layers of the encoders and of the
discriminators, and the decoder's outputs. Where ``label`` is set, the class is an input instead, so that the size of
the network does not grow with the number of classes (section 6.2 asks for it).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from lineament.errors import UsageError

__all__ = ["Crossing", "Discriminator", "Transformer"]


class Crossing(NamedTuple):
    """What the decoder makes of a code; all values in [0, 1].

    Attributes:
        reconstruction: the image in its own class ``(batch, channels, height, width)``.
        transformed: the image in the target class, of the same shape.
        mask: ``(batch, 1, height, width)``, 1 where the transformed image takes the place of the original.
    """

    reconstruction: Tensor
    transformed: Tensor
    mask: Tensor


class ByClass(nn.Module):
    """One module for each class; an image goes through that of its class."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(modules)

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        return _chosen([branch(images) for branch in self.branches], classes)


class Modulated(nn.Module):
    """One module for all classes; the class scales and shifts its channels."""

    def __init__(self, module: nn.Module, classes: int, channels: int) -> None:
        super().__init__()
        self.module = module
        self.scale, self.shift = nn.Embedding(classes, channels), nn.Embedding(classes, channels)
        nn.init.ones_(self.scale.weight)

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        scale, shift = (table(classes)[:, :, None, None] for table in (self.scale, self.shift))
        hidden: Tensor = self.module(images) * scale + shift
        return hidden


class Transformer(nn.Module):
    """Encoders E_j and the decoder G: an image and two classes in, a `Crossing` out.

    Args:
        shape: channels, height and width of the images; both sides multiples of ``2 ** levels``.
        classes: how many.
        width: channels of the first layer; the code has four times as many.
        levels: how often the sides are halved.
        shared: encoders share all but their first layer; else nothing.
        label: the class is an input, with one set of weights for all classes.
        skips: the decoder also gets what the encoder saw at each size, and draws a change of the image. The
            dissertation's has the code alone, which at 64 px must first learn to paint a face.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int = 2,
        *,
        width: int = 32,
        levels: int = 2,
        shared: bool = True,
        label: bool = False,
        skips: bool = False,
    ) -> None:
        super().__init__()
        check_sides(shape, levels)
        channels, height, across = shape
        self.shape, self.classes = (channels, height, across), classes
        self.settings = {"classes": classes, "width": width, "levels": levels, "shared": shared, "label": label,
                         "skips": skips}  # fmt: skip
        widths = [width * min(2**level, 4) for level in range(levels)]
        self.first = _first(channels, width, classes, label=label)
        copies = 1 if shared or label else classes
        self.down = nn.ModuleList(_of_all([_halved(*pair) for _ in range(copies)]) for pair in pairwise(widths))
        self.middle = nn.Sequential(nn.LeakyReLU(0.2), _residual(widths[-1]), _residual(widths[-1]))
        self.targeted = Modulated(nn.Identity(), classes, widths[-1]) if label else None
        outputs = [*widths[-2::-1], width // 2]
        self.up = nn.ModuleList(_doubled(*pair) for pair in zip(widths[::-1], outputs, strict=True))
        self.skips = skips
        self.output = nn.Conv2d(width // 2, channels * (1 if label else classes) + 1, 5, 1, 2)
        self.apply(_initialised)

    def forward(
        self, images: Tensor, source: Int64[Tensor, " batch"], target: Int64[Tensor, " batch"], *, whole: bool = True
    ) -> Crossing:
        """Cross from ``source`` to ``target``.

        Args:
            images: ``(batch, *shape)`` in [0, 1].
            source: the class each image is in.
            target: the class it is to be in.
            whole: also the reconstruction, which a network with ``label`` decodes separately; else it is the image.
        """
        seen = [self.first(2 * images - 1, source)]
        for stage in self.down:
            seen.append(stage(seen[-1], source))
        code = self.middle(seen[-1])
        around = seen[-2::-1] if self.skips else []
        if self.targeted is not None:
            transformed, mask = self._decode(self.targeted(code, target), around, images)
            reconstruction = self._decode(self.targeted(code, source), around, images)[0] if whole else images
            return Crossing(reconstruction, transformed, mask)
        decoded, mask = self._decode(code, around, images)
        by_class = torch.chunk(decoded, self.classes, 1)
        return Crossing(_chosen(by_class, source), _chosen(by_class, target), mask)

    def _decode(self, hidden: Tensor, around: Sequence[Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
        for i, stage in enumerate(self.up):
            hidden = stage(hidden)
            hidden = hidden + around[i] if i < len(around) else hidden
        values = self.output(hidden).float()
        drawn, mask = values[:, :-1], values[:, -1:].sigmoid()
        if self.skips:  # what is drawn is a change of the image
            drawn = drawn + images.logit(0.01).repeat(1, drawn.shape[1] // images.shape[1], 1, 1)
        return drawn.sigmoid(), mask


class Discriminator(nn.Module):
    """Discriminators D_j: the log-odds ``(batch,)`` that an image of class j is real; arguments as `Transformer`'s."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int = 2,
        *,
        width: int = 32,
        levels: int = 2,
        shared: bool = True,
        label: bool = False,
    ) -> None:
        super().__init__()
        check_sides(shape, levels)
        channels, height, across = shape
        widths = [width * min(2**level, 4) for level in range(levels)]

        def rest() -> nn.Module:
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)]
            for inputs, outputs in pairwise(widths):
                layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
            last = widths[-1]
            layers += [nn.Conv2d(last, last, 3, 1, 1), nn.LeakyReLU(0.2)]
            return nn.Sequential(*layers, nn.Conv2d(last, 1, (height >> levels, across >> levels)))

        self.first = _first(channels, width, classes, label=label)
        self.rest = _of_all([rest() for _ in range(1 if shared or label else classes)])
        self.apply(_initialised)

    def forward(self, images: Tensor, classes: Int64[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """The log-odds that ``images`` are real images of ``classes``."""
        found: Tensor = self.rest(self.first(2 * images - 1, classes), classes)
        return found.flatten().float()


class _Plain(nn.Module):
    """A module that the class does not matter to."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        hidden: Tensor = self.module(images)
        return hidden


class _Around(nn.Module):
    """A module around which its input passes unchanged."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, hidden: Tensor) -> Tensor:
        changed: Tensor = hidden + self.module(hidden)
        return changed


def check_sides(shape: tuple[int, int, int], levels: int) -> None:
    """Raise ``UsageError`` unless both sides can be halved ``levels`` times."""
    unit = 2**levels
    if shape[0] not in (1, 3) or shape[1] % unit or shape[2] % unit or not min(shape):
        raise UsageError(
            f"shape: expected 1 or 3 channels and sides that are multiples of {unit}, got {tuple(shape)}; "
            "bring the images to such a size"
        )


def _first(channels: int, width: int, classes: int, *, label: bool) -> nn.Module:
    """The layer that knows the class."""
    layers = [nn.Conv2d(channels, width, 4, 2, 1) for _ in range(1 if label else classes)]
    return Modulated(layers[0], classes, width) if label else ByClass(layers)


def _of_all(modules: Sequence[nn.Module]) -> nn.Module:
    """One module for all classes, or one for each."""
    return _Plain(modules[0]) if len(modules) == 1 else ByClass(modules)


def _halved(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs))


def _doubled(inputs: int, outputs: int) -> nn.Module:
    convolution = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _residual(width: int) -> nn.Module:
    return _Around(
        nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
    )


def _chosen(by_class: Sequence[Tensor], classes: Tensor) -> Tensor:
    """Of one batch for each class, to each image that of its class; by weights of 0 and 1, which can be exported."""
    weights = [(classes == j).view(-1, 1, 1, 1) for j in range(len(by_class))]
    return torch.stack([weight * batch for weight, batch in zip(weights, by_class, strict=True)]).sum(0)


def _initialised(module: nn.Module) -> None:
    """DCGAN's start: convolutions from N(0, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
