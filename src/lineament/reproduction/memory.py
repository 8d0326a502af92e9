"""Tensors that took long to compute, kept under a name made of all that they follow from.

What does not show in a name is the code itself. Projections and FGSM are kept without a version: after a change of
what they compute, delete the folder. All other attacks, and what is learnt by asking, have `VERSION` in their names.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from lineament.artifacts import write_atomically
from lineament.attacks.base import Attack
from lineament.attacks.gradient_sign import FGSM
from lineament.errors import JobError

__all__ = ["VERSION", "digest", "kept", "pieces", "versioned"]

VERSION = 2
"""To be raised when an attack other than FGSM, or a projection that it asks along its way, computes something else."""


def digest(*facts: object) -> str:
    """One sha256 of tensors and bytes, of networks by their weights, and of all else by what it prints."""
    total = hashlib.sha256()
    for fact in facts:
        if isinstance(fact, nn.Module):
            state = fact.state_dict()
            fact = digest(*state, *state.values())
        elif isinstance(fact, Tensor):
            raw = fact.detach().cpu().contiguous().numpy().tobytes()
            fact = (tuple(fact.shape), str(fact.dtype), hashlib.sha256(raw).hexdigest())
        total.update(hashlib.sha256(fact if isinstance(fact, bytes) else repr(fact).encode()).digest())
    return total.hexdigest()


def versioned(attack: Attack | None) -> tuple[object, ...]:
    """What a name says of an attack: its settings, and `VERSION`, where it is not FGSM."""
    return (attack,) if attack is None or type(attack) is FGSM else (attack, VERSION)


def kept(folder: Path, make: Callable[[], Mapping[str, Tensor]], *facts: object) -> dict[str, Tensor]:
    """What ``make`` gives, on the CPU: computed once, then read.

    Args:
        folder: where it is kept.
        make: gives dense tensors by name.
        facts: all that they follow from: tensors, networks, settings that print themselves. The versions of this
            package and of PyTorch, the processor and the number of threads are not among them unless given.

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


def pieces(total: int, size: int, make: Callable[[int], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What ``make`` gives of each ``size`` images that start there, put together."""
    found = [make(start) for start in range(0, total, size)]
    return {name: torch.cat([piece[name] for piece in found]) for name in found[0]}
