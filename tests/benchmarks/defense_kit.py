"""A set of 28-pixel images and a tiny generator of it, where the benchmarks of the defence look for theirs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import defense_task
from lineament.defense import generator as generators
from lineament.defense.networks import Generator
from lineament.reproduction import material
from tests.datasets.trees import idx_bytes


def write_bars(folder: Path, **counts: int) -> None:
    """Noise with a bright bar, two rows high, at a height that tells the class: something to be learnt in seconds."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, n in counts.items():
        labels = (np.arange(n) % 10).astype(np.uint8)
        images = random.integers(0, 120, (n, 28, 28), dtype=np.uint8)
        images[np.arange(n)[:, None], 2 * labels[:, None] + [4, 5]] = 250
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the runs; 240 training and 170 test images of MNIST's form."""
    monkeypatch.setenv("LINEAMENT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(defense_task, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(material, "shipped", lambda data, what: tmp_path / "package" / data / what)
    write_bars(tmp_path / "data" / "MNIST" / "raw", train=240, t10k=170)
    torch.manual_seed(0)
    generators.save(Generator((1, 28, 28), latent=4, width=2), tmp_path / "runs" / "mnist" / "generator")
    defense_task._material.cache_clear()
    yield tmp_path / "runs"
    defense_task._material.cache_clear()
