"""What the benchmarks of editing share: the models that are trained, how they are read, and figures over people.

A finished run under ``runs/benchmarks/edit`` is taken up, an unfinished one goes on, a missing one is trained. All
models of a set learn from the same images with the same labels, each with the schedule of its own preset; ``minutes``
are what that took of one core. Ours takes about twice as long as the peers, so there is ``half``, the same with half
the steps of each of its trainings. Ablations are `SMALL`, the whole preset among them as ``all``.
"""

import argparse
import functools
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from benchmarks.harness import ROOT
from lineament.editing.erasing import EraserConfig
from lineament.editing.evaluation import Oracle, collateral, leakage_matrix, readings, swap_success
from lineament.editing.fader import FaderConfig, train_fader
from lineament.editing.hisd import HisdConfig, train_hisd
from lineament.editing.intervals import Drawn, interval
from lineament.editing.operations import AnyEditor
from lineament.editing.presets import PRESETS, with_steps
from lineament.editing.training import train_editor

RUNS = ROOT / "runs" / "benchmarks" / "edit"
MODELS = ("lineament", "half", "paper", "fader", "hisd")
SMALL: dict[str, Any] = {
    "width": 16,
    "critic_width": 16,
    "classifier_steps": 600,
    "eraser_steps": 1600,
    "style_steps": 3000,
    "steps": 1000,
    "evaluations": 1,
}
"""Half the channels and a short schedule, so that many can be compared."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "no-mask": {"masked": False},
    "no-styles": {"style_steps": 0},
    "no-same": {"same": 0.0},
    "no-erase": {"erase": 0.0, "masked": False},
    "no-edited": {"edited": 0.0},
    "no-restore": {"restore": 0.0},
    "no-gate": {"gated": False},
    "no-detail": {"detail": False},
    "printed": {
        name: value
        for name, value in asdict(PRESETS["paper"]).items()
        if value != getattr(PRESETS["lineament"], name) and name not in SMALL
    },
}
"""What is taken from the preset ``lineament``, one at a time and, in ``printed``, at once; all start from the eraser
and style reader of ``all``, if they have one."""

LOADING = 0.2
"""Processor minutes, at most, of taking up a run that is finished."""

SHOWN = (
    *("swap_success", "second_success", "collateral", "identity_kept", "reconstruction_l1", "probe_label_from_z"),
    *("probe_style_r2_from_z", "probe_style_r2_from_a", "borrow_color", "borrow_shape", "borrow_retrieval_at_1"),
    *("diversity_ratio", "minutes"),
)
"""What the printed table has room for."""

QUICK: dict[str, Any] = {"steps": 4, "batch": 8, "width": 8}


class Material(NamedTuple):
    """What a model learns from: bytes ``(n, 3, 64, 64)``, labels ``(n, L)``, and the same of validation people."""

    images: Tensor
    labels: Tensor
    validation: tuple[Tensor, Tensor]
    attributes: tuple[str, ...]
    card: dict[str, Any]


class Held(NamedTuple):
    """People nobody has learnt from: images ``(n, 3, 64, 64)`` in [0, 1], labels ``(n, L)``, who they are ``(n,)``."""

    images: Tensor
    labels: Tensor
    identity: Any
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """One run: of a model, of an ablation (``ablations/no-noise``) or of the oracle."""

    data: str
    name: str
    seed: int = 0
    quick: bool = False

    @property
    def folder(self) -> Path:
        """Of the run; a quick one is gone when the process ends."""
        root = Path(scratch().name) if self.quick else RUNS
        return root / self.data / self.name / f"seed{self.seed}"

    @property
    def sheets(self) -> Path:
        """The folder of its pictures, and how their names begin."""
        root = RUNS / ("quick" if self.quick else "sheets")
        return root / f"{self.data}-{self.name.replace('/', '-')}"


@functools.cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """Where quick runs lie."""
    return tempfile.TemporaryDirectory()


def recipe(plan: Plan) -> tuple[Callable[..., Any], Any]:
    """Who trains a plan, and its configuration."""
    if plan.name in ("fader", "hisd"):
        trainer, config = (train_fader, FaderConfig()) if plan.name == "fader" else (train_hisd, HisdConfig())
        return trainer, replace(config, **QUICK) if plan.quick else config
    preset = PRESETS["paper" if plan.name == "paper" else "photos" if plan.data == "celeba" else "lineament"]
    if plan.name == "half":
        preset = with_steps(preset, preset.steps // 2)
    if plan.name.startswith("ablations/"):
        preset = replace(preset, **SMALL | ABLATIONS[plan.name.removeprefix("ablations/")])
    less = {"critic_width": 8, "evaluations": 1, "classifier_steps": 4, "eraser_steps": 4, "style_steps": 4, **QUICK}
    return train_editor, replace(preset, **less) if plan.quick else preset


def trained(plan: Plan, material: Material) -> tuple[AnyEditor, float]:
    """The model of a plan, and the processor minutes of its training, to which other programs add nothing.

    They are those of all sessions, NaN if one was killed too hard to write its own down; an ablation's leave out what
    it took over.
    """
    train, config = recipe(plan)
    ledger, begun = plan.folder / "minutes.json", plan.folder.exists()
    before = json.loads(ledger.read_text()) if ledger.exists() else float("nan" if begun else 0)
    print(f"{plan.data} {plan.name}", flush=True)
    if plan.name.startswith("ablations/"):
        _beforehand(plan)
    worked = time.process_time()
    try:
        model = train(*material[:4], config, plan.folder, seed=plan.seed, device="cpu", card=material.card)
    finally:
        minutes = (time.process_time() - worked) / 60
        if plan.folder.exists() and minutes > LOADING:
            ledger.write_text(json.dumps(before + minutes))
    return model, json.loads(ledger.read_text()) if ledger.exists() else before


def _beforehand(plan: Plan) -> None:
    """An ablation takes classifier, eraser and style reader over from ``all``, as far as it has them."""
    whole = replace(plan, name="ablations/all")
    mine, its = (EraserConfig.of(recipe(each)[1]) for each in (plan, whole))
    for part in ("classifier", "eraser", "styles") if mine == its else ("classifier",):
        if (whole.folder / part).is_dir() and not (plan.folder / part).exists():
            copied = plan.folder / f"{part}.copied"
            shutil.rmtree(copied, ignore_errors=True)
            shutil.copytree(whole.folder / part, copied)
            copied.rename(plan.folder / part)


def flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a benchmark that trains."""
    parser.add_argument("--train", metavar="RUN", help="work on this one alone")


def swap_figures(
    held: Held,
    judge: Oracle,
    edited: Iterable[Tensor],
    *,
    note: Callable[[int, Tensor], None] = lambda i, batch: None,
    thresholds: Any = 0.5,
) -> tuple[dict[str, Drawn], Any]:
    """What a judge reads where each attribute in turn was switched, and the leakage matrix.

    Args:
        held: the images, and what is known of them.
        judge: reads them.
        edited: for each attribute the images with it as it is not.
        note: sees each of these, too, with the attribute's number, so that no edit is made twice.
        thresholds: the probability from which the judge counts an attribute as there, one or one for each it reads.
    """

    def watched() -> Iterator[Tensor]:
        for i, batch in enumerate(edited):
            note(i, batch)
            yield batch

    found = readings(judge, held.images, watched(), held.attributes, held.labels)
    success = swap_success(found, held.identity, thresholds=thresholds)
    figures = {"swap_success": success.mean(2), "removed": success[..., 0], "added": success[..., 1]}
    return figures | {"collateral": collateral(found, held.identity)}, leakage_matrix(found)


def rows(method: str, attributes: Sequence[str], figures: Mapping[str, Drawn], **whole: Any) -> list[dict[str, Any]]:
    """A row an attribute, and one of their means; what `SHOWN` does not name stands under ``more``.

    Args:
        method: whose they are.
        attributes: L names.
        figures: each ``(1 + resamples, L)``, or ``(1 + resamples,)`` where it is of no attribute; NaN becomes None, and
            ``intervals`` are at 95 % over people.
        whole: numbers of the method as a whole; they stand in the row of means.
    """
    table: list[dict[str, Any]] = []
    for place, name in enumerate([*attributes, "mean"]):
        averaged = {key: mean(drawn) for key, drawn in figures.items() if name == "mean" or drawn.ndim == 2}
        chosen = averaged if name == "mean" else {key: figures[key][:, place] for key in averaged}
        found = {key: [_number(each) for each in interval(drawn)] for key, drawn in chosen.items()}
        found |= {key: [_number(value)] for key, value in whole.items() if name == "mean"}
        row: dict[str, Any] = {"method": method, "attribute": name}
        row |= {key: found.get(key, [None])[0] for key in SHOWN if key in figures or key in whole}
        row["more"] = {key: values[0] for key, values in found.items() if key not in SHOWN}
        row["intervals"] = {key: values[1:] for key, values in found.items() if values[1:]}
        table.append(row)
    return table


def mean(drawn: Drawn) -> Drawn:
    """Over the attributes that have the figure, ``(1 + resamples,)``; NaN where none has."""
    if drawn.ndim == 1:
        return drawn
    kept = drawn[:, np.isfinite(drawn[0])]
    result: Drawn = kept.mean(1) if kept.shape[1] else np.full(len(drawn), np.nan)
    return result


def _number(value: Any) -> Any:
    return None if not np.isfinite(value) else float(value)
