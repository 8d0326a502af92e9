"""Noise that stands for an attack nobody has seen yet: of either sign, in patches as a gradient's sign has them."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

__all__ = ["disturbed"]

PATCHES = (1, 3, 5, 7)
"""Sides in pixels of what is averaged before the sign is taken; one is drawn for each image."""

Images = Float[Tensor, "batch channels height width"]


def disturbed(images: Images, most: float) -> Images:
    """Images under noise of plus or minus one size, drawn in [0, ``most``] for each image, kept in [0, 1].

    The sign of white noise alone is no stand-in for an attack: through convolutions, gradients come out in patches, and
    what was trained against single pixels is fooled by those.
    """
    drawn = torch.randn_like(images)
    smooth = torch.stack([avg_pool2d(drawn, side, 1, side // 2, count_include_pad=False) for side in PATCHES])
    which = torch.randint(len(PATCHES), (len(images),), device=images.device)
    patches = smooth[which, torch.arange(len(images), device=images.device)]
    size = most * torch.rand(len(images), 1, 1, 1, device=images.device)
    return (images + size * patches.sign()).clamp(0, 1)
