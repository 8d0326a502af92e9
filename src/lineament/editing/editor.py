"""The editor: an image in, its codes out, and an image again once a code was changed."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from lineament import artifacts
from lineament.editing.eraser import EDGE, Eraser, painted_over
from lineament.editing.networks import Encoder, Generator, check_sides
from lineament.errors import JobError, UsageError
from lineament.images import check_images

__all__ = ["Codes", "Editor", "change", "composed", "load", "shipped", "untrained"]

Images = Float[Tensor, "batch channels height width"]
CHANGED = 0.06
"""A difference of drawings, in grey values of [0, 1], that counts as a change by 63 %."""

SWITCHES = ("erases", "gated", "detail")
"""Of an artifact's configuration, what is true or false."""

UNMOVED = 1e-4
"""A difference of codes up to which an attribute stays as it is: batches of another size differ in the last bits."""


class Codes(NamedTuple):
    """What the encoder makes of images.

    Attributes:
        z: ``(batch, p)``, what they are without their attributes.
        a: ``(batch, attributes, q)``, how each attribute looks, if it is there.
    """

    z: Tensor
    a: Tensor


class Editor(nn.Module):
    """Encoder, generator and the statistics of the codes of each class.

    Args:
        encoder, generator: of one size and with equally many attributes.
        attributes: their names.
        settings: the networks' arguments, for the artifact: size, latent, code, width, masked, and of
            the eraser edge, if it is not the usual one.
        eraser: paints over the attributes that are there, before z is read; None reads z from the image as it is.
        gated: an attribute that is not there has the centroid of its absence for a code, so that it has no style.
        detail: what the generator cannot draw is kept where an edit changes nothing; else the drawing is the result.
        card: provenance: data, licence, metrics, seed.
    """

    centroids: Tensor
    planes: Tensor
    spreads: Tensor
    usuals: Tensor
    opaque: Tensor

    def __init__(
        self,
        encoder: Encoder,
        generator: Generator,
        attributes: Sequence[str],
        settings: dict[str, Any],
        *,
        eraser: Eraser | None = None,
        gated: bool = True,
        detail: bool = True,
        card: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.generator, self.eraser, self.attributes = encoder, generator, eraser, tuple(attributes)
        self.settings, self.gated, self.detail, self.card = settings, gated, detail, card or {}
        shape = (len(self.attributes), encoder.code)
        self.register_buffer("centroids", torch.zeros(shape[0], 2, shape[1]))
        self.register_buffer("usuals", torch.zeros(shape[0], 2, shape[1]))
        self.register_buffer("planes", torch.zeros(shape[0], shape[1] + 1))
        self.register_buffer("opaque", torch.zeros(shape[0], dtype=torch.bool))
        self.register_buffer("spreads", torch.eye(shape[1]).repeat(shape[0], 2, 1, 1))
        self.eval().requires_grad_(False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its images."""
        return 3, self.settings["size"], self.settings["size"]

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """The codes of RGB images of `shape`; ``UsageError`` for any other."""
        self._check(images)
        masks = self._masks(images)
        a = self.encoder.styles(images, masks)
        present = self._present(a) > 0
        z = self.encoder.rest(images if self.eraser is None else self.eraser(images, masks, present))
        return Codes(z, torch.where(present[:, :, None], a, self.centroids[:, 0]) if self.gated else a)

    @torch.no_grad()
    def styles(self, images: Images) -> Float[Tensor, "batch attributes q"]:
        """What the encoder makes of each attribute, there or not, ungated; ``UsageError`` as `encode`."""
        self._check(images)
        return self.encoder.styles(images, self._masks(images))

    @torch.no_grad()
    def erase(self, images: Images, which: Bool[Tensor, "batch attributes"]) -> Images:
        """The images without the attributes in ``which``; as they are, without an eraser.

        Their places are filled if they are `opaque`, for a painting keeps some of a hat's colour; else they are painted
        over, for a filling keeps nothing of the eyes behind glasses.
        """
        if self.eraser is None or not which.any():
            return images
        layers, hidden = self.eraser.layers(images), which & self.opaque
        images = painted_over(images, layers, (which & ~self.opaque).to(images.dtype))
        return self.eraser(images, self.eraser.masks(layers), hidden) if hidden.any() else images

    @torch.no_grad()
    def decode(self, codes: Codes) -> Images:
        """The image that codes describe; of an image's own codes, its reconstruction."""
        image: Tensor = self.generator(*codes)
        return image

    def edit(self, images: Images, before: Codes, after: Codes) -> Images:
        """``images`` changed as their codes were changed from ``before`` to ``after``; equal codes change nothing.

        What an image has of a changed attribute is painted over first; then the difference is drawn.
        """
        drawn = self.decode(after)
        if not self.detail:
            return drawn
        moved = (before.a - after.a).abs().amax(2) > UNMOVED
        gone = moved & (self.present(before) > 0) if self.eraser else None
        if gone is None:
            return composed(images, self.decode(before), drawn)
        left = before._replace(a=torch.where(gone[:, :, None], self.centroids[:, 0], before.a))
        return composed(self.erase(images, gone), self.decode(left), drawn)

    def present(self, codes: Codes) -> Float[Tensor, "batch attributes"]:
        """The log-odds that each attribute is there: the linear classifiers H_i on its code."""
        return self._present(codes.a)

    def present_in(self, images: Images) -> Float[Tensor, "batch attributes"]:
        """`present`, of what `styles` finds in images."""
        return self._present(self.styles(images))

    def _check(self, images: Tensor) -> None:
        check_images(images)
        if tuple(images.shape[1:]) != self.shape:
            wanted, got = (" x ".join(map(str, shape)) for shape in (self.shape, images.shape[1:]))
            raise UsageError(f"images: this editor takes {wanted}, got {got}; bring them to that size and to RGB")

    def _masks(self, images: Tensor) -> Tensor | None:
        return None if self.eraser is None else self.eraser.masks(self.eraser.layers(images))

    def _present(self, a: Tensor) -> Tensor:
        return (a * self.planes[:, :-1]).sum(2) + self.planes[:, -1]

    def usual(self, i: int, c: int) -> Float[Tensor, " q"]:
        """The code of the usual attribute ``i`` (c = 1), near the mean mu_i^1 but of a real image, or of none (c = 0).

        See `calibration.choose_usual`.
        """
        return self.usuals[i, c]

    def draw(
        self, i: int, c: int, n: int, scale: float = 1.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "{n} q"]:
        """``n`` codes of class ``c`` of attribute ``i`` from a Gaussian around mu_i^c, section 3.3.1.

        ``spreads[i, c]`` is a root of its covariance: sigma_i^c I as printed, or that of real codes.
        """
        if not scale > 0:
            raise UsageError(f"scale: expected more than 0, got {scale}; 1 is the spread of the class")
        noise = torch.randn(n, self.centroids.shape[2], generator=generator).to(self.centroids.device)
        return self.centroids[i, c] + scale * noise @ self.spreads[i, c].mT

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write the editor as an artifact; further card entries (data, licence, metrics) by name."""
        return artifacts.save(
            folder,
            kind="editor",
            tensors={
                name: value.half() if value.is_floating_point() else value for name, value in self.state_dict().items()
            },
            config={
                "attributes": list(self.attributes),
                "networks": self.settings,
                **{"erases": self.eraser is not None, "gated": self.gated, "detail": self.detail},
            },
            **card,
        )


def untrained(
    attributes: Sequence[str],
    settings: dict[str, Any],
    *,
    erases: bool,
    gated: bool,
    detail: bool,
    card: dict[str, Any] | None = None,
) -> Editor:
    """An editor with random weights; arguments as `Editor`'s."""
    sizes, width = (settings["size"], len(attributes)), settings["width"]
    drawing = {"latent": settings["latent"], "code": settings["code"], "width": width}
    encoder, generator = Encoder(*sizes, **drawing, masked=bool(settings["masked"])), Generator(*sizes, **drawing)
    eraser = Eraser(*sizes, width=width, edge=settings.get("edge", EDGE)) if erases else None
    return Editor(encoder, generator, attributes, settings, eraser=eraser, gated=gated, detail=detail, card=card)


def composed(images: Images, before: Images, after: Images) -> Images:
    """``after``, and where it does not differ from ``before`` what ``before`` lacks of the image.

    The drawing of a narrow code misses freckles and noise. What it misses, images - before, is kept wherever the edit
    draws nothing new, with a soft edge; so the rest of a picture survives an edit to the bit.
    """
    return (images + (after - before) - change(before, after) * (images - before)).clamp(0, 1)


def change(before: Images, after: Images) -> Float[Tensor, "batch 1 height width"]:
    """Where two drawings differ, in [0, 1]: 1 - exp(-(d / `CHANGED`)^2) of their greatest difference d around there."""
    greatest = (after - before).abs().amax(1, keepdim=True)
    around = avg_pool2d(greatest, 5, 1, 2, count_include_pad=False)
    return 1 - torch.exp(-((around / CHANGED) ** 2))


def load(folder: str | Path) -> Editor:
    """The editor in an artifact, or in the folder of the run that made it.

    ``JobError`` says what is missing, torn or of another kind.
    """
    if (run := Path(folder) / "editor").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind="editor")
    try:
        config = artifact.card["config"]
        attributes, settings = [str(name) for name in config["attributes"]], dict(config["networks"])
        check_sides((3, settings["size"], settings["size"]))
        editor = untrained(attributes, settings, card=artifact.card, **{name: bool(config[name]) for name in SWITCHES})
        editor.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError, UsageError) as error:
        told = " ".join(line.strip() for line in str(error).splitlines()[:2])[:200]
        raise JobError(
            f"{folder}: its card and its weights do not describe an editor ({told}); one that an older lineament "
            "made is to be trained again"
        ) from None
    return editor


def shipped() -> Editor:
    """The editor of portraits of 64 px that comes with the package.

    ``JobError`` if it was not installed with it, or is torn, says how to come by another.
    """
    try:
        return load(str(files("lineament.editing") / "shipped" / "portraits"))
    except JobError as error:
        raise JobError(
            f"{error}; this editor comes with the package: install that anew, or name one of your own with --editor "
            "('lineament train editor --out RUN' trains it)"
        ) from None
