"""Table 5.12: men and women of CelebA at 64 px, attacked on the bare classifier, behind a generator made for a CPU.

The generator is ``runs/benchmarks/defense/celeba/generator``, of whatever schedule its card tells; where there is none,
one is trained by the preset ``cpu``. Beside the table stands what it allows at best: how near it comes to test faces
that nobody attacked, and how many of them are still taken for what they are. The printed figures are of a generator
that learnt the training part of all 202,599 faces, which is 162,770; here it has 8,639, a twentieth. Classifiers have
those alone, too, and learn reconstructions and attacked images on the schedule of `lineament.reproduction`.

The attacks do not know of the defence, and no benchmark has others on faces; `adaptive` has them on digits and
garments. A sheet of faces, attacked and projected, stays in ``runs``: CelebA's faces are not to be passed on, nor is a
generator that learnt them.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.harness import ROOT, benchmark, data_root
from lineament.attacks.gradient_sign import FGSM
from lineament.images import to_uint8
from lineament.reproduction.chapter_5 import TABLES, Setting
from lineament.reproduction.material import Material, accuracy
from lineament.reproduction.trained import Trained

SHOWN = 10
"""Faces on the sheet."""


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, help="test images: 1,000, or 8 if quick")
    parser.add_argument("--mode", choices=("fast", "reference"), default="fast", help="reference is L 200, R 2")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="cpu")


def measure(
    *, quick: bool, seed: int, n: int | None, mode: str, device: str
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    setting = Setting(data_root(), ROOT / "runs" / "benchmarks", ("celeba",), quick, seed, device,  # type: ignore[arg-type]
                      n=n or (8 if quick else None), mode=mode)  # fmt: skip
    rows = []
    for entry in TABLES["5.12"](setting):
        print(f"{entry.table}: {entry.row} {entry.column} {entry.value:.3f}", flush=True)
        rows.append({
            "attack": entry.table.partition(", ")[2], "classifier": entry.row, "defence": entry.column,
            "accuracy": entry.value, "low": entry.low, "high": entry.high, "published": entry.printed, "n": entry.n,
            "details": {"schedule": entry.schedule},
        })  # fmt: skip
    allowed, more = allows(setting.material("celeba"), setting)
    return summary(rows) | allowed, [*rows, *more]


def allows(material: Material, setting: Setting) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """What the generator allows: error and accuracy on clean test faces, before and after projection."""
    config = setting.config(200, 2)
    known, rows = material.purifier(config), []
    projected = material.purified(known)
    for name in ("D",) if material.quick else ("A", "B", "C", "D"):
        classifier = material.classifier(Trained(name, "rec"))  # type: ignore[arg-type]
        found = accuracy(classifier, projected, material.labels)
        rows.append({
            "attack": "none", "classifier": name, "defence": "defense_gan_rec", "accuracy": found[0], "low": found[1],
            "high": found[2], "published": None, "n": material.n, "details": {"schedule": material.schedule},
        })  # fmt: skip
    attacked = material.attacked(FGSM(0.3), classifier)
    faces = {"clean": material.images, "projected": projected, "attacked": attacked}
    faces["attacked, projected"] = material.purified(known, attacked[:SHOWN])
    sheet(list(faces.values()), material.folder / ("quick" if material.quick else "sheets") / "gender.png")
    error = (projected - material.images).square().flatten(1).mean(1)
    scores = {f"generator_{name}": float(value) for name, value in material.card.get("metrics", {}).items()}
    return scores | {
        "projected_clean_accuracy": statistics.fmean(row["accuracy"] for row in rows),
        "projection_error": float(error.mean()),
        "majority": float(torch.bincount(material.labels).max()) / material.n,
    }, rows


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By defence the mean over the cells of the table, and of measured less printed."""
    metrics: dict[str, float] = {}
    for name in dict.fromkeys(row["defence"] for row in rows):
        of = [row for row in rows if row["defence"] == name]
        metrics[f"mean_{name}"] = statistics.fmean(row["accuracy"] for row in of)
        metrics[f"mean_{name}_gap"] = statistics.fmean(row["accuracy"] - row["published"] for row in of)
    return metrics


def sheet(rows: Sequence[Tensor], path: Path) -> None:
    """Faces side by side, one row below the other; it stays in ``runs``."""
    lines = [np.concatenate(list(to_uint8(row[:SHOWN].cpu())), axis=1) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(lines)).save(path)


if __name__ == "__main__":
    claim = "on real faces the projection is worth what its generator is: table 5.12, and what the generator allows"
    benchmark("gender_celeba", claim, measure, arguments=flags)
