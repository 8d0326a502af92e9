"""What the verb `train editor` does, and the sets that fit an editor. The command line parses and calls this."""

import json as json_module
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int8, UInt8
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from lineament.artifacts import check_writable
from lineament.datasets.base import SPLITS, AttributeDataset, Split
from lineament.datasets.framing import framed
from lineament.datasets.labelled import stored
from lineament.datasets.pixels import pixels
from lineament.datasets.registry import DATASETS, open_dataset
from lineament.editing.networks import check_sides
from lineament.editing.operations import AnyEditor
from lineament.editing.presets import EditorConfig, preset, with_steps
from lineament.editing.training import train_editor
from lineament.errors import JobError, UsageError
from lineament.training.run import Device, Precision

__all__ = ["USUAL", "chosen", "material", "open_for", "part", "set_of", "train"]

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

MOST: dict[Split, int] = {"train": 60_000, "development": 2_000}
"""Images of 64 px at most that train an editor and choose its checkpoint, drawn at random: 0.8 GB of memory.

Of other sizes as many as have so many pixels.
"""

FEWEST = 10
"""Training images with an attribute, and without it, from which its looks can be learned at all."""


def train(
    *, out: Path, data: str, root: Path | None, preset_name: str, attributes: Sequence[str], steps: int | None,
    size: int, seed: int, device: Device, precision: Precision, dry_run: bool,
) -> None:  # fmt: skip
    """Train an editor and say where it is; arguments as on the command line."""
    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, got {seed}")
    _check_size(size)
    config = preset(preset_name)
    config = config if steps is None else with_steps(config, steps)
    dataset, names = material(data, root, attributes, size)
    rows = {split: chosen(dataset, split, size) for split in MOST}
    _check_labels(data, dataset, names, rows)
    if dry_run:
        print(json_module.dumps(_resolved(config, data, names, rows, size, out, seed), indent=1))
        return
    check_writable(out)
    (images, labels), validation = (part(dataset, names, each) for each in rows.values())
    try:
        train_editor(
            images, labels, validation, names, config, out, seed=seed, device=device, precision=precision,
            card={"data": data, "licence": dataset.licence},
        )  # fmt: skip
    except UsageError as error:  # what is trained before the editor has folders that nobody named
        inner = re.compile(rf"^{re.escape(str(out))}/(classifier|eraser|styles)(?=:)")
        raise UsageError(inner.sub(lambda found: str(out), str(error))) from None
    where = f" --root {shlex.quote(str(root))}" if root else ""
    Console(stderr=True).print(
        f"The editor is in {out / 'editor'}. Next: lineament edit swap --editor {shlex.quote(str(out))} --data {data}"
        f"{where} --on {shlex.quote(names[0])} --out {shlex.quote(str(out / 'edits'))}",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


def set_of(editor: AnyEditor) -> str:
    """The name of the registered set that an editor's card says it was trained on, else portraits."""
    name = str(editor.card.get("data", "")).partition(",")[0]  # "portraits, tossed"
    return name if name in DATASETS else "portraits"


def open_for(editor: AnyEditor, data: str | None, root: Path | None) -> AttributeDataset:
    """A registered set, the editor's own unless named; what is rendered has the editor's size."""
    name = data or set_of(editor)
    return open_dataset(name, root, **({"size": editor.shape[1]} if name == "portraits" else {}))


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


def chosen(dataset: AttributeDataset, split: Split, size: int) -> NDArray[np.int64]:
    """The images of one part, in order: all, or as many at random as memory holds at this size (`MOST`)."""
    rows = np.flatnonzero(dataset.split == SPLITS.index(split))
    return np.sort(np.random.default_rng(0).permutation(rows)[: round(MOST[split] * (64 / size) ** 2)])


def part(
    dataset: AttributeDataset, attributes: Sequence[str], rows: NDArray[np.int64]
) -> tuple[UInt8[Tensor, "n 3 size size"], Int8[Tensor, "n attributes"]]:
    """The images at ``rows`` and their labels.

    Files are decoded once into a cache on disk (`datasets.pixels`).
    """
    if dataset.sources:
        images = torch.from_numpy(pixels(dataset)[rows]).permute(0, 3, 1, 2).contiguous()
    else:  # what is rendered: the cache would tell two sets apart by two images, which may not show what was tossed
        images = stored(dataset, rows)
    labels = np.stack([dataset.column(name)[rows] for name in attributes], 1)
    return images, torch.from_numpy(labels)


def _check_size(size: int) -> None:
    try:
        check_sides((3, size, size))
    except UsageError:
        raise UsageError(f"--size: expected 32, 64, 128 or 256 pixels, got {size}") from None


def _check_labels(
    data: str, dataset: AttributeDataset, names: Sequence[str], rows: Mapping[Split, NDArray[np.int64]]
) -> None:
    """Say before any image is decoded what training would stumble over."""
    counts = {split: len(each) for split, each in rows.items()}
    if not all(counts.values()):
        raise UsageError(f"{data}: has {counts} images, and an editor needs some of both; name another set")
    for name in names:
        column = dataset.column(name)[rows["train"]]
        for label, kind in enumerate(("without", "with")):
            if (n := int((column == label).sum())) < FEWEST:
                raise JobError(
                    f"{data}: {f'only {n} training images' if n else 'no training image'} {kind} {name}, and "
                    f"{FEWEST} are the fewest to learn from; leave it out (--attributes), or add such images"
                )
    if not any((dataset.column(name)[rows["development"]] >= 0).any() for name in names):
        raise JobError(f"{data}: no development image has a label of {', '.join(names)}; add some to judge by")


def _resolved(
    config: EditorConfig, data: str, names: Sequence[str], rows: Mapping[Split, NDArray[np.int64]], size: int,
    out: Path, seed: int,
) -> dict[str, Any]:  # fmt: skip
    counts = {split: len(each) for split, each in rows.items()}
    return {"data": data, "attributes": list(names), "images": counts, "size": size,
            "bytes": sum(counts.values()) * 3 * size**2, "out": str(out), "seed": seed,
            "config": asdict(config)}  # fmt: skip
