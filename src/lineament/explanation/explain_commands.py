"""What the verb `explain` does: explain files or test images, print figures, write strips as a page or a picture."""

import json as json_module
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from torch import Tensor

from lineament.artifacts import write_atomically
from lineament.datasets.base import AttributeDataset
from lineament.datasets.pixels import resized
from lineament.datasets.registry import open_dataset
from lineament.errors import JobError, UsageError, nearest
from lineament.explanation.commands import check_seed
from lineament.explanation.explainer import explain
from lineament.explanation.loading import Explained, evenly, opened, shipped
from lineament.explanation.material import in_channels
from lineament.explanation.strips import Strip, block, decided_from, sheet, strips
from lineament.images import read_image, to_batch
from lineament.report import Finding, Fragment, page, prose

__all__ = ["explain_images"]

LOOKED_AT = 1000
"""Images at most of a data set from which the ones to show are chosen."""


def explain_images(
    images: Sequence[Path],
    *,
    explainer: Path | None,
    attribute: str | None,
    detector: Path | None,
    data: str | None,
    root: Path | None,
    n: int,
    target: str | None,
    out: Path | None,
    json: bool,
    seed: int,
    dry_run: bool,
) -> None:
    """Explain picture files, or test images of a data set; arguments as on the command line.

    Files that cannot be read are named on standard error; the rest is still explained, and then ``JobError`` is raised.
    Images that are in ``target`` already are named and left out; ``JobError`` if no other is left.
    """
    form = _form(out)
    if bool(images) == (data is not None):
        raise UsageError("images: name pictures, or with --data a set whose test images are to be explained")
    check_seed(seed)
    if n < 1:
        raise UsageError(f"--n: expected at least 1, got {n}")
    subject = opened(_folder(explainer, attribute), detector)
    crossed_to = _target(target, subject.decisions.classes)
    if dry_run:
        print(json_module.dumps(_planned(subject, images, data, n, target, out), indent=1))
        return
    if data is None:
        batch, names, failures = _read(images, subject)
    else:
        batch, names, failures = *_drawn(open_dataset(data, root), subject, n, seed, crossed_to), []
    batch, names = _to_cross(subject, batch, names, crossed_to)
    rows = _explained(subject, batch, names, crossed_to) if names else []
    if rows and out is not None:
        _write(rows, subject, out, form, _command(images, explainer, attribute, detector, data, root, n, target, seed))
    if json:
        print(json_module.dumps([row.figures() for row in rows], indent=1))
    elif rows:
        Console().print(_table(rows, decided_from(subject.decisions)))
    if rows and out is not None:
        Console(stderr=True).print(
            f"Strips of {len(rows)} images: {out}", highlight=False, soft_wrap=True, markup=False
        )
    if failures:
        raise JobError("\n".join(failures))
    if not rows:
        raise JobError(f"nothing to explain: every image is decided as {target!r} already; name another --target")


def _form(out: Path | None) -> str:
    form = "" if out is None else out.suffix.lower()
    if form not in ("", ".html", ".png") or (out is not None and not form):
        raise UsageError(f"--out {out}: expected a name that ends in .html (a page) or .png (one picture of strips)")
    return form


def _folder(explainer: Path | None, attribute: str | None) -> Path:
    known = shipped()
    if (explainer is None) == (attribute is None):
        raise UsageError(
            "name what to explain: --explainer FOLDER, or --attribute NAME for an explainer that comes with the "
            f"package ({', '.join(known) or 'none'})"
        )
    if explainer is not None:
        return explainer
    if attribute not in known:
        told = nearest(str(attribute), known, "shipped explainer")
        raise UsageError(f"{told}; train one with 'lineament train explainer --attribute {attribute} --out FOLDER'")
    return known[str(attribute)]


def _target(target: str | None, classes: tuple[str, ...]) -> int | None:
    if target is not None and target not in classes:
        raise UsageError(f"--target: {nearest(target, classes, 'class')}")
    return None if target is None else classes.index(target)


def _read(paths: Sequence[Path], subject: Explained) -> tuple[Tensor, list[str], list[str]]:
    """Pictures at the explainer's size as one batch, their names, and what could not be read."""
    channels, height, width = subject.explainer.shape
    found, names, failures = [], [], []
    for path in paths:
        try:
            found.append(to_batch(resized(read_image(path), (height, width))[None]))
            names.append(path.name)
        except JobError as error:
            failures.append(str(error))
    batch = torch.cat(found) if found else torch.zeros(0, 3, height, width)
    return in_channels(batch, channels), names, failures


def _to_cross(subject: Explained, batch: Tensor, names: Sequence[str], target: int | None) -> tuple[Tensor, list[str]]:
    """The images that are not decided as ``target``; the others are named on standard error."""
    if target is None or not names:
        return batch, list(names)
    there = (subject.decisions.predict(batch) == target).tolist()
    for name in (name for name, left_out in zip(names, there, strict=True) if left_out):
        told = f"{name}: decided as {subject.decisions.classes[target]!r} already, left out"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True, markup=False)
    kept = [i for i, left_out in enumerate(there) if not left_out]
    return batch[kept], [names[i] for i in kept]


def _drawn(
    dataset: AttributeDataset, subject: Explained, n: int, seed: int, target: int | None
) -> tuple[Tensor, list[str]]:
    """Test images drawn at random, as many of each class decided for as there are; none that is in ``target``."""
    classes = subject.decisions.classes
    rows = np.flatnonzero(dataset.split == 2)
    if set(classes) <= set(dataset.attributes):  # a pair of digits is not asked about a third
        shown = np.stack([dataset.column(name) for name in classes], 1) == 1
        rows = rows[shown[rows].sum(1) == 1]
    if not len(rows):
        raise UsageError(f"{dataset.name}: has no test images of the classes {', '.join(classes)}")
    rows = np.random.default_rng(seed).permutation(rows)[:LOOKED_AT]
    channels, height, width = subject.explainer.shape
    batch = to_batch(np.stack([resized(dataset.read(int(i)), (height, width)) for i in rows]))
    batch = in_channels(batch, channels)
    decided = subject.decisions.predict(batch).cpu().numpy()
    kept = np.flatnonzero(decided != target)
    kept = kept[evenly(decided[kept], n)]
    return batch[torch.from_numpy(kept)], [Path(dataset.names[rows[i]]).name for i in kept]


def _explained(subject: Explained, batch: Tensor, names: Sequence[str], target: int | None) -> list[Strip]:
    rows: list[Strip] = []
    for start in range(0, len(batch), 64):
        part = batch[start : start + 64]
        crossed_to = None if target is None else torch.full((len(part),), target)
        found = explain(subject.explainer, subject.decisions, part, crossed_to)
        rows += strips(found, subject.decisions, names[start : start + 64])
    return rows


def _write(rows: Sequence[Strip], subject: Explained, out: Path, form: str, command: str) -> None:
    if form == ".png":
        write_atomically(out, lambda file: sheet(rows).save(file, format="PNG"))
        return
    card, flipped = subject.explainer.card, sum(row.flipped for row in rows)
    between = " and ".join(subject.decisions.classes)
    text = (
        f"Each row is one image. The transformed image is what it would look like in the other class; the mask says "
        f"where that is put in its place (white: all of it), and the composite is the result, for which the classifier "
        f"decides otherwise in {flipped} of {len(rows)} rows. The dial puts in part of the change only: its blue line "
        f"begins where the decision flips. {decided_from(subject.decisions)}"
    )
    provenance = [
        ("Command", command), ("Classifier", f"weights {card.get('classifier_sha256', 'unknown')}"),
        ("Explainer", f"weights {card.get('weights_sha256')}, trained on {card.get('data', 'unknown data')}"),
        ("Licence of its training images", str(card.get("licence", "unknown"))),
    ]  # fmt: skip
    fragment = Fragment([prose(text), block(rows, "Explanations")], _findings(rows))
    written = page(f"Between {between}", "What the classifier looks at, and how its decision flips.",
                   [("What would change the decision", fragment)], provenance)  # fmt: skip
    write_atomically(out, written.encode())


def _findings(rows: Sequence[Strip]) -> list[Finding]:
    """How many decisions flip, how many do not, and how early."""
    at = [row.flip for row in rows if not np.isnan(row.flip)]
    flipped = sum(row.flipped for row in rows)
    found = [
        Finding("strength", f"{flipped} of {len(rows)}", "composites that the classifier takes for the other class"),
        Finding("blind spot", f"{len(rows) - flipped} of {len(rows)}", "decisions that this explainer cannot flip"),
    ]
    if at:
        text = f"of the change, in the median, flips the decision; in the most fragile image {min(at):.0%}"
        found.append(Finding("weak flank", f"{float(np.median(at)):.0%}", text))
    return found


def _table(rows: Sequence[Strip], caption: str) -> Table:
    table = Table(Column("image", overflow="fold"), "decision", "crossed to", Column("flips at", justify="right"),
                  Column("mask", justify="right"), box=box.SIMPLE_HEAD, caption=escape(caption))  # fmt: skip
    for row in rows:
        crossed = (
            f"{row.target} {row.after:.0%}" if row.flipped else f"[dim]stays; {escape(row.target)} {row.after:.0%}[/]"
        )
        at = "never" if np.isnan(row.flip) else f"{row.flip:.0%}"
        table.add_row(escape(row.name), f"{escape(row.source)} {row.before:.0%}", crossed, at, f"{row.area:.0%}")
    return table


def _planned(
    subject: Explained, images: Sequence[Path], data: str | None, n: int, target: str | None, out: Path | None
) -> dict[str, Any]:
    return {
        "explainer": str(subject.folder),
        "classes": list(subject.decisions.classes),
        "shape": list(subject.explainer.shape),
        "images": [str(path) for path in images] if data is None else f"{n} test images of {data}",
        "target": target or "the other class",
        "out": None if out is None else str(out),
    }


def _command(images: Sequence[Path], *values: Any) -> str:
    keys = ("explainer", "attribute", "detector", "data", "root", "n", "target", "seed")
    flags = [
        str(word) for key, value in zip(keys, values, strict=True) if value is not None for word in (f"--{key}", value)
    ]
    return shlex.join(["lineament", "explain", *(path.name for path in images), *flags])
