"""A trained generator on disk."""

from pathlib import Path
from typing import Any

import torch

from lineament import artifacts
from lineament.defense.networks import Generator
from lineament.errors import JobError, UsageError

__all__ = ["load", "save"]


def save(generator: Generator, folder: str | Path, **card: Any) -> Path:
    """Write the generator as an artifact, its weights as float16; further card entries (data, licence) by name."""
    return artifacts.save(
        folder,
        kind="generator",
        tensors={name: value.half() for name, value in generator.state_dict().items()},
        config={"shape": list(generator.shape), **generator.settings},
        **card,
    )


def load(folder: str | Path) -> tuple[Generator, dict[str, Any]]:
    """The generator in an artifact, or in the folder of the run that made it, and its card.

    ``JobError`` says what is missing, torn or of another kind.
    """
    if (run := Path(folder) / "generator").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind="generator")
    try:
        settings = dict(artifact.card["config"])
        channels, height, width = settings.pop("shape")
        generator = Generator((channels, height, width), **settings)
        generator.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError, UsageError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe a generator ({error})") from None
    return frozen(generator), artifact.card


def frozen(generator: Generator) -> Generator:
    """The same generator, in evaluation mode, without gradients of its weights."""
    return generator.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
