"""Do eyeglasses come off and on real faces? CelebA at 64 px, explained for our detector of 40 attributes.

The explainer learns from training faces and their mirror images, its checkpoint is chosen on development faces, and
everything here is of test faces, people whom neither the detector nor the explainer has seen. For speed its gradient
comes from the same detector without its second look at the mirror image, in bfloat16; the detector itself sorts the
images, chooses the checkpoint and is measured on. ``eyeglasses_validity`` is the mean of both directions: of one face
in thirty they come off, so that a plain mean would only tell how they go on.

The oracle is the other architecture of `detector_celeba`, the published MultiDeep with SVM heads; it learnt from the
same labels. Nearest: the training face of the other class that is nearest in L2. PGD: L-inf, 4/255.

A sheet of twenty test faces is written beside the run, for eyes on this machine: CelebA's faces are not to be passed
on, and so the explainer is not to be either.
"""

import argparse
import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.explain_pairs import Plan
from benchmarks.explain_sheets import sheet
from benchmarks.harness import ROOT, benchmark, data_root
from lineament.classifier import AdaptedClassifier
from lineament.datasets.celeba import celeba
from lineament.datasets.labelled import floats
from lineament.datasets.pixels import pixels
from lineament.detectors.detector import load
from lineament.explanation.baselines import nearest, pgd
from lineament.explanation.classifiers import two_classes
from lineament.explanation.counterfactuals import measure as measured
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, Explanation, explain, flips
from lineament.explanation.presets import PRESETS
from lineament.explanation.training import train_explainer
from lineament.training.run import fast_bfloat16

ATTRIBUTE = "Eyeglasses"
SIZE, SHOWN = 64, 10
MOST = 100
"""Faces of a direction that the costly figures are of; the validity is of all."""

DIRECTIONS = ("added", "removed")
FIGURES = (
    *("validity", "oracle_validity", "oracle_agreement_multideep"),
    *("cout", "mask_area", "changed", "l1", "l1_outside"),
)


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", action="store_true", help="train what is missing, and no more")


def measure(*, quick: bool, seed: int, train: bool) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    faces, decisions = parts(quick), decisions_of("lineament")
    explainer = trained(decisions, faces, quick, seed)
    if train:
        raise SystemExit(0)
    candidates = floats(faces["train"])
    classes, found = decisions.predict(candidates), explain(explainer, decisions, floats(faces["test"]))
    rows = []
    for source, direction in enumerate(DIRECTIONS):
        part = found[found.source == source]
        validity = float((decisions.predict(part.composite) == part.target).float().mean())
        show(plan_of(seed, quick), direction, part[:SHOWN], decisions)
        known = part[: 3 if quick else MOST]
        others = {
            "explainer": (known.composite, known.mask),
            "nearest": (nearest(known.images, known.target, candidates, classes), None),
            "pgd": (pgd(decisions, known.images, known.target, epsilon=4 / 255, steps=2 if quick else 40), None),
        }
        for method, (changed, mask) in others.items():
            figures = measured(decisions, oracles(), known.images, changed, known.source, known.target, mask)
            row = {"direction": direction, "method": method, "n": len(known)} | {key: figures[key] for key in FIGURES}
            ours = method == "explainer"
            rows.append(row | {"validity_of_all": validity if ours else None, "all": len(part) if ours else None})
            rows[-1]["flips_at"] = float(flips(known, decisions).nanmedian()) if ours else None
    return summary(rows), rows


def parts(quick: bool) -> dict[str, Tensor]:
    """Images ``(n, 3, 64, 64)`` uint8 of the parts that CelebA prescribes; for a quick run mostly with glasses."""
    dataset = celeba(data_root() / "celeba")
    memory, labels = pixels(dataset, SIZE), dataset.column(ATTRIBUTE)
    found = {}
    for split, name in enumerate(("train", "development", "test")):
        chosen = np.flatnonzero(dataset.split == split)
        if quick:
            chosen = np.sort(np.concatenate([chosen[labels[chosen] == label][:20] for label in (0, 1)]))
        found[name] = torch.from_numpy(memory[chosen]).permute(0, 3, 1, 2).contiguous()
    return found


def decisions_of(row: str) -> Decisions:
    """What a detector of `detector_celeba` decides about eyeglasses."""
    folder = ROOT / "runs" / "benchmarks" / "detector_celeba" / "full" / row
    if not (folder / "detector").is_dir():
        raise SystemExit(f"{folder}: not trained yet; run python -m benchmarks.detector_celeba --train {row}")
    return two_classes(load(folder), ATTRIBUTE)


@functools.cache
def oracles() -> dict[str, Decisions]:
    """Who judges beside the explained detector."""
    return {"multideep": decisions_of("paper")}


def hurried(decisions: Decisions) -> Decisions:
    """The same weights with one look at each image instead of two, in bfloat16 where that is faster."""
    detector = decisions_of("lineament").classifier
    detector.mirror = False  # type: ignore[attr-defined]
    fast = fast_bfloat16(torch.device("cpu"))

    def compute(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return detector(images).float()

    return replace(decisions, classifier=AdaptedClassifier("hurried detector", True, 256, compute))


def plan_of(seed: int, quick: bool) -> Plan:
    return Plan("celeba", (ATTRIBUTE,), seed, quick=quick)


def trained(decisions: Decisions, faces: Mapping[str, Tensor], quick: bool, seed: int) -> Explainer:
    """The explainer, or its finished run."""
    config = PRESETS["faces"]
    config = replace(config, steps=4, batch=4, evaluations=1) if quick else config
    return train_explainer(
        torch.cat([faces["train"], faces["train"].flip(3)]), faces["development"], decisions, config,
        plan_of(seed, quick).folder, stand_in=hurried(decisions), seed=seed, device="cpu",
        card={"data": "celeba", "licence": "CelebA agreement: not to be passed on", "explains": ATTRIBUTE},
    )  # fmt: skip


def show(plan: Plan, direction: str, part: Explanation, decisions: Decisions) -> None:
    """Test faces on a sheet; a red bar where the decision did not flip."""
    pictures = {"input": part.images, "transformed": part.transformed, "mask": part.mask, "composite": part.composite}
    pictures |= {"half": part.at(0.5)}
    path = plan.sheet.with_name(f"{plan.sheet.stem}-{direction}.png")
    sheet(path, pictures, decisions.predict(part.composite) != part.target)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The explainer's figures, each the mean of its two directions, and its rivals' beside them."""

    def mean(method: str, figure: str) -> float:
        return float(np.mean([row[figure] for row in rows if row["method"] == method]))

    found = {"eyeglasses_validity": mean("explainer", "validity_of_all")}
    found |= {f"eyeglasses_{row['direction']}_validity": row["validity_of_all"] for row in rows if row["all"]}
    for method, prefix in (("explainer", ""), ("nearest", "nearest_"), ("pgd", "pgd_")):
        names = FIGURES if method == "explainer" else ("oracle_validity", "cout", "l1")
        found |= {prefix + name: mean(method, name) for name in names}
    return found


if __name__ == "__main__":
    benchmark("explain_celeba", "Eyeglasses come off and on real faces at 64 px", measure, arguments=flags)
