"""Where the parts of a face lie: the canonical frame, ten network windows, nine classical windows (spec 2.1).

The canonical frame has its origin midway between the eyes, x to the right, y down, and its unit is one pixel at
which the eyes are ``EYE_DISTANCE`` apart. The windows of the dissertation (tables 2.13 and 2.16 print their sizes,
not their places) fix that distance: two Eye windows of 53 px side by side make up BothEyes' 115 px when the eyes are
about 60 px apart.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lineament.errors import UsageError

__all__ = ["CLASSICAL_PARTS", "EYE_DISTANCE", "NETWORK_PARTS", "Window", "check_eyes", "crop"]

EYE_DISTANCE = 60.0


@dataclass(frozen=True)
class Window:
    """A rectangle of the canonical frame.

    Attributes:
        x, y: its centre, in canonical pixels from the midpoint between the eyes.
        width, height: the size of the crop in pixels.
        zoom: crop pixels per canonical pixel; 1 for the dissertation's windows, which are never rescaled.
    """

    x: float
    y: float
    width: int
    height: int
    zoom: float = 1.0


NETWORK_PARTS: dict[str, Window] = {
    "Eye": Window(-30, 0, 53, 39),
    "BothEyes": Window(0, 0, 115, 41),
    "Mouth": Window(0, 66, 65, 38),
    "Nose": Window(0, 25, 40, 56),
    "EyesNose": Window(0, 18, 90, 62),
    "NoseMouth": Window(0, 46, 55, 82),
    "EyesNoseMouth": Window(0, 32, 115, 107),
    "UpperHead": Window(0, -66, 128, 52),
    "MouthChin": Window(0, 80, 128, 45),
    "Ear": Window(-66, 15, 62, 100),
}
"""The ten windows of table 2.13 with centres chosen by this project; Ear and Eye are the image-left ones.

The centres follow 300 CelebA faces, where the landmarks lie at these median heights: brows -22, bridge of the nose -3,
ears 14, base of the nose 46, lips 58 to 77, chin 106.
"""

CLASSICAL_PARTS: dict[str, Window] = {
    "Eyes": Window(0, 0, 112, 40),
    "Nose": Window(0, 24, 48, 64),
    "Mouth": Window(0, 66, 72, 40),
    "Hair": Window(0, -68, 128, 64),
    "EyesNose": Window(0, 18, 112, 72),
    "MouthNose": Window(0, 48, 72, 88),
    "EyesNoseMouth": Window(0, 32, 112, 112),
    "EyesEyebrows": Window(0, -8, 112, 56),
    "FullFace": Window(0, 24, 128, 168),
}
"""The nine parts of section 2.3.2; their sizes are this project's, whole multiples of 8 px."""


def check_eyes(eyes: Tensor, batch: int | torch.SymInt) -> None:
    """Raise ``UsageError`` unless ``eyes`` has shape ``(batch, 2, 2)``."""
    if eyes.shape != (batch, 2, 2):
        raise UsageError(f"eyes: expected shape ({batch}, 2, 2), (x, y) of two eyes an image, got {tuple(eyes.shape)}")


def crop(
    images: Float[Tensor, "batch channels height width"],
    eyes: Tensor,
    window: Window,
    warp: Float[Tensor, "batch 2 3"] | None = None,
) -> Float[Tensor, "batch channels {window.height} {window.width}"]:
    """Cut one window out of every face, aligned by its eyes, in a single bilinear resampling.

    Args:
        images: ``(batch, channels, height, width)`` in [0, 1].
        eyes: ``(batch, 2, 2)`` eye centres as (x, y) in fractions of width and height, image-left eye first.
        window: where to look and how large the result is.
        warp: ``(batch, 2, 3)`` affine maps of the canonical frame onto itself (augmentation), in units of
            ``EYE_DISTANCE``; None for none.

    Returns:
        ``(batch, channels, window.height, window.width)``; places outside the image repeat its edge. Much larger images
        are aliased, since nothing is averaged; `faces.align` shrinks them first.

    Raises:
        UsageError: ``eyes`` of another shape.
    """
    check_eyes(eyes, images.shape[0])
    height, width = images.shape[2:]
    size = torch.tensor([width, height], dtype=images.dtype, device=images.device)
    pixels = eyes.to(images) * size
    middle, axis = pixels.mean(1), (pixels[:, 1] - pixels[:, 0]) / EYE_DISTANCE
    # columns of the similarity that takes canonical offsets to image pixels: (axis, axis turned by 90 degrees)
    turn = torch.stack([torch.stack([axis[:, 0], -axis[:, 1]], 1), torch.stack([axis[:, 1], axis[:, 0]], 1)], 1)
    centre = torch.tensor([window.x, window.y], dtype=images.dtype, device=images.device)
    spread = torch.tensor([window.width, window.height], dtype=images.dtype, device=images.device) / (2 * window.zoom)
    linear = torch.diag(spread).expand(images.shape[0], 2, 2)
    offset = centre.expand(images.shape[0], 2)
    if warp is not None:
        linear = warp[:, :, :2] @ linear
        offset = (warp[:, :, :2] @ centre) + warp[:, :, 2] * EYE_DISTANCE
    place = middle + (turn @ offset[:, :, None])[:, :, 0]
    theta = torch.cat([turn @ linear * (2 / size)[:, None], (place * 2 / size - 1)[:, :, None]], 2)
    grid = F.affine_grid(theta, [images.shape[0], images.shape[1], window.height, window.width], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
