"""Does the mask show what the classifier does, or what the classes look like? A planted cue tells the two apart.

The classifier learns MNIST's 3 and 8 from images of which every 8, and no 3, carries a bright square of 3 x 3 pixels
at one of 16 places near the top left corner. Everything explained, and everything the explainer learns from, carries
the cue by the toss of a coin, whatever the digit: there the cue tells nothing of the digit, so that only the
classifier can lead an explainer to it. A control, trained the same way on images without the cue, is explained on the
same images: its mask has to leave the cue alone.

Measured are the test digits that are decided 8 with the cue and 3 without it, whatever they are; ``hinge`` is their
share. Of the control all are measured. The true region is the square where there is one, and the zone where squares lie
where there is none; no fixed pixel lies in more than nine of the 16 squares. ``in_region`` and ``on_strokes`` are
shares of the map's mass (of an attribution map's magnitude); ``strokes_area`` is what a map that knows nothing has on
the strokes.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.explain_pairs import Plan, explained_classifier, opened, trained
from benchmarks.explain_regions import Held, at_best, figures
from benchmarks.explain_sheets import sheet
from benchmarks.harness import benchmark
from lineament.datasets.labelled import Labelled, floats
from lineament.explanation.attribution import METHODS, attribute
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import explain
from lineament.explanation.planted import Cue, plant
from lineament.explanation.presets import KAPPA, PRESETS
from lineament.explanation.regions import iou, pointing

CLASSES = ("3", "8")
CUE = Cue()
DIRECTIONS = ("added", "removed")


class Parts(NamedTuple):
    """What an explainer is trained on; the labels are true ones, which nobody reads."""

    explainer: Labelled
    validation: Labelled


@dataclass(frozen=True)
class Group:
    """Images with or without the cue whose decision is known, their true regions, and the strokes of their digits."""

    images: Tensor
    source: Tensor
    regions: Tensor
    strokes: Tensor


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=3, help="of the planted classifier, from --seed on")
    parser.add_argument("--train", action="store_true", help="train what is missing, and no more")


def measure(
    *, quick: bool, seed: int, seeds: int, train: bool
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    cases = [("planted", s) for s in range(seed, seed + (1 if quick else seeds))] + [("control", seed)]
    found = {case: explained(case[0], quick, case[1]) for case in cases}
    if train:
        raise SystemExit(0)
    rows = [row for (which, s), each in found.items() for row in of_classifier(which, *each, quick, s)]
    return summary(rows), rows


def explained(which: str, quick: bool, seed: int) -> tuple[Decisions, Any]:
    """The classifier, which has seen the cue in every 8 or nowhere, and its explainer."""
    parts = opened("mnist", CLASSES, seed)
    plan = plan_of(which, quick, seed)
    print(f"planted {plan.name}", flush=True)
    part = parts.classifier
    if which == "planted":
        cued = (part.labels == 1)[:, None, None, None]
        part = replace(part, images=torch.where(cued, plant(part.images, CUE, seed=seed).images, part.images))
    decisions, weights = explained_classifier(plan, part)
    coins = Parts(*(replace(each, images=tossed(each.images, seed)) for each in (parts.explainer, parts.validation)))
    config = replace(PRESETS["digits"], kappa=9 / 784 if which == "planted" else KAPPA[CLASSES])
    config = replace(config, steps=60) if quick else config
    return decisions, trained(plan, coins, decisions, config, {"data": "mnist", "classifier_sha256": weights})[0]


def plan_of(which: str, quick: bool, seed: int) -> Plan:
    return Plan("planted", CLASSES, seed, note="" if which == "planted" else which, quick=quick)


def tossed(images: Tensor, seed: int) -> Tensor:
    """The images, about half of them with the cue."""
    coin = torch.rand(len(images), generator=torch.Generator().manual_seed(seed)) < 0.5
    return torch.where(coin[:, None, None, None], plant(images, CUE, seed=seed).images, images)


def groups(part: Labelled, decisions: Decisions, which: str, seed: int) -> tuple[list[Group], float]:
    """Images without and with the cue, and the share of all that is measured."""
    planted = plant(part.images, CUE, seed=seed)
    plain, cued = floats(part.images), floats(planted.images)
    zone = torch.zeros_like(planted.places)
    zone[:, CUE.zone, CUE.zone] = True
    before, after = decisions.predict(plain), decisions.predict(cued)
    kept = (before == 0) & (after == 1) if which == "planted" else torch.ones_like(before, dtype=torch.bool)
    strokes = (plain[:, 0] > 0.5) & ~planted.places
    sides = ((plain, before, zone), (cued, after, planted.places))
    return [Group(*(each[kept] for each in (*side, strokes))) for side in sides], float(kept.float().mean())


def of_classifier(which: str, decisions: Decisions, explainer: Any, quick: bool, seed: int) -> list[dict[str, Any]]:
    """A row a direction and method; attribution is read as is best on validation images."""
    parts, most = opened("mnist", CLASSES, seed), 40 if quick else 1000
    known, _ = groups(first(parts.validation, most // 2), decisions, which, seed + 1)
    sides, hinge = groups(first(parts.test, 2 * most), decisions, which, seed + 2)
    rows = []
    for direction, learnt, group in zip(DIRECTIONS, known, sides, strict=True):
        if not (len(group.source) and len(learnt.source)):
            raise SystemExit(f"{which}: no decision hinges on the cue; the classifier has not learnt it")
        found = explain(explainer, decisions, group.images)
        mask = found.mask[:, 0]
        crossed = decisions.predict(found.composite) == found.target
        columns = {"input": found.images, "transformed": found.transformed, "mask": found.mask}
        columns = {name: images[:30] for name, images in (columns | {"composite": found.composite}).items()}
        picture = plan_of(which, quick, seed).sheet
        sheet(picture.with_name(f"{picture.stem}-{direction}.png"), columns, ~crossed[:30])
        held = {"explainer": (mask, Held(iou(mask, group.regions), pointing(mask, group.regions)))}
        for method in METHODS:
            seen, maps = (attribute(method, decisions, part.images, part.source) for part in (learnt, group))
            held[method] = maps, at_best(seen, learnt.regions, maps, group.regions)
        validity = float(crossed.float().mean())
        for method, (maps, each) in held.items():
            told = {"validity": validity if method == "explainer" else None, "hinge": hinge}
            told |= {"strokes_area": float(group.strokes.float().mean())}
            shares = {"in_region": share(maps, group.regions), "on_strokes": share(maps, group.strokes)}
            names = {"classifier": which, "seed": seed, "direction": direction, "method": method}
            rows.append(names | figures(each) | shares | told)
    return rows


def first(part: Labelled, n: int) -> Labelled:
    return Labelled(part.images[:n], part.labels[:n])


def share(maps: Tensor, regions: Tensor) -> float:
    """The mean share of a map's magnitude that lies in its region."""
    mass = maps.abs()
    return float(((mass * regions).sum((1, 2)) / mass.sum((1, 2)).clamp(min=1e-12)).mean())


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means over directions and seeds; the best attribution method beside the explainer, and the control."""

    def mean(which: str, method: str, figure: str) -> float:
        values = [row[figure] for row in rows if (row["classifier"], row["method"]) == (which, method)]
        return sum(values) / len(values)

    found = {
        "pointing_game": mean("planted", "explainer", "pointing"),
        "share_in_region": mean("planted", "explainer", "in_region"),
        "share_on_strokes": mean("planted", "explainer", "on_strokes"),
        "strokes_area": mean("planted", "explainer", "strokes_area"),
        "validity": mean("planted", "explainer", "validity"),
        "hinge": mean("planted", "explainer", "hinge"),
        "best_attribution_pointing_game": max(mean("planted", method, "pointing") for method in METHODS),
        "control_pointing_game": mean("control", "explainer", "pointing"),
        "control_share_in_region": mean("control", "explainer", "in_region"),
        "control_share_on_strokes": mean("control", "explainer", "on_strokes"),
        "control_validity": mean("control", "explainer", "validity"),
    }
    ours = [row for row in rows if (row["classifier"], row["method"]) == ("planted", "explainer")]
    by_seed = [[row["pointing"] for row in ours if row["seed"] == s] for s in {row["seed"] for row in ours}]
    return found | {
        "pointing_game_of_worst_seed": min(sum(values) / len(values) for values in by_seed),
        "strokes_over_chance": found["share_on_strokes"] / found["strokes_area"],
    }


if __name__ == "__main__":
    benchmark("planted_cue", "The mask finds the cue that the classifier decides by", measure, arguments=flags)
