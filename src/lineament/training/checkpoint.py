"""Checkpoints without pickle: nested state in one safetensors file, its tensors as body, the rest as JSON as head."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.errors import JobError

__all__ = ["read_state", "write_state"]


def write_state(path: Path, state: Any) -> None:
    """Write nested dictionaries, lists, numbers, strings, None and tensors to ``path``, atomically."""
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(_pack(state, tensors))
    write_atomically(path, save(tensors, metadata={"state": skeleton}))


def read_state(path: Path) -> Any:
    """Read what `write_state` wrote, tensors on the CPU; raise ``JobError`` if the file is torn or not a checkpoint."""
    try:
        with safe_open(path, framework="pt") as file:
            skeleton = json.loads(file.metadata()["state"])
            return _unpack(skeleton, {key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise JobError(f"{path}: not a readable checkpoint ({error}); delete it to start the run again") from None


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Replace every tensor by its key; dictionaries become lists of pairs, since optimisers use integer keys."""
    if isinstance(value, Tensor):
        key = str(len(tensors))
        tensors[key] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": key}
    if isinstance(value, dict):
        return {"dict": [[key, _pack(entry, tensors)] for key, entry in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_pack(entry, tensors) for entry in value]}
    return value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "dict" in value:
        return {key: _unpack(entry, tensors) for key, entry in value["dict"]}
    return [_unpack(entry, tensors) for entry in value["list"]]
