"""Tables 4.1, 4.2 and 4.3 on MNIST and Fashion-MNIST: train what is missing, measure, put the printed value beside.

The ultrasound images of the dissertation are not public, and its columns on CelebA need the whole of it. Table 4.3 is
printed for ultrasound alone, so its methods are compared here on a pair of digits and a pair of garments.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from lineament.datasets.base import AttributeDataset
from lineament.datasets.labelled import Labelled, floats
from lineament.datasets.registry import open_dataset
from lineament.explanation.attribution import attribute
from lineament.explanation.classifiers import decisions_in, keep_small
from lineament.explanation.cycle_gan import CycleGanConfig, train_cycle_gan
from lineament.explanation.decisions import Decisions
from lineament.explanation.explainer import Explainer, explain
from lineament.explanation.pairs import PAIRS, Pair, pair
from lineament.explanation.perturbation import aospc, bootstrap
from lineament.explanation.pixel_da import PixelDaConfig, train_pixel_da
from lineament.explanation.presets import KAPPA, PRESETS
from lineament.explanation.small_classifiers import train_small
from lineament.explanation.substitutability import CEILING, Made, made_from, of_explainer, substitutability, substituted
from lineament.explanation.training import train_explainer
from lineament.reproduction.entries import Entry, published
from lineament.training.run import Device, Precision

__all__ = ["CELLS", "COMPARED", "TABLES", "Setting", "Table", "plan", "published_pairs"]

Table = Literal["4.1", "4.2", "4.3"]

METHODS = {"Grad": "input_x_gradient", "Grad-CAM": "grad_cam", "Saliency": "saliency", "Occlusion": "occlusion",
           "LRP": "lrp_epsilon", "ExplainGAN": None}  # fmt: skip
"""The rows of table 4.1, and what `attribute` calls them; ExplainGAN's map is its mask."""

THRESHOLDS = (0.5, 0.7, 0.9)

CELLS = ("transformed_0", "transformed_1", "composite_0", "composite_1")
"""The columns of table 4.2; in 4.3 also those where both classes are replaced."""

COMPARED = {"mnist": ("4", "9"), "fashion_mnist": ("Coat", "Pullover")}
"""Where the methods of table 4.3 are compared."""

RETRAINED, STEPS = 3, 300
"""How often a classifier is trained on each set of images, and the steps of 64 images that it takes."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "ExplainGAN-norec": {"reconstruction": 0.0},
    "ExplainGAN-nomask": {"mask": False},
}

PRINTED = {"mnist": "MNIST", "fashion_mnist": "FMNIST"}
DIGITS = {"Three": "3", "Four": "4", "Five": "5", "Eight": "8", "Nine": "9"}
"""What the tables call our sets and their classes."""


@dataclass(frozen=True)
class Setting:
    """What to measure on, and how long.

    Attributes:
        root: of the data, see `open_dataset`.
        out: folder of the runs, a subfolder for each; finished ones are taken up.
        data: which sets.
        quick: a hundredth of the work: to see that it runs, not to compare.
        seed: of parts, classifiers and explainers.
        device, precision: see `Run`.
    """

    root: Path | None
    out: Path
    data: tuple[str, ...] = ("mnist", "fashion_mnist")
    quick: bool = False
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    opened: dict[str, AttributeDataset] = field(default_factory=dict, compare=False, repr=False)

    def parts(self, data: str, classes: Sequence[str]) -> Pair:
        """The four parts of section 4.5.1; a quick schedule retrains on a few hundred images."""
        if data not in self.opened:
            self.opened[data] = open_dataset(data, self.root)
        found = pair(self.opened[data], classes, self.seed)
        if not self.quick:
            return found
        few = Labelled(found.classifier.images[:400], found.classifier.labels[:400])
        return replace(found, classifier=few)

    def folder(self, data: str, classes: Sequence[str], note: str = "") -> Path:
        """Of one run; quick ones lie apart, or a full schedule would take them up or refuse them."""
        home = self.out / "quick" if self.quick else self.out
        return home / data / "-".join(filter(None, (*classes, note))) / f"seed{self.seed}"


def planned(table: Table, setting: Setting) -> list[tuple[str, tuple[str, str]]]:
    """The data sets and classes that a table is measured on; one pair alone for a quick schedule."""
    found = {
        "4.1": [(data, classes) for data in setting.data for classes in PAIRS[data]],
        "4.2": [(data, classes) for data, classes in published_pairs() if data in setting.data],
        "4.3": [(data, COMPARED[data]) for data in setting.data],
    }[table]
    return [one for one in found if one[1] == COMPARED.get(one[0])][:1] or found[:1] if setting.quick else found


def plan(table: Table, setting: Setting) -> dict[str, Any]:
    """What would be measured, as JSON values."""
    pairs = [[name, *classes] for name, classes in planned(table, setting)]
    return {"table": table, "pairs": pairs, "out": str(setting.out), "quick": setting.quick, "seed": setting.seed}


def published_pairs() -> dict[tuple[str, tuple[str, str]], dict[str, str]]:
    """The rows of table 4.2 on the sets at hand, by set and classes."""
    ours = {printed: data for data, printed in PRINTED.items()}
    return {
        (
            ours[row["dataset"]],
            (DIGITS.get(row["class_0"], row["class_0"]), DIGITS.get(row["class_1"], row["class_1"])),
        ): row
        for row in published("4.2")
        if row["dataset"] in ours
    }


def table_4_1(setting: Setting) -> Iterator[Entry]:
    """AOSPC: how far the probability of the decided class falls; the printed values, in another unit, rank only."""
    drops: dict[tuple[str, float, str], list[Tensor]] = {}
    for data, classes in planned("4.1", setting):
        parts, decisions, explainer = _explained(setting, data, classes)
        order = torch.randperm(len(parts.test), generator=torch.Generator().manual_seed(setting.seed))
        images = floats(parts.test.images[order[: 40 if setting.quick else 500]])
        found = explain(explainer, decisions, images)
        for name, method in METHODS.items():
            maps = attribute(method, decisions, images, found.source) if method else found.mask[:, 0]
            for threshold in THRESHOLDS:
                by_map = aospc(decisions, images, maps, threshold=threshold, seed=setting.seed)
                own = by_map.map.probability.mean(1)[by_map.valid]
                drops.setdefault((data, threshold, name), []).append(own)
    printed = {(row["dataset"], row["segmentation_threshold"], row["method"]): row["aospc"] for row in published("4.1")}
    for (data, threshold, name), parts_of in drops.items():
        value, low, high = bootstrap(torch.cat(parts_of))
        beside = printed.get((PRINTED[data], str(threshold), name)) or None
        yield Entry(f"drop of the probability, {data}", name, f"threshold {threshold}", value, low, high,
                    None if beside is None else float(beside))  # fmt: skip


def table_4_2(setting: Setting) -> Iterator[Entry]:
    """Substitutability: the accuracy of a classifier that learned from made images, as a share of its ceiling."""
    printed = published_pairs()
    for data, classes in planned("4.2", setting):
        parts, decisions, explainer = _explained(setting, data, classes)
        made = made_from(parts.classifier.images, decisions, of_explainer(explainer))
        beside = printed[data, (classes[0], classes[1])]
        ceiling = float(beside["ceiling"])
        shares = {cell: float(beside[cell]) / ceiling for cell in CELLS} | {CEILING: 1.0}
        yield from _cells("share of the ceiling", f"{data} {'/'.join(classes)}", setting, parts, made, shares, CELLS)


def table_4_3(setting: Setting) -> Iterator[Entry]:
    """The same measure by method: ours, two ablations, CycleGAN and PixelDA; the printed values are of ultrasound."""
    rows = {row["method"]: row for row in published("4.3")}
    for data, classes in planned("4.3", setting):
        for method, parts, made in _methods(setting, data, classes):
            printed = {cell: float(rows[method][cell]) / float(rows["Ceiling"][cell])
                       for cell in rows[method] if cell != "method" and rows[method][cell]}  # fmt: skip
            title = f"share of the ceiling, {data} {'/'.join(classes)} (printed: ultrasound)"
            yield from _cells(title, method, setting, parts, made, printed, None)


TABLES: dict[Table, Callable[[Setting], Iterator[Entry]]] = {"4.1": table_4_1, "4.2": table_4_2, "4.3": table_4_3}


def _explained(
    setting: Setting, data: str, classes: Sequence[str], note: str = "", **changes: Any
) -> tuple[Pair, Decisions, Explainer]:
    """A pair's parts, its classifier, and its explainer, trained unless the folder holds it."""
    parts, home, names = setting.parts(data, classes), setting.folder(data, classes), tuple(classes)
    keep_small(parts, home, setting.seed, data=data, licence=setting.opened[data].licence)
    decisions, weights = decisions_in(home, names)
    own: dict[str, Any] = {"kappa": KAPPA[names]} if names in KAPPA else {}
    own |= {"steps": 60} if setting.quick else {}
    config = replace(PRESETS["garments" if data == "fashion_mnist" else "digits"], **own | changes)
    explainer = train_explainer(
        parts.explainer.images, parts.validation.images, decisions, config, setting.folder(data, classes, note),
        seed=setting.seed, device=setting.device, precision=setting.precision,
        card={"data": data, "classifier_sha256": weights},
    )  # fmt: skip
    return parts, decisions, explainer


def _methods(setting: Setting, data: str, classes: Sequence[str]) -> Iterator[tuple[str, Pair, Made]]:
    """Each method of table 4.3 and what it makes of the classifier's own training images."""
    for method, changes in {"ExplainGAN-full": {}, **ABLATIONS}.items():
        note = "" if not changes else method.rpartition("-")[2]
        parts, decisions, explainer = _explained(setting, data, classes, note, **changes)
        yield method, parts, made_from(parts.classifier.images, decisions, of_explainer(explainer))
    predicted = torch.cat([decisions.predict(floats(some)) for some in torch.split(parts.explainer.images, 1000)])
    sides = [parts.explainer.images[predicted == j] for j in (0, 1)]
    shorter: dict[str, Any] = {"steps": 20} if setting.quick else {}
    schedule: dict[str, Any] = {"seed": setting.seed, "device": setting.device, "precision": setting.precision}
    cycle, pixel = (setting.folder(data, classes, rival) for rival in ("cyclegan", "pixelda"))
    ways = train_cycle_gan(sides, CycleGanConfig(**shorter), cycle, **schedule)
    images = parts.classifier.images
    yield "CycleGAN", parts, made_from(images, decisions, lambda x, target: {"transformed": ways[target](x)})
    way = train_pixel_da(sides, 0, PixelDaConfig(**shorter), pixel, **schedule)
    torch.manual_seed(setting.seed)  # of its noise
    yield "PixelDA", parts, made_from(images, decisions, lambda x, target: {} if target else {"transformed": way(x)})


def _cells(
    title: str, row: str, setting: Setting, parts: Pair, made: Made, printed: dict[str, float],
    wanted: Sequence[str] | None,
) -> Iterator[Entry]:  # fmt: skip
    """Retrain on the training set of each cell, and on the real images for the ceiling."""
    sets = {CEILING: parts.classifier} | substituted(parts.classifier, made)
    kept = {name: part for name, part in sets.items() if wanted is None or name in (CEILING, *wanted)}
    epochs, seeds = (5, 2) if setting.quick else (max(2, STEPS * 64 // len(parts.classifier)), RETRAINED)
    shares = substitutability(
        kept, parts.test, range(setting.seed, setting.seed + seeds),
        train=lambda part, seed: train_small(part, 2, seed=seed, epochs=epochs),
    )  # fmt: skip
    for name, share in shares.items():
        if name != CEILING:
            yield Entry(title, row, name, share.share, share.low, share.high, printed.get(name))
