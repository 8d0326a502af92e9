"""What a purifier makes of training images: what a classifier -Rec learns. Dear to make, so kept piece by piece."""

import hashlib
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from jaxtyping import UInt8
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.datasets.labelled import floats
from lineament.errors import JobError
from lineament.purifier import Purifier
from lineament.training.progress import StepProgress

__all__ = ["reconstructed"]

PIECE = 200
"""Images that are purified and written at a time: no more is lost to a kill."""

Bytes = UInt8[Tensor, "_ channels height width"]


def reconstructed(
    purifier: Purifier, images: Bytes, folder: Path, *, facts: str, noise: float = 0.0, seed: int = 0,
    device: torch.device | None = None,
) -> Bytes:  # fmt: skip
    """The purified images ``(n, ...)``, then, with noise, those of the noisy images too: ``(2 n, ...)``.

    Args:
        purifier: what will stand before the classifier.
        images: to be purified, ``(n, channels, height, width)``.
        folder: where the pieces are kept; a second call takes up what a first one wrote.
        facts: what tells the purifier from any other, beside its name: the sha256 of its weights.
        noise: greatest change of a value, which is uniform; 0 for none.
        seed: of the noise and of the purifier.
        device: where the purifier computes; None for the CPU.

    Raises ``JobError`` for a piece that is torn, or a disk that is full.
    """
    levels = [0.0, noise] if noise else [0.0]
    pieces = [(level, part) for level in levels for part in torch.split(images, PIECE)]
    made = []
    with StepProgress("purifying training images", len(pieces), 0) as progress:
        for number, (level, part) in enumerate(pieces):
            key = f"{purifier.name} {facts} {level} {seed} {number}".encode() + part.numpy().tobytes()
            path = folder / f"{hashlib.sha256(key).hexdigest()[:24]}.safetensors"
            if not path.exists():
                purified = purifier(_noisy(part, level, seed + number).to(device or "cpu"), seed=seed)
                content = purified.mul(255).round().to(torch.uint8).cpu().contiguous()
                write_atomically(path, safetensors.torch.save({"images": content}))
            made.append(_read(path, part))
            progress.advance()
    return torch.cat(made)


def _noisy(part: Bytes, level: float, seed: int) -> Tensor:
    drawn = torch.rand(part.shape, generator=torch.Generator().manual_seed(seed))
    return (floats(part) + level * (2 * drawn - 1)).clamp_(0, 1)


def _read(path: Path, part: Bytes) -> Bytes:
    try:
        images = safetensors.torch.load(path.read_bytes())["images"]
    except (OSError, LookupError, ValueError, safetensors.SafetensorError) as error:
        raise JobError(f"{path}: torn ({error}); delete it, and it is made again") from None
    if images.shape != part.shape or images.dtype != torch.uint8:
        raise JobError(f"{path}: torn: {images.dtype} of shape {tuple(images.shape)}; delete it, and it is made again")
    return images
