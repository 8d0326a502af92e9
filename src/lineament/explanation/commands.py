"""What the verbs `train explainer` and `explainer export` do. The command line parses and calls these."""

import json as json_module
import shlex
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from lineament.artifacts import check_writable
from lineament.datasets.base import AttributeDataset
from lineament.datasets.registry import open_dataset
from lineament.errors import UsageError
from lineament.explanation import classifiers
from lineament.explanation.explainer import load
from lineament.explanation.export import export_onnx
from lineament.explanation.presets import KAPPA, ExplainerConfig, preset
from lineament.explanation.student import imitate
from lineament.explanation.training import train_explainer
from lineament.training.run import Device, Precision

__all__ = ["check_seed", "export", "train"]


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
    check_seed(seed)
    preset_name = preset_name or ("faces" if attribute else "garments" if data == "fashion_mnist" else "digits")
    config = preset(preset_name)
    usual = [{"kappa": kappa} for known, kappa in KAPPA.items() if preset_name == "digits" and set(known) == set(named)]
    wanted = {key: value for key, value in changes.items() if value is not None}
    config = replace(config, **{"label": config.label or len(named) > 2} | dict(*usual) | wanted)
    dataset = open_dataset(data, root)
    chosen = _chosen(dataset, detector, attribute, onnx, named, column, size, 2**config.levels, seed)
    if dry_run:
        print(json_module.dumps(_resolved(config, chosen, data, out, seed), indent=1))
        return
    check_writable(out)
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
    if column is not None and column < 0:
        raise UsageError(f"--column: expected the number of a logit, 0 or more, got {column}")
    if column is not None and len(classes) != 2:
        raise UsageError(f"--column: one logit tells two classes apart, not {len(classes)}; leave it out")


def _chosen(
    dataset: AttributeDataset, detector: Path | None, attribute: str | None, onnx: Path | None,
    classes: tuple[str, ...], column: int | None, size: int | None, unit: int, seed: int,
) -> classifiers.Chosen:  # fmt: skip
    if attribute:
        return classifiers.of_detector(detector, attribute, dataset, size, unit)
    if onnx:
        return classifiers.of_file(onnx, classes, column, dataset, size=size, unit=unit, seed=seed)
    return classifiers.of_pair(classes, dataset, seed, size, unit)


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


def export(explainer: Path, out: Path) -> None:
    """Write an explainer, a run's or an artifact, as an ONNX file and say how large it is."""
    export_onnx(load(explainer), out)
    _say(f"{out}: {out.stat().st_size / 1e6:.1f} MB; images, source and target class in, transformed image, mask and "
         "composite out")  # fmt: skip


def check_seed(seed: int) -> None:
    """``UsageError`` for what numpy or torch would not take as a seed."""
    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, got {seed}")


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, soft_wrap=True, markup=False)
