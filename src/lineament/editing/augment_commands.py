"""What the verb `augment` does: list the rare combinations of a set, or fill one with edited images."""

import json as json_module
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lineament.artifacts import check_writable
from lineament.datasets.base import AttributeDataset
from lineament.datasets.framing import framed
from lineament.datasets.pixels import pixels
from lineament.editing.augmentation import Edited, Operation, augment, check_wishes
from lineament.editing.augmented import check_vacant, write_folder
from lineament.editing.combinations import Count, named, rare_pairs, shown, sources
from lineament.editing.commands import open_for, set_of
from lineament.editing.editor import Editor, load, shipped
from lineament.errors import UsageError

__all__ = ["augment_set"]

LISTED = 20
"""Pairs that are shown if none is named."""


def augment_set(
    *,
    out: Path | None,
    on: Sequence[str],
    off: Sequence[str],
    count: int | None,
    operation: Operation,
    scale: float,
    data: str | None,
    root: Path | None,
    editor: Path | None,
    alone: bool,
    json: bool,
    seed: int,
    dry_run: bool,
) -> None:
    """Write a set with edited images of a rare combination, or list such; arguments as on the command line."""
    if seed < 0:
        raise UsageError(f"--seed: expected 0 or more, got {seed}")
    if editor is None and data not in (None, "portraits"):
        raise UsageError(
            f"--editor: the editor that comes with the package is one of portraits; for {data}, name a run of "
            f"'lineament train editor --data {data}'"
        )
    combination = _combination(on, off)
    opened = shipped() if editor is None else load(editor)
    dataset = open_for(opened, data, root)
    if not combination:
        _list(rare_pairs(dataset, opened.attributes), _again(data, root, editor), json)
        return
    if out is None:
        raise UsageError("--out: name a folder for the set with its edited images")
    common = shown(dataset, combination)
    order, _ = sources(dataset, opened.attributes, combination, seed)
    wanted = _lacking(common) if count is None else count
    check_wishes(wanted, scale, seed, opened.shape[1])
    if dry_run:
        print(json_module.dumps(_planned(dataset, opened, common, wanted, len(order), operation, out, alone), indent=1))
        return
    check_vacant(out)
    check_writable(out.resolve().parent)
    if not alone:  # every image is wanted, so each is decoded once
        dataset = framed(dataset, opened.shape[1:], colour=True)
        dataset = replace(dataset, read=pixels(dataset).__getitem__)
    edited = augment(dataset, opened, combination, wanted, operation=operation, scale=scale, seed=seed)
    note = {
        "data": data or set_of(opened),
        "licence": dataset.licence,
        "editor": opened.card.get("weights_sha256"),
        "scale": scale if operation == "sample" else None,
        "seed": seed,
    }
    write_folder(dataset, edited, out, alone=alone, note=note)
    _tell(edited, common, wanted, dataset, out, alone, json)


def _combination(on: Sequence[str], off: Sequence[str]) -> dict[str, bool]:
    if both := set(on) & set(off):
        raise UsageError(f"--on, --off: {', '.join(sorted(both))} cannot be there and not be there")
    return dict.fromkeys(on, True) | dict.fromkeys(off, False)


def _lacking(common: Count) -> int:
    """How many to make so that there are as many as chance would have put there."""
    lacking = round(common.expected) - common.images
    if lacking < 1:
        raise UsageError(
            f"{named(common.combination)}: not rare: {common.images} training images show it, by chance "
            f"{common.expected:.0f} would; say with --count how many more you want"
        )
    return lacking


def _planned(
    dataset: AttributeDataset,
    editor: Editor,
    common: Count,
    count: int,
    sources: int,
    operation: str,
    out: Path,
    alone: bool,
) -> dict[str, Any]:
    return {
        "data": dataset.name,
        "editor": {"attributes": list(editor.attributes), "shape": list(editor.shape)},
        "combination": dict(common.combination),
        "training_images_that_show_it": common.images,
        "expected_by_chance": round(common.expected, 1),
        "count": count,
        "images_to_edit": sources,
        "operation": operation,
        "out": str(out),
        "alone": alone,
    }


def _tell(
    edited: Edited, common: Count, wanted: int, dataset: AttributeDataset, out: Path, alone: bool, json: bool
) -> None:
    unknown = sum(bool(line["unknown"]) for line in edited.provenance)
    figures = {
        "edited": len(edited),
        "wanted": wanted,
        "tried": edited.tried,
        "with_labels_made_unknown": unknown,
        "shown_before": common.images,
        "shown_now": common.images + len(edited),
        "images": len(edited) + (0 if alone else len(dataset)),
        "out": str(out),
    }
    if json:
        print(json_module.dumps(figures, indent=1))
        return
    short = f", {wanted - len(edited)} fewer than wanted" if len(edited) < wanted else ""
    told = (
        f"{named(common.combination)}: {common.images} training images showed it, now {figures['shown_now']} do. Of "
        f"{edited.tried} edits {len(edited)} were kept{short}; {unknown} of these moved another reading of the "
        f"editor's, whose label is now unknown.\n{figures['images']:,} images and where they come from: {out}"
    )
    if not alone:
        told += f"\nNext: lineament train detector --data folder --root {shlex.quote(str(out))} --out FOLDER"
    Console().print(told, highlight=False, soft_wrap=True, markup=False)


def _again(data: str | None, root: Path | None, editor: Path | None) -> str:
    """The flags by which this call's set and editor are found, as the next call wants them."""
    given = {"--data": data, "--root": root, "--editor": editor}
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, value in given.items() if value is not None)


def _list(pairs: Sequence[Count], again: str, json: bool) -> None:
    if json:
        rows = [{"on": list(pair.combination), "images": pair.images, "expected": pair.expected} for pair in pairs]
        print(json_module.dumps(rows, indent=1))
        return
    table = Table(
        "rarest pairs",
        Column("images", justify="right"),
        Column("by chance", justify="right"),
        box=box.SIMPLE_HEAD,
        caption="Training images that show both, and how many would if neither told anything about the other.",
    )
    for pair in pairs[:LISTED]:
        table.add_row(escape(" ".join(pair.combination)), f"{pair.images:,}", f"{pair.expected:,.0f}")
    console = Console()
    console.print(table)
    console.print(f"Fill one: lineament augment{again} --on A B --out FOLDER", soft_wrap=True, markup=False)
