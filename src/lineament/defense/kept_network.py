"""A trained network on disk: weights as float16, and on the card what builds it again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from lineament import artifacts
from lineament.errors import JobError, UsageError

__all__ = ["load_network", "save_network"]

Network = TypeVar("Network", bound=nn.Module)
Shape = tuple[int, int, int]


def save_network(
    network: nn.Module, folder: str | Path, *, kind: str, shape: Shape, config: Mapping[str, Any], **card: Any
) -> Path:
    """Write an artifact of ``kind``; its card's config is ``shape`` (channels, height, width) and ``config``."""
    tensors = {name: value.half() for name, value in network.state_dict().items()}
    return artifacts.save(folder, kind=kind, tensors=tensors, config={"shape": list(shape), **config}, **card)


def load_network(
    folder: str | Path, *, kind: str, build: Callable[[Shape, dict[str, Any]], Network]
) -> tuple[Network, dict[str, Any]]:
    """The network in an artifact, or in the folder of the run that made it, ready to be used; and its card.

    Args:
        folder: the artifact, or a folder that has it below the name ``kind``.
        kind: any other is refused.
        build: makes it, without its weights, of a shape and the rest of the config.

    Raises ``JobError`` that says what is missing, torn or of another kind.
    """
    if (run := Path(folder) / kind).is_dir():
        folder = run
    artifact = artifacts.load(folder, kind=kind)
    try:
        config = dict(artifact.card["config"])
        channels, height, width = config.pop("shape")
        network = build((channels, height, width), config)
        network.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError, UsageError) as error:
        raise JobError(
            f"{folder}: its card and its weights do not describe a network of kind {kind!r} ({error})"
        ) from None
    return network.eval().requires_grad_(False), artifact.card
