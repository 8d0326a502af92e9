"""The folder and the workers of a search: what was asked, finished units, the report of winners, joblib's backends."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import safetensors.torch
import torch
from joblib import Parallel, delayed, parallel_config
from safetensors import SafetensorError, safe_open

from lineament.artifacts import write_atomically
from lineament.detectors.classical import Fitted, arrays, from_arrays
from lineament.detectors.classical_features import TOO_SMALL, Model
from lineament.detectors.material import Material
from lineament.errors import JobError, UsageError
from lineament.training.progress import StepProgress

__all__ = ["BACKENDS", "Backend", "claim", "each", "read_fitted", "report", "workers", "write_fitted"]

Backend = Literal["loky", "threading", "dask"]
"""Where units are worked on: processes, threads, or a dask cluster."""
BACKENDS: tuple[Backend, ...] = get_args(Backend)


def claim(folder: Path, material: Material) -> None:
    """Write what was asked to ``run.json``; ``UsageError`` if the folder holds a search for something else."""
    path = folder / "run.json"
    facts = {"attributes": material.attributes, "faces": len(material.train), "seed": material.seed,
             "data": material.images.facts(material.dataset)}  # fmt: skip
    facts = json.loads(json.dumps(facts))  # as it will be read: tuples are lists
    try:
        earlier = json.loads(path.read_bytes()) if path.exists() else facts
        changed = [key for key in facts if earlier[key] != facts[key]]
    except (ValueError, LookupError, TypeError):
        raise JobError(f"{path}: torn; delete the folder to start the search again") from None
    if changed:
        told = f"other {', '.join(changed)}"
        raise UsageError(f"{folder}: holds another search ({told}); choose another folder, or delete this one")
    write_atomically(path, json.dumps(facts, indent=1).encode())


@contextmanager
def workers(jobs: int, backend: Backend, shared: Any) -> Iterator[Parallel]:
    """joblib's `Parallel` on a backend; ``shared`` goes to processes as files mapped into memory, to a cluster once."""
    on_cluster = backend == "dask"
    options = {"scatter": [shared]} if on_cluster else {}
    with _dask_client(jobs) if on_cluster else nullcontext(), parallel_config(backend, n_jobs=jobs, **options):
        yield Parallel(return_as="generator_unordered")


def _dask_client(jobs: int) -> Any:
    """The cluster at ``DASK_SCHEDULER_ADDRESS``; without one, threads here, to try what a cluster would do."""
    try:
        from distributed import Client
    except ImportError:
        raise JobError("backend dask: not installed; pip install 'lineament[cluster]'") from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    here = {"processes": False, "n_workers": 1, "threads_per_worker": jobs, "dashboard_address": None}
    return Client(address) if address else Client(**here)  # type: ignore[no-untyped-call]


def each(
    parallel: Parallel, units: Sequence[Any], work: Callable[..., None], shown: Any, word: str, visible: bool
) -> list[Path]:
    """The files of all units (file, arguments ...), those that are missing made by ``work(file, shown, ...)``."""
    missing = [unit for unit in units if not unit[0].exists()]
    with StepProgress(word, len(units), len(units) - len(missing), visible=visible) as bar:
        for _ in parallel(delayed(work)(path, shown, *rest) for path, *rest in missing):
            bar.advance()
    return [path for path, *_ in units]


def report(
    path: Path,
    material: Material,
    faces: Mapping[str, int],
    accuracies: Mapping[str, Sequence[float | None]],
    winners: Mapping[Model, Mapping[int, float]],
) -> None:
    """Write which models won for each attribute, and every accuracy, as JSON."""
    rows = {}
    for column, name in enumerate(material.attributes):
        won = [(str(model), own[column]) for model, own in winners.items() if column in own]
        rows[name] = [
            {"model": model, "accuracy": round(value, 4)} for model, value in sorted(won, key=lambda x: -x[1])
        ]
    facts = {
        "faces": dict(faces),
        "accuracy": "mean of both recalls on the held-out people",
        "skipped": [str(model) for model in TOO_SMALL],
        "winners": rows,
        "accuracies": dict(accuracies),
    }
    write_atomically(path, json.dumps(facts, indent=1).encode())


def write_fitted(path: Path, fitted: Sequence[Fitted]) -> None:
    """Write the fitted models of a unit."""
    found, models = arrays(fitted)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}
    write_atomically(path, safetensors.torch.save(tensors, {"models": json.dumps(models)}))


def read_fitted(path: Path) -> tuple[Fitted, ...]:
    """Read them again; ``JobError`` if the file is torn."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            models = json.loads(file.metadata()["models"])
        return from_arrays(tensors, models)
    except (SafetensorError, LookupError, ValueError, TypeError) as error:
        raise JobError(f"{path}: torn ({error}); delete it and call again") from None
