"""What the verb `train editor` does. The command line parses and calls this."""

import json as json_module
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from lineament.artifacts import check_writable
from lineament.datasets.base import SPLITS, AttributeDataset, Split
from lineament.datasets.framing import framed
from lineament.datasets.labelled import stored
from lineament.datasets.pixels import pixels
from lineament.datasets.registry import open_dataset
from lineament.editing.networks import check_sides
from lineament.editing.presets import PRESETS, EditorConfig, preset, with_steps
from lineament.editing.training import train_editor
from lineament.errors import UsageError
from lineament.training.run import Device, Precision

__all__ = ["USUAL", "material", "part", "train"]

USUAL: dict[str, tuple[str, ...]] = {
    "portraits": (
        "Bangs", "Eyeglasses", "Heavy_Makeup", "Smiling", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
        "Wearing_Necktie",
    ),
    "celeba": ("Bangs", "Eyeglasses", "Mustache", "Smiling", "Wearing_Hat"),
}  # fmt: skip
"""Attributes that are edited unless others are named: of portraits those with a style."""

PEOPLE = 62_000
"""Seed of the portraits' people, whom `portraits` does not show: what is edited later was never trained on."""

MOST: dict[Split, int] = {"train": 60_000, "development": 2_000, "test": 0}
"""Images at most that train an editor and choose its checkpoint, drawn at random: as many as memory holds."""


def train(
    *, out: Path, data: str, root: Path | None, preset_name: str | None, attributes: Sequence[str], steps: int | None,
    size: int, seed: int, device: Device, precision: Precision, dry_run: bool,
) -> None:  # fmt: skip
    """Train an editor and say where it is; arguments as on the command line."""
    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, got {seed}")
    check_sides((3, size, size))
    config = preset(preset_name or (data if data in PRESETS else "lineament"))
    config = config if steps is None else with_steps(config, steps)
    dataset, names = material(data, root, attributes, size)
    counts = {split: min(MOST[split], int((dataset.split == i).sum())) for i, split in enumerate(SPLITS[:2])}
    if not all(counts.values()):
        raise UsageError(f"{data}: has {counts} images, and an editor needs some of both; name another set")
    if dry_run:
        print(json_module.dumps(_resolved(config, data, names, counts, size, out, seed), indent=1))
        return
    check_writable(out)
    (images, labels), validation = part(dataset, names, "train"), part(dataset, names, "development")
    train_editor(
        images, labels, validation, names, config, out, seed=seed, device=device, precision=precision,
        card={"data": data, "licence": dataset.licence},
    )  # fmt: skip
    where = f" --root {shlex.quote(str(root))}" if root else ""
    Console(stderr=True).print(
        f"The editor is in {out / 'editor'}. Next: lineament edit swap --editor {out} --data {data}{where} "
        f"--on {names[0]} --out {out / 'edits'}",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


def material(
    data: str, root: Path | None, attributes: Sequence[str], size: int
) -> tuple[AttributeDataset, tuple[str, ...]]:
    """The images of a set as squares of ``size`` pixels, and the attributes to edit, in alphabetical order.

    Of portraits, images in which a coin decided on each attribute, so that none tells anything of another.
    """
    names = tuple(sorted(set(attributes or USUAL.get(data, ()))))
    if data == "portraits":
        from lineament.datasets.portraits.tossed import tossed  # draws with skia, which other sets do without

        return tossed(names, people=2900, size=size, seed=PEOPLE), names
    dataset = open_dataset(data, root)
    names = names or tuple(sorted(dataset.attributes))
    if not names:
        raise UsageError(f"{data}: has no attribute labels, so there is nothing to edit; name another set")
    for name in names:
        dataset.column(name)
    return framed(dataset, (size, size), colour=True), names


def part(dataset: AttributeDataset, attributes: Sequence[str], split: Split) -> tuple[Tensor, Tensor]:
    """Images ``(n, 3, size, size)`` uint8 of one part and their labels ``(n, attributes)`` int8, at most `MOST`.

    Files are decoded once into a cache on disk (`datasets.pixels`).
    """
    rows = np.flatnonzero(dataset.split == SPLITS.index(split))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[: MOST[split]])
    if dataset.sources:
        images = torch.from_numpy(pixels(dataset)[rows]).permute(0, 3, 1, 2).contiguous()
    else:  # what is rendered: the cache would tell two sets apart by two images, which may not show what was tossed
        images = stored(dataset, rows)
    labels = np.stack([dataset.column(name)[rows] for name in attributes], 1)
    return images, torch.from_numpy(labels)


def _resolved(
    config: EditorConfig, data: str, names: Sequence[str], counts: Mapping[Split, int], size: int, out: Path, seed: int
) -> dict[str, Any]:
    return {"data": data, "attributes": list(names), "images": dict(counts), "size": size, "out": str(out),
            "seed": seed, "config": asdict(config)}  # fmt: skip
