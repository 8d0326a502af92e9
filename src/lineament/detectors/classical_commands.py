"""What the verbs `train classical` and `train platform` do. The command line parses and calls these."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from lineament.datasets.base import AttributeDataset
from lineament.datasets.registry import open_dataset
from lineament.detectors import classical_search, platform
from lineament.detectors.classical_features import FAMILIES, MODELS
from lineament.detectors.classical_run import Backend

__all__ = ["train_classical", "train_platform"]


def train_classical(
    *, out: Path, data: str, root: Path | None, attributes: Sequence[str], faces: int, seed: int, jobs: int,
    backend: Backend, dry_run: bool,
) -> None:  # fmt: skip
    """Search for the models of every attribute and say where the detector is; arguments as on the command line."""
    dataset = _opened(data, root, attributes)
    if dry_run:
        names = tuple(attributes) or dataset.attributes
        plan = {"models": len(MODELS), "units": len(FAMILIES), "fits": len(MODELS) * len(names), "backend": backend}
        _print_run(dataset, out, names, faces, seed, jobs, plan)
        return
    classical_search.search(
        dataset, out, attributes=attributes, faces=faces, seed=seed, jobs=jobs, backend=backend, progress=True
    )
    _tell(out, data, root, f"; which models won: {out / 'search.json'}")


def train_platform(
    *, out: Path, data: str, root: Path | None, attributes: Sequence[str], faces: int | None, scale: float, seed: int,
    jobs: int, dry_run: bool,
) -> None:  # fmt: skip
    """Train the linear SVMs and say where the detector is; arguments as on the command line."""
    dataset = _opened(data, root, attributes)
    if dry_run:
        plan = {"scale": scale, "features": platform.length(scale)}
        _print_run(dataset, out, tuple(attributes) or dataset.attributes, faces, seed, jobs, plan)
        return
    platform.train(dataset, out, scale=scale, attributes=attributes, faces=faces, seed=seed, jobs=jobs, progress=True)
    _tell(out, data, root)


def _opened(data: str, root: Path | None, attributes: Sequence[str]) -> AttributeDataset:
    dataset = open_dataset(data, root)
    for name in attributes:
        dataset.column(name)
    return dataset


def _print_run(
    dataset: AttributeDataset, out: Path, names: Sequence[str], faces: int | None, seed: int, jobs: int, plan: Any
) -> None:
    train, development = (int((dataset.split == part).sum()) for part in (0, 1))
    counts = {"train": min(train, faces or train), "development": development}
    facts = {"data": dataset.name, **counts, "out": str(out), "seed": seed, "jobs": jobs, **plan, "attributes": names}
    print(json.dumps(facts, indent=1))


def _tell(out: Path, data: str, root: Path | None, more: str = "") -> None:
    where = f" --root {root}" if root else ""
    Console(stderr=True).print(
        f"The detector is in {out / 'detector'}{more}. "
        f"Next: lineament evaluate --data {data}{where} --detector {out}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
