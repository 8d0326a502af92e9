"""Images to train a small editor on in seconds."""

import torch

NAMES = ("Left", "Right")


def patches(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey squares of 32 px with a patch of some colour on the left, on the right, on both or on none."""
    draw = torch.Generator().manual_seed(seed)
    labels = (torch.rand(n, 2, generator=draw) < 0.5).to(torch.int8)
    images = torch.randint(90, 160, (n, 1, 1, 1), generator=draw).expand(n, 3, 32, 32).clone().to(torch.uint8)
    colours = torch.randint(0, 256, (n, 2, 3, 1, 1), generator=draw).to(torch.uint8)
    for i, place in enumerate((slice(4, 12), slice(20, 28))):
        there = labels[:, i] == 1
        images[there, :, 12:20, place] = colours[there, i].expand(-1, 3, 8, 8)
    return images, labels
