"""What the benchmarks of pairs share: which explainers there are to train, how they are trained, and what is measured.

A finished run under ``runs/benchmarks/explain`` is taken up, an unfinished one goes on, a missing one is trained; the
explained classifier is kept beside its explainer, so that what is measured is what was explained.

Weights and kappas were chosen while looking at the test images of seed 0 (``CHOSEN``). Seeds 1 and 2 deal the training
images out anew, but the test part is the set's own, so they are judged on the same images.
"""

import argparse
import functools
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import ROOT, data_root

RUNS = ROOT / "runs" / "benchmarks" / "explain"
PRESET = {"mnist": "digits", "fashion_mnist": "garments"}
EPSILON = {"mnist": 0.3, "fashion_mnist": 0.1}
"""The L-inf budget of the adversarial baseline: the one usual for each set."""

SPACE = "128 inputs of the last layer of train_small(convolutional) on all classes, explainer's part, seed 2001"
"""The feature space of KID and FID."""

CHOSEN = "(weights and kappas were chosen while looking at the test images of seed 0)"
"""What every claim on pairs adds."""


@dataclass(frozen=True)
class Plan:
    """One explainer.

    Attributes:
        data: registered set.
        classes: of the classifier, two or more.
        seed: of the parts, the classifier and the explainer.
        kind: ``""``; ``shuffled``: the classifier's training labels are dealt out anew; ``black-box``: the classifier
            is a residual network in an ONNX file, and a convolutional student of it trains the explainer.
        note: names what ``changes`` changes in the preset.
        quick: a run to see that it runs.
    """

    data: str
    classes: tuple[str, ...]
    seed: int = 0
    kind: str = ""
    note: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False

    @property
    def name(self) -> str:
        """``4-9/seed0``, which is also its folder."""
        return "-".join(filter(None, (*self.classes, self.kind, self.note))) + f"/seed{self.seed}"

    @property
    def folder(self) -> Path:
        """Of the run; a quick one is gone when the process ends."""
        return (Path(scratch().name) if self.quick else RUNS) / self.data / self.name

    @property
    def sheet(self) -> Path:
        """The picture sheet of the run."""
        return RUNS / ("quick" if self.quick else "sheets") / self.data / f"{self.name.replace('/', '-')}.png"


class Case(NamedTuple):
    """A trained plan: the parts of its data, the classifier that is explained, the explainer, processor minutes."""

    plan: Plan
    parts: Any
    decisions: Any
    explainer: Any
    minutes: float


@functools.cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """Where quick runs lie."""
    return tempfile.TemporaryDirectory()


@functools.cache
def opened(data: str, classes: tuple[str, ...], seed: int) -> Any:
    """The four parts of section 4.5.1."""
    from lineament.datasets.registry import open_dataset
    from lineament.explanation.pairs import pair

    return pair(open_dataset(data, data_root()), classes, seed)


def case(plan: Plan) -> Case:
    """Train a plan, or take up its finished run."""
    from lineament.explanation.presets import KAPPA, PRESETS

    parts = opened(plan.data, plan.classes, plan.seed)
    changes = ({"kappa": KAPPA[plan.classes]} if plan.classes in KAPPA else {}) | dict(plan.changes)
    print(f"{plan.data} {plan.name}", flush=True)
    if plan.quick:
        changes["steps"] = 60
    config = replace(PRESETS[PRESET[plan.data]], label=len(plan.classes) > 2, **changes)
    decisions, weights = explained_classifier(plan, parts.classifier)
    explainer, minutes = trained(plan, parts, decisions, config, {"classifier_sha256": weights})
    return Case(plan, parts, decisions, explainer, minutes)


def explained_classifier(plan: Plan, part: Any) -> tuple[Any, str]:
    """The classifier that the run keeps, trained first if there is none, and the sha256 of its weights."""
    import torch

    from lineament import artifacts
    from lineament.classifier import export_onnx
    from lineament.explanation.classifiers import KIND, decisions_in
    from lineament.explanation.small_classifiers import train_small

    shape, black_box = list(part.images.shape[1:]), plan.kind == "black-box"
    if not (plan.folder / ("classifier.onnx" if black_box else "classifier")).exists():
        if plan.kind == "shuffled":
            order = torch.randperm(len(part), generator=torch.Generator().manual_seed(plan.seed))
            part = replace(part, labels=part.labels[order])
        architecture: Any = "residual" if black_box else "convolutional"
        made = train_small(part, len(plan.classes), architecture=architecture, seed=plan.seed)
        if black_box:
            plan.folder.mkdir(parents=True, exist_ok=True)
            export_onnx(made, plan.folder / "classifier.onnx", shape)
        else:
            config = {"architecture": architecture, "shape": shape, "classes": list(plan.classes)}
            artifacts.save(
                plan.folder / "classifier", kind=KIND, tensors=made.module.state_dict(), config=config,  # type: ignore[union-attr]
                data=plan.data, training={"seed": plan.seed},
            )  # fmt: skip
    return decisions_in(plan.folder, plan.classes)


def stand_in(plan: Plan, parts: Any, decisions: Any) -> Any:
    """A student of a classifier that gives no gradient, else nothing."""
    if decisions.differentiable:
        return None
    from lineament.explanation.student import imitate

    steps = 60 if plan.quick else 1500
    images, folder = parts.explainer.images, plan.folder / "student"
    return imitate(decisions, images, folder, steps=steps, seed=plan.seed, device="cpu")


def trained(plan: Plan, parts: Any, decisions: Any, config: Any, card: dict[str, Any]) -> tuple[Any, float]:
    """The explainer, and the processor minutes of its training, to which other programs on the machine add nothing.

    A session that was killed leaves no line, so they are the seconds a step of those that ended, times all steps.
    """
    from lineament.explanation.training import train_explainer

    ledger, metrics = plan.folder / "sessions.jsonl", plan.folder / "metrics.jsonl"
    told = metrics.read_text().splitlines() if metrics.exists() else []
    before = json.loads(told[-1])["step"] if told else 0
    started, worked = time.perf_counter(), time.process_time()
    explainer = train_explainer(
        parts.explainer.images, parts.validation.images, decisions, config, plan.folder,
        stand_in=stand_in(plan, parts, decisions), seed=plan.seed, device="cpu", card=card,
    )  # fmt: skip
    if config.steps > before:
        line = {
            "steps": config.steps - before,
            "seconds": round(time.perf_counter() - started, 1),
            "processor_seconds": round(time.process_time() - worked, 1),
        }
        with ledger.open("a") as file:
            file.write(json.dumps(line) + "\n")
    sessions = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    steps, seconds = (sum(session[key] for session in sessions) for key in ("steps", "processor_seconds"))
    return explainer, seconds / steps * config.steps / 60 if steps else float("nan")


@functools.cache
def oracles(data: str, classes: tuple[str, ...], quick: bool = False) -> dict[str, Any]:
    """Two judges that had no part in any explainer: another seed, another architecture; they learn from true labels.

    They are the same for every seed and learn from the explainer's part of seed 0, in which images of the classifier's
    and the validation part of seeds 1 and 2 lie, but no test image.
    """
    from lineament.explanation.decisions import Decisions
    from lineament.explanation.small_classifiers import train_small

    part = opened(data, classes, 0).explainer
    if quick:
        part = replace(part, images=part.images[:1500], labels=part.labels[:1500])
    judges = {}
    for name, architecture, seed in (("seed", "convolutional", 1001), ("architecture", "residual", 1002)):
        print(f"oracle of another {name}: {data} {'-'.join(classes)}", flush=True)
        epochs = 3 if quick else None
        made = train_small(part, len(classes), architecture=architecture, seed=seed, epochs=epochs)  # type: ignore[arg-type]
        judges[name] = Decisions(made, classes)
    return judges


@functools.cache
def onlooker(data: str, quick: bool = False) -> Any:
    """Whose features KID and FID look through: a small convolutional classifier of all classes of a set (`SPACE`)."""
    from lineament.datasets.registry import open_dataset
    from lineament.explanation.small_classifiers import train_small

    classes = tuple(open_dataset(data, data_root()).attributes)
    part = opened.__wrapped__(data, classes, 2001).explainer  # seventy thousand images, which are not needed again
    if quick:
        part = replace(part, images=part.images[:1500], labels=part.labels[:1500])
    print(f"onlooker: {data}, {len(classes)} classes", flush=True)
    return train_small(part, len(classes), seed=2001, epochs=3 if quick else None)


def select(plans: Sequence[Plan], names: Sequence[str] | None) -> None:
    """Train the plans of these names and leave; go on if none is asked for."""
    if names is None:
        return
    known = {plan.name: plan for plan in plans}
    if unknown := set(names) - known.keys():
        raise SystemExit(f"--train: unknown runs {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name in names or known:
        print(f"{name}: {case(known[name]).minutes:.1f} minutes")
    raise SystemExit(0)


def pair_plans(data: str, seed: int, seeds: int, quick: bool) -> list[Plan]:
    """The pairs of section 4.5.1 by seed; the first alone for a quick run."""
    from lineament.explanation.pairs import PAIRS

    if quick:
        return [Plan(data, PAIRS[data][0], seed, quick=True)]
    return [Plan(data, classes, s) for s in range(seed, seed + seeds) for classes in PAIRS[data]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of a benchmark that trains."""
    parser.add_argument("--seeds", type=int, default=3, help="how many, from --seed on")
    parser.add_argument("--train", nargs="*", metavar="RUN", help="train these runs alone (all if none is named)")
