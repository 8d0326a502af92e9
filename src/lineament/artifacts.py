"""Trained models on disk: a folder with ``model.safetensors`` and ``card.json``, written whole or not at all.

The card says what the weights are (kind, config, attributes, data and its licence, metrics) and carries the sha256 of
the weights and of itself, so that a torn or changed file is refused with the reason. No pickle is ever read.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from lineament import __version__
from lineament.errors import JobError, UsageError

__all__ = ["FORMAT", "Artifact", "check_writable", "load", "read_card", "save", "write_atomically"]

FORMAT = 1
"""Version of the folder's layout; another one is refused."""

WEIGHTS, CARD = "model.safetensors", "card.json"
MAX_CARD_BYTES = 1 << 20

# What save writes itself, and what callers may add under a fixed meaning; other entries are free.
_OURS: dict[str, type] = {"format": int, "lineament": str, "weights_bytes": int, "weights_sha256": str}
_REQUIRED = _OURS | {"kind": str, "config": dict}
_OPTIONAL: dict[str, type] = {"attributes": list, "data": str, "licence": str, "metrics": dict}


@dataclass(frozen=True)
class Artifact:
    """A loaded model.

    Attributes:
        tensors: the weights by name, on the CPU.
        card: what ``card.json`` says; ``card["config"]`` is what builds the network.
    """

    tensors: dict[str, Tensor] = field(repr=False)
    card: dict[str, Any]


def save(
    folder: str | Path, *, kind: str, tensors: Mapping[str, Tensor], config: Mapping[str, Any], **card: Any
) -> Path:
    """Write an artifact; an older one at the same place stays whole until the new one takes its place in one step.

    Args:
        folder: where to; parents are made. A folder that holds anything but an artifact is refused, not emptied.
        kind: what the weights are, ``"detector"``; ``load`` refuses any other.
        tensors: weights by name, dense, on any device.
        config: JSON values from which the network is built again.
        card: further JSON entries. ``attributes`` (list of names), ``data`` and ``licence`` (text) and ``metrics``
            (a mapping; None where one is undefined, NaN is no JSON) are the usual ones.

    Returns:
        The folder. Raises ``UsageError`` for what cannot be written as asked, ``JobError`` when the disk fails; then
        nothing half-written is left.
    """
    folder = Path(os.path.realpath(folder))
    weights = _weights_bytes(tensors)
    if clash := sorted(card.keys() & (_OURS.keys() | {"card_sha256"})):
        raise UsageError(f"{folder}: card entries {', '.join(clash)} are written by save itself; leave them out")
    ours = {"weights_bytes": len(weights), "weights_sha256": hashlib.sha256(weights).hexdigest()}
    head = {"format": FORMAT, "kind": kind, "lineament": __version__, "config": dict(config)}
    sealed = _checked_card(head | card | ours, folder)
    fresh = _beside(folder)
    try:
        _refuse_foreign(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        _write(fresh / WEIGHTS, weights)
        _write(fresh / CARD, sealed)
        _swap(fresh, folder)
    except OSError as error:
        raise JobError(f"{folder}: could not be written ({error.strerror or error}); nothing was changed") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # half of the new one if it failed, the old one if it did not
    return folder


def load(folder: str | Path, *, kind: str) -> Artifact:
    """Read an artifact of this kind; ``JobError`` says what is missing, torn, changed or of another kind."""
    folder = Path(folder)
    card = read_card(folder)
    if card["kind"] != kind:
        raise JobError(f"{folder}: holds a {card['kind']!r}, expected a {kind!r}")
    weights = _read(folder, WEIGHTS, card["weights_bytes"])
    if len(weights) < card["weights_bytes"]:
        raise JobError(f"{folder / WEIGHTS}: cut off after {len(weights):,} of {card['weights_bytes']:,} bytes")
    if hashlib.sha256(weights).hexdigest() != card["weights_sha256"]:
        raise JobError(f"{folder / WEIGHTS}: torn or changed: its sha256 is not the card's; train or fetch it again")
    try:
        return Artifact(safetensors.torch.load(weights), card)
    except (SafetensorError, ValueError, KeyError) as error:
        raise JobError(f"{folder / WEIGHTS}: not a safetensors file ({error})") from None


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of an artifact of any kind, its own sha256 checked; the weights are not read."""
    path = Path(folder) / CARD
    raw = _read(Path(folder), CARD, MAX_CARD_BYTES)
    try:
        card = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise JobError(f"{path}: not JSON ({error})") from None
    if not isinstance(card, dict):
        raise JobError(f"{path}: expected a JSON object, got {type(card).__name__}")
    if card.get("format") != FORMAT:
        raise JobError(f"{path}: format {card.get('format')!r}; this lineament ({__version__}) reads format {FORMAT}")
    body = {key: value for key, value in card.items() if key != "card_sha256"}
    if wrong := _wrong_types(body):
        raise JobError(f"{path}: {wrong}")
    if not _matches(body, raw):
        raise JobError(f"{path}: torn or changed: it does not match its own sha256")
    return card


def write_atomically(path: str | Path, content: bytes | Callable[[BinaryIO], object]) -> Path:
    """Write one file whole or not at all: bytes, or a function that writes to the open binary file it is given.

    Missing parents are made, links are followed, and the mode of an older file is kept. Raises ``JobError`` naming
    the file when the disk fails (any ``OSError``); what else ``content`` raises passes through. Neither leaves a trace.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # also keeps root from replacing /dev/null
        raise JobError(f"{path}: exists and is not a regular file; name another one")
    fresh = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(fresh, content)
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError as error:
        raise JobError(f"{path}: could not be written ({error.strerror or error}); nothing was changed") from None
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
    return Path(path)


def _weights_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    try:  # clones, because safetensors refuses views and weights that share memory
        plain = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()
        }
        return safetensors.torch.save(plain)
    except (SafetensorError, AttributeError, KeyError, RuntimeError, ValueError) as error:
        raise UsageError(f"tensors: cannot be written as safetensors ({error})") from None


def _sealed(body: Mapping[str, Any]) -> bytes:
    """The bytes of a card, its sha256 last; one card has one spelling, so that any changed byte shows."""
    digest = hashlib.sha256(json.dumps(body, allow_nan=False).encode()).hexdigest()
    return (json.dumps({**body, "card_sha256": digest}, indent=1) + "\n").encode()


def _checked_card(card: Mapping[str, Any], folder: Path) -> bytes:
    try:
        body = json.loads(json.dumps(card, allow_nan=False))  # as it will be read: tuples are lists, keys are text
        sealed = _sealed(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{folder}: the card takes JSON values only ({error})") from None
    if wrong := _wrong_types(body):
        raise UsageError(f"{folder}: {wrong}")
    if len(sealed) > MAX_CARD_BYTES:
        raise UsageError(f"{folder}: the card takes {len(sealed):,} bytes, more than {MAX_CARD_BYTES:,}")
    return sealed


def _matches(body: Mapping[str, Any], raw: bytes) -> bool:
    try:
        return _sealed(body) == raw
    except (ValueError, RecursionError):  # NaN, or nested too deep: we never wrote it
        return False


def _wrong_types(card: Mapping[str, Any]) -> str:
    for key, expected in (_REQUIRED | _OPTIONAL).items():
        if key not in card and key in _REQUIRED:
            return f"the card has no entry {key!r}"
        if key in card and type(card[key]) is not expected:
            return f"card entry {key!r}: expected {expected.__name__}, got {type(card[key]).__name__}"
    if not all(isinstance(name, str) for name in card.get("attributes", [])):
        return "card entry 'attributes': expected a list of names"
    return ""


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise JobError(f"{folder}: is a file; an artifact is a folder, name another place")
    if folder.is_dir() and (foreign := sorted({entry.name for entry in folder.iterdir()} - {WEIGHTS, CARD})):
        raise JobError(f"{folder}: holds other files ({', '.join(foreign[:3])}); name a new or empty folder")


def _read(folder: Path, name: str, limit: int) -> bytes:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "no such folder"
        raise JobError(f"{folder}: {found}; an artifact is a folder with {CARD} and {WEIGHTS}")
    path = folder / name
    if not path.is_file():
        raise JobError(f"{folder}: has no file {name}, so it is not a whole artifact")
    try:
        if (size := path.stat().st_size) > limit:
            raise JobError(f"{path}: {size:,} bytes, expected no more than {limit:,}; torn or changed")
        return path.read_bytes()
    except OSError as error:
        raise JobError(f"{path}: could not be read ({error.strerror or error})") from None


def _beside(path: Path) -> Path:
    return path.parent / f".lineament-{secrets.token_hex(8)}"


def _write(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    with path.open("xb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, folder: Path) -> None:
    """Put ``fresh`` in the place of ``folder``; the old one, if any, is then at ``fresh``."""
    if not folder.exists() or not any(folder.iterdir()):
        fresh.rename(folder)
    elif not _exchange(fresh, folder):
        aside = _beside(folder)  # two steps where the system has no exchange: killed between them, this one survives
        folder.rename(aside)
        try:
            fresh.rename(folder)
        except OSError:
            aside.rename(folder)
            raise
        aside.rename(fresh)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step by Linux's ``renameat2``; False where the system or the disk cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    working_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    arguments = (working_folder, os.fsencode(one), working_folder, os.fsencode(other), exchange)
    return renameat2 is not None and renameat2(*arguments) == 0


def check_writable(folder: Path) -> None:
    """``JobError`` if nothing can be written into a folder, made if need be: to be known before minutes of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise JobError(f"--out {folder}: cannot be written ({error.strerror or error}); name another folder") from None
