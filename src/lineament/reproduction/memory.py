"""Tensors that took long to compute, kept under a name made of all that they follow from.

What does not show in the name is a change of the code itself: after one, delete the folder.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from lineament.artifacts import write_atomically
from lineament.errors import JobError

__all__ = ["digest", "kept"]


def digest(*facts: object) -> str:
    """One sha256 of tensors by their bytes, of networks by their weights, and of all else by what it prints."""
    total = hashlib.sha256()
    for fact in facts:
        if isinstance(fact, nn.Module):
            state = fact.state_dict()
            fact = digest(*state, *state.values())
        elif isinstance(fact, Tensor):
            raw = fact.detach().cpu().contiguous().numpy().tobytes()
            fact = (tuple(fact.shape), str(fact.dtype), hashlib.sha256(raw).hexdigest())
        total.update(hashlib.sha256(repr(fact).encode()).digest())
    return total.hexdigest()


def kept(folder: Path, make: Callable[[], Mapping[str, Tensor]], *facts: object) -> dict[str, Tensor]:
    """What ``make`` gives, on the CPU: computed once, then read.

    Args:
        folder: where it is kept.
        make: gives dense tensors by name.
        facts: all that they follow from: tensors, networks, settings that print themselves.

    Raises ``JobError`` naming a file that is torn.
    """
    path = folder / f"{digest(*facts)}.safetensors"
    if not path.exists():
        made = {name: value.detach().cpu().contiguous() for name, value in make().items()}
        write_atomically(path, safetensors.torch.save(made))
        return made
    try:
        return safetensors.torch.load(path.read_bytes())
    except SafetensorError as error:
        raise JobError(f"{path}: torn ({error}); delete it, and it is computed again") from None
