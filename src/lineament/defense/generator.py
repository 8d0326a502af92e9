"""A trained generator on disk."""

from pathlib import Path
from typing import Any

import torch

from lineament.defense.kept_network import load_network, save_network
from lineament.defense.networks import Generator

__all__ = ["load", "save"]


def save(generator: Generator, folder: str | Path, **card: Any) -> Path:
    """Write the generator as an artifact; further card entries (data, licence) by name."""
    return save_network(generator, folder, kind="generator", shape=generator.shape, config=generator.settings, **card)


def load(folder: str | Path) -> tuple[Generator, dict[str, Any]]:
    """The generator in an artifact, or in the folder of the run that made it, and its card; see `load_network`."""
    generator, card = load_network(folder, kind="generator", build=lambda shape, config: Generator(shape, **config))
    return generator.to(memory_format=torch.channels_last), card  # type: ignore[call-overload]
