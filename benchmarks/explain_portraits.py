"""Does the mask cover what truly differs? Portraits rendered again with one attribute switched tell it to the pixel.

The shipped detector is explained. Training, development and test portraits show people of seeds of their own, whom the
detector has not seen either. The true region is where the portrait and its switched rendering differ by more than
5/255. Measured are portraits of which the detector decides both renderings right, for otherwise the true change is not
what crosses its boundary: ``believed`` is their share. Bald heads get no bangs, for those would be hair.

- ``explainer``: its mask at 0.5, as it comes. It points at the maximum of the mask or of what the composite changes,
  as is best on development portraits of that direction. Its kappa is about the area of what is switched, so the size
  of the mask is no finding; its place and shape are.
- attribution methods: read for the decision, against it or either way, and cut at a threshold, as is best on
  development portraits of that direction.
- ``fixed region``: the mean true region of the development portraits at its best threshold: what is known without
  looking, for all portraits are framed alike.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.explain_pairs import Plan, trained
from benchmarks.explain_regions import Group, Held, at_best, figures
from benchmarks.explain_sheets import sheet
from benchmarks.harness import benchmark
from lineament.datasets.labelled import Labelled, floats
from lineament.datasets.portraits import render, sample_scene
from lineament.detectors.detector import shipped
from lineament.explanation.attribution import METHODS, attribute
from lineament.explanation.classifiers import two_classes
from lineament.explanation.counterparts import counterparts, switches_alone
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explanation, explain
from lineament.explanation.presets import PRESETS
from lineament.explanation.regions import iou, pointing

ATTRIBUTES = ("Eyeglasses", "Wearing_Hat", "Mustache", "Bangs")
KAPPA = {"Eyeglasses": 0.06, "Wearing_Hat": 0.14, "Mustache": 0.015, "Bangs": 0.05}
"""Shares of the picture below which a mask earns nothing (equation 4.14): about what each attribute covers."""

PEOPLE = {"explainer": 51_000, "validation": 52_000, "development": 53_000, "test": 55_000}
"""Seeds of the people of each part; the detector's is 0."""

DIRECTIONS = ("added", "removed")
GREY = {"integrated_gradients": {"baseline": 0.5}, "occlusion": {"baseline": 0.5}}


class Parts(NamedTuple):
    """What an explainer is trained on; the labels are true ones, which nobody reads."""

    explainer: Labelled
    validation: Labelled


def flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", nargs="*", metavar="ATTRIBUTE", help="train these alone (all if none is named)")


def measure(
    *, quick: bool, seed: int, train: Sequence[str] | None
) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    if unknown := set(train or ()) - set(ATTRIBUTES):
        raise SystemExit(f"--train: unknown attributes {', '.join(unknown)}; known: {', '.join(ATTRIBUTES)}")
    if train is not None:
        for name in train or ATTRIBUTES:
            explained(name, quick, seed)
        raise SystemExit(0)
    rows = [row for name in ATTRIBUTES[: 2 if quick else None] for row in of_attribute(name, quick, seed)]
    return summary(rows), rows


def explained(name: str, quick: bool, seed: int) -> tuple[Decisions, Any, float]:
    """The detector's decisions about an attribute, their explainer (trained, or its finished run), its minutes."""
    decisions = two_classes(shipped(), name)
    plan = Plan("portraits", (name,), seed, quick=quick)
    print(f"portraits {plan.name}", flush=True)
    sizes = (300, 100) if quick else (12_000, 2_000)
    parts = Parts(*(people(PEOPLE[part] + seed, n, name) for part, n in zip(Parts._fields, sizes, strict=True)))
    config = replace(PRESETS["faces"], kappa=KAPPA[name])
    config = replace(config, steps=20, batch=8, evaluations=2) if quick else config
    made_for = str(shipped().card["weights_sha256"])
    card = {"data": "portraits", "licence": "rendered", "classifier_sha256": made_for}
    return decisions, *trained(plan, parts, decisions, config, card)


def people(first: int, n: int, name: str) -> Labelled:
    """``n`` portraits of as many people."""
    scenes = [sample_scene(first, person, 0, 0) for person in range(n)]
    images = torch.from_numpy(np.stack([render(scene) for scene in scenes])).permute(0, 3, 1, 2).contiguous()
    return Labelled(images, torch.tensor([int(name in scene.present) for scene in scenes]))


def believed(decisions: Decisions, name: str, first: int, each: int) -> tuple[list[Group], list[float]]:
    """Portraits without and with the attribute, ``each`` of both, and the share of switched ones that is believed."""
    scenes = [sample_scene(first, person, 0, 0) for person in range(16 * each)]
    groups, shares = [], []
    for on in (0, 1):
        chosen = [scene for scene in scenes if (name in scene.present) == on and switches_alone(scene, name)]
        found = counterparts(chosen[: 2 * each], name)
        own, other = (decisions.predict(floats(images)) for images in (found.images, found.switched))
        right = own == on
        kept = (right & (other != on)).nonzero()[:each, 0]
        groups.append(Group(floats(found.images[kept]), own[kept], found.regions[kept]))
        shares.append(float((other != on)[right].float().mean()))
    return groups, shares


def of_attribute(name: str, quick: bool, seed: int) -> list[dict[str, Any]]:
    """A row a direction and method."""
    decisions, explainer, minutes = explained(name, quick, seed)
    known, _ = believed(decisions, name, PEOPLE["development"] + seed, 6 if quick else 60)
    groups, shares = believed(decisions, name, PEOPLE["test"] + seed, 6 if quick else 200)
    rows = []
    for direction, learnt, group, share in zip(DIRECTIONS, known, groups, shares, strict=True):
        found = explain(explainer, decisions, group.images)
        mask = found.mask[:, 0]
        places = pointed(explain(explainer, decisions, learnt.images), found, learnt)
        show(Plan("portraits", (name,), seed, quick=quick), direction, found, group, decisions)
        held = {"explainer": Held(iou(mask, group.regions), pointing(places, group.regions))}
        held |= {method: rival(method, decisions, learnt, group) for method in METHODS}
        average = learnt.regions.float().mean(0)
        held["fixed region"] = at_best(
            *(fixed for part in (learnt, group) for fixed in (average.expand_as(part.regions), part.regions))
        )
        more = {
            "validity": float((decisions.predict(found.composite) == found.target).float().mean()),
            "mask_area": float(found.mask.mean()),
            "true_area": float(group.regions.float().mean()),
            "believed": share,
            "minutes": minutes,
        }
        rows += [
            {
                "attribute": name,
                "direction": direction,
                "method": method,
                **figures(each),
                **(more if method == "explainer" else dict.fromkeys(more)),
            }
            for method, each in held.items()
        ]
    return rows


def pointed(known: Explanation, found: Explanation, group: Group) -> torch.Tensor:
    """Maps ``(n, height, width)`` whose maxima are where the explainer points: of the mask, or of what it changes."""

    def readings(part: Explanation) -> tuple[torch.Tensor, torch.Tensor]:
        return part.mask[:, 0], (part.composite - part.images).abs().mean(1)

    right = [float(pointing(maps, group.regions).nanmean()) for maps in readings(known)]
    return readings(found)[int(np.argmax(right))]


def rival(method: str, decisions: Decisions, known: Group, group: Group) -> Held:
    """An attribution method at its best."""
    options = GREY.get(method, {})
    seen, maps = (attribute(method, decisions, part.images, part.source, **options) for part in (known, group))
    return at_best(seen, known.regions, maps, group.regions)


def show(plan: Plan, direction: str, found: Explanation, group: Group, decisions: Decisions) -> None:
    """Thirty portraits on a sheet; a red bar where the decision did not flip."""
    first = found[:30]
    columns = {
        "input": first.images,
        "transformed": first.transformed,
        "mask": first.mask,
        "composite": first.composite,
        "truth": group.regions[:30, None].float(),
    }
    path = plan.sheet.with_name(f"{plan.sheet.stem}-{direction}.png")
    sheet(path, columns, decisions.predict(first.composite) != first.target)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means over attributes, each the mean of its two directions; the explainer beside the best of the others."""

    def mean(name: str, method: str, figure: str) -> float:
        return float(np.mean([row[figure] for row in rows if (row["attribute"], row["method"]) == (name, method)]))

    names = list(dict.fromkeys(row["attribute"] for row in rows))
    ours = {figure: [mean(name, "explainer", figure) for name in names] for figure in ("iou", "pointing", "validity")}
    best = {
        figure: [max(mean(name, method, figure) for method in METHODS) for name in names]
        for figure in ("iou", "pointing")
    }
    ahead = [all(ours[figure][i] > best[figure][i] for figure in best) for i in range(len(names))]
    return {
        "mean_mask_iou": float(np.mean(ours["iou"])),
        "min_mask_iou": min(ours["iou"]),
        "pointing_game": float(np.mean(ours["pointing"])),
        "min_pointing_game": min(ours["pointing"]),
        "validity": float(np.mean(ours["validity"])),
        "best_attribution_iou": float(np.mean(best["iou"])),
        "best_attribution_pointing_game": float(np.mean(best["pointing"])),
        "attributes_ahead_of_every_attribution": float(sum(ahead)),
        "fixed_region_iou": float(np.mean([mean(name, "fixed region", "iou") for name in names])),
        "fixed_region_pointing_game": float(np.mean([mean(name, "fixed region", "pointing") for name in names])),
    }


if __name__ == "__main__":
    benchmark(
        "explain_portraits",
        "The mask covers what truly differs between a portrait and its counterpart",
        measure,
        arguments=flags,
    )
