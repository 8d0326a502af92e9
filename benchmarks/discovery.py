"""What clusters of part embeddings say of labels nobody gave them, on portraits and on CelebA's ten part networks.

Beside them stand the controls: k-means on the same embeddings, the same clusters against labels moved to other images,
and the clusters that faces of unseen people are nearest to. The seconds are processor time of one thread.
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, benchmark, data_root

CELEBA_DETECTOR = ROOT / "runs" / "benchmarks" / "detector_celeba" / "full" / "paper"
"""Made by ``python -m benchmarks.detector_celeba``."""


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    from lineament.datasets.registry import open_dataset
    from lineament.detectors.detector import load, shipped
    from lineament.detectors.discovery import Settings

    settings = Settings(samples=600 if quick else 10_000, seed=seed)
    rows = parts("portraits", open_dataset("portraits"), shipped(), settings)
    metrics = {f"portraits_{key}": value for key, value in means(rows, settings).items()}
    if not quick:
        if not (CELEBA_DETECTOR / "detector").is_dir():
            sys.exit(f"{CELEBA_DETECTOR}: no detector there; run 'python -m benchmarks.detector_celeba' first")
        more = parts("celeba", open_dataset("celeba", data_root()), load(CELEBA_DETECTOR), settings)
        metrics |= {f"celeba_{key}": value for key, value in means(more, settings).items()}
        rows += more
    return metrics, rows


def parts(name: str, dataset: Any, detector: Any, settings: Any) -> list[dict[str, Any]]:
    """One row a part; a finished CelebA discovery under ``runs`` with these settings is taken up, not made again."""
    from lineament.detectors.discovery_commands import held
    from lineament.detectors.discovery_run import clustered, discover

    with tempfile.TemporaryDirectory() as folder:
        kept = ROOT / "runs" / "celeba_discovered" if name == "celeba" else Path(folder)
        found = discover(detector, dataset, kept, settings)
        rows, _ = held(found, dataset)
    for row, one in zip(rows, found.dictionaries, strict=True):
        started = time.process_time()
        again = clustered(one.part, one.atoms, settings)
        row["seconds"] = time.process_time() - started
        row["repeats"] = float((again.clusters == one.clusters).float().mean())
        lifts = [label["lift"] for cluster in row["clusters"] for label in cluster["over_represented"][:1]]
        row["median_lift"] = float(np.median(lifts)) if lifts else float("nan")
    columns = ("part", "images", "explained", "explained_moved", "median_lift", "nmi", "nmi_unseen", "nmi_moved",
               "nmi_kmeans", "purity", "purity_kmeans", "majority", "seconds", "repeats")  # fmt: skip
    return [{"data": name} | {key: row[key] for key in columns} | {"clusters": row["clusters"]} for row in rows]


def means(rows: Sequence[Mapping[str, Any]], settings: Any) -> dict[str, float]:
    """Over parts: the share of clusters that a label explains, and the mean of the other columns."""
    mean = {key: float(np.mean([row[key] for row in rows])) for key in (
        "explained", "explained_moved", "nmi", "nmi_unseen", "nmi_moved", "nmi_kmeans", "purity", "majority",
        "seconds")}  # fmt: skip
    shares = {key: mean.pop(key) / settings.clusters for key in ("explained", "explained_moved")}
    return shares | mean


if __name__ == "__main__":
    benchmark("discovery", "clusters of part embeddings agree with labels that they were not told", measure)
