"""What the verbs `train explainer`, `explain` and `explainer export` do. The command line parses and calls these."""

import json as json_module
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryFile
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
from lineament.explanation import classifiers
from lineament.explanation.explainer import explain, load
from lineament.explanation.export import export_onnx
from lineament.explanation.loading import Explained, evenly, opened, shipped
from lineament.explanation.presets import ExplainerConfig, preset
from lineament.explanation.strips import Strip, block, sheet, strips
from lineament.explanation.student import imitate
from lineament.explanation.training import train_explainer
from lineament.images import read_image, to_batch
from lineament.report import Fragment, page, prose
from lineament.training.run import Device, Precision

__all__ = ["explain_images", "export", "train"]

LOOKED_AT = 1000
"""Images at most of a data set from which the ones to show are chosen."""


def train(
    *,
    out: Path,
    data: str,
    root: Path | None,
    detector: Path | None,
    attribute: str | None,
    onnx: Path | None,
    classes: str,
    column: int | None,
    preset_name: str | None,
    size: int | None,
    changes: Mapping[str, Any],
    seed: int,
    device: Device,
    precision: Precision,
    dry_run: bool,
) -> None:
    """Train an explainer of one classifier and say where it is; arguments as on the command line.

    ``changes`` are entries of the preset by name; None leaves one as it is.
    """
    named = tuple(name.strip() for name in classes.split(",") if name.strip())
    _check_choice(detector, attribute, onnx, named, column)
    config = preset(preset_name or ("faces" if attribute else "garments" if data == "fashion_mnist" else "digits"))
    wanted = {key: value for key, value in changes.items() if value is not None}
    config = replace(config, label=config.label or len(named) > 2, **wanted)
    dataset = open_dataset(data, root)
    chosen = _chosen(dataset, detector, attribute, onnx, named, column, size, 2**config.levels, seed)
    if dry_run:
        print(json_module.dumps(_resolved(config, chosen, data, out, seed), indent=1))
        return
    _writable(out)
    chosen.keep(out)
    decisions, weights = classifiers.decisions_in(out, chosen.classes, column=chosen.column)
    card = {"data": data, "licence": dataset.licence, "classifier_sha256": weights, "column": chosen.column}
    black_box = not decisions.differentiable
    student = imitate(decisions, chosen.images, out / "student", seed=seed, device=device) if black_box else None
    train_explainer(
        chosen.images, chosen.validation, decisions, config, out, seed=seed, device=device, precision=precision,
        card=card, stand_in=student,
    )  # fmt: skip
    where = f" --root {shlex.quote(str(root))}" if root else ""
    _say(
        f"The explainer is in {out / 'explainer'}. Next: lineament explain --explainer {out} --data {data}{where} "
        f"--out {out / 'strips.html'}"
    )


def _check_choice(
    detector: Path | None, attribute: str | None, onnx: Path | None, classes: tuple[str, ...], column: int | None
) -> None:
    """``UsageError`` unless the flags name one classifier."""
    if bool(attribute) == bool(classes):
        raise UsageError(
            "name what to explain: --attribute NAME of a detector (--detector FOLDER, else the one that comes with the "
            "package), --onnx FILE --classes A,B, or --data mnist --classes 3,8 for a small classifier made here"
        )
    if attribute and (onnx or column is not None):
        raise UsageError("--attribute: is a detector's; an ONNX file takes --classes, and --column for one logit")
    if detector and not attribute:
        raise UsageError("--detector: name one of its attributes with --attribute")
    if column is not None and not onnx:
        raise UsageError("--column: is an ONNX file's; name the file with --onnx")
    if classes and (len(classes) < 2 or len(set(classes)) < len(classes)):
        raise UsageError(f"--classes: expected two or more different names, as 3,8; got {','.join(classes)}")
    if column is not None and len(classes) != 2:
        raise UsageError(f"--column: one logit tells two classes apart, not {len(classes)}; leave it out")


def _chosen(
    dataset: AttributeDataset, detector: Path | None, attribute: str | None, onnx: Path | None,
    classes: tuple[str, ...], column: int | None, size: int | None, unit: int, seed: int,
) -> classifiers.Chosen:  # fmt: skip
    if attribute:
        chosen = classifiers.of_detector(detector, attribute, dataset, size, unit)
    elif onnx:
        chosen = classifiers.of_file(onnx, classes, column, dataset, size=size, unit=unit, seed=seed)
    else:
        chosen = classifiers.of_pair(classes, dataset, seed)
    for part, images in (("training", chosen.images), ("development", chosen.validation)):
        if not len(images):
            raise UsageError(f"{dataset.name}: has no {part} images, and an explainer needs some")
    return chosen


def _resolved(config: ExplainerConfig, chosen: classifiers.Chosen, data: str, out: Path, seed: int) -> dict[str, Any]:
    return {
        "data": data,
        "classes": list(chosen.classes),
        "train": len(chosen.images),
        "validation": len(chosen.validation),
        "shape": list(chosen.images.shape[1:]),
        "out": str(out),
        "seed": seed,
        "config": asdict(config),
    }


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
    """
    form = _form(out)
    if bool(images) == (data is not None):
        raise UsageError("images: name pictures, or with --data a set whose test images are to be explained")
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
    rows = _explained(subject, batch, names, crossed_to) if names else []
    if rows and out is not None:
        _write(rows, subject, out, form, _command(images, explainer, attribute, detector, data, root, n, target, seed))
    if json:
        print(json_module.dumps([row.figures() for row in rows], indent=1))
    elif rows:
        Console().print(_table(rows))
    if rows and out is not None:
        _say(f"Strips of {len(rows)} images: {out}")
    if failures:
        raise JobError("\n".join(failures))


def export(explainer: Path, out: Path) -> None:
    """Write an explainer, a run's or an artifact, as an ONNX file and say how large it is."""
    export_onnx(load(explainer), out)
    _say(f"{out}: {out.stat().st_size / 1e6:.1f} MB; images, source and target class in, transformed image, mask and "
         "composite out")  # fmt: skip


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
    return batch.mean(1, keepdim=True) if channels == 1 else batch, names, failures


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
    batch = batch.expand(-1, channels, -1, -1) if batch.shape[1] == 1 else batch
    decided = subject.decisions.predict(batch).numpy()
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
        "begins where the decision flips."
    )
    provenance = [
        ("Command", command), ("Classifier", f"weights {card.get('classifier_sha256', 'unknown')}"),
        ("Explainer", f"weights {card.get('weights_sha256')}, trained on {card.get('data', 'unknown data')}"),
        ("Licence of its training images", str(card.get("licence", "unknown"))),
    ]  # fmt: skip
    fragment = Fragment([prose(text), block(rows, "Explanations")])
    written = page(f"Between {between}", "What the classifier looks at, and how its decision flips.",
                   [("What would change the decision", fragment)], provenance)  # fmt: skip
    write_atomically(out, written.encode())


def _table(rows: Sequence[Strip]) -> Table:
    table = Table(Column("image", overflow="fold"), "decision", "crossed to", Column("flips at", justify="right"),
                  Column("mask", justify="right"), box=box.SIMPLE_HEAD)  # fmt: skip
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


def _writable(folder: Path) -> None:
    """``JobError`` if nothing can be written into a folder, made if need be: to be known before minutes of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise JobError(f"--out {folder}: cannot be written ({error.strerror or error}); name another folder") from None


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, soft_wrap=True, markup=False)
