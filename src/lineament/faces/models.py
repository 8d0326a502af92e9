"""The two model files: fetched once out of a public wheel, checked, cached, and run one image at a time.

BlazeFace (short range) and the 468-point face mesh are published by Google under Apache-2.0 inside the PyPI wheel
``mediapipe==0.10.21``. lineament needs nothing else of that package, so it takes the two files out of the wheel.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.artifacts import write_atomically
from lineament.errors import JobError

__all__ = ["DETECTOR", "LANDMARKS", "MODELS", "WHEEL", "cache_folder", "fetch", "infer"]

WHEEL = "mediapipe==0.10.21"
DETECTOR, LANDMARKS = "face_detection_short_range.tflite", "face_landmark.tflite"
# sha256 of the members of mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl from PyPI (the wheel's own sha256 is
# 05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3); wheels of other platforms hold the same files.
MODELS: dict[str, tuple[str, str]] = {
    DETECTOR: ("mediapipe/modules/face_detection/", "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"),
    LANDMARKS: ("mediapipe/modules/face_landmark/", "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"),
}
"""File name to its folder in the wheel and its sha256."""

_LARGEST = 8_000_000  # bytes; a member over this is not one of ours, whatever its name
_QUIET = threading.Lock()
_LOCK = threading.Lock()  # an interpreter holds its tensors, so one call at a time


def cache_folder() -> Path:
    """Where the files are kept: ``$LINEAMENT_CACHE/faces``, else ``lineament/faces`` in the user's cache folder."""
    if own := os.environ.get("LINEAMENT_CACHE"):
        return Path(own) / "faces"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineament" / "faces"


def fetch(wheel: Path | None = None) -> list[Path]:
    """Make sure both files are in the cache, asking pip for the wheel only if one is missing; return their paths.

    Args:
        wheel: take them out of this wheel instead of asking pip, on a machine without network.

    Raises:
        JobError: pip found no wheel, it lacks a file, or a file is not the published one; nothing is left behind.
    """
    folder = cache_folder()
    missing = [name for name in MODELS if not _genuine(folder / name)]
    if missing and wheel is None:
        with tempfile.TemporaryDirectory() as scratch:
            _extract(_download(Path(scratch)), missing, folder)
    elif missing and wheel is not None:
        _extract(wheel, missing, folder)
    return [folder / name for name in MODELS]


def _download(folder: Path) -> Path:
    """The wheel, brought by pip so that the user's own index, proxy and certificates hold."""
    target = ["--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"]
    command = ["pip", "download", WHEEL, "--no-deps", "--only-binary=:all:", *target, *quiet, "--dest", str(folder)]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    found = sorted(folder.glob("mediapipe-*.whl"))
    if done.returncode or not found:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "pip gave no reason")
        raise JobError(
            f"could not fetch the face models: `python -m {' '.join(command[:3])}` failed ({reason.strip()}). "
            "They need the network once. Without it: on another machine run "
            f"`python -m {' '.join(command[: -len(quiet) - 2])}`, bring the wheel here and run "
            f"`lineament faces fetch --wheel FILE`, or put {' and '.join(MODELS)} into {cache_folder()}"
        )
    return found[0]


def _extract(wheel: Path, names: list[str], folder: Path) -> None:
    """Write the named members into ``folder``, each only if it is the published one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                with archive.open(MODELS[name][0] + name) as member:
                    _keep(member.read(_LARGEST), folder / name, wheel)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise JobError(
            f"{wheel}: cannot take {' and '.join(names)} out of it ({error}); expected the {WHEEL} wheel"
        ) from None


def _keep(content: bytes, path: Path, source: Path) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODELS[path.name][1]:
        raise JobError(
            f"{source.name}: {path.name} is not the published file: sha256 {digest}, expected {MODELS[path.name][1]}; "
            f"nothing was kept, take it from the {WHEEL} wheel on PyPI"
        )
    write_atomically(path, content)


def _genuine(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == MODELS[path.name][1]


@cache
def _interpreter(path: Path) -> Any:
    """The interpreter of one file, made once a process, on one thread."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise JobError("finding faces needs ai-edge-litert: pip install 'lineament[faces]'") from None
    if not _genuine(path):
        state = "not the published file (its sha256 differs)" if path.exists() else "not there yet"
        raise JobError(f"{path}: {state}; run `lineament faces fetch` once")
    with _quiet():
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what native code writes to standard error within: TFLite tells there how it computes, and has no switch.

    The descriptor is the whole process's, so this lasts as short as it can, and only one thread at a time is here.
    """
    with _QUIET:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def infer(name: str, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Run model ``name`` on one image ``(height, width, 3)``; return its outputs by name, without the batch axis."""
    with _LOCK:
        interpreter = _interpreter(cache_folder() / name)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        return {out["name"]: interpreter.get_tensor(out["index"])[0] for out in interpreter.get_output_details()}
