"""Tables 4.2 and 4.3 on MNIST and Fashion-MNIST: a classifier retrained on made images, as a share of its ceiling.

Table 4.2: ExplainGAN's transformed and composite images in place of one class. The dissertation does not say which
images D_train is, so both readings stand here: the explained classifier's own training images, whose cells are the
ones counted, and those that trained the explainer. Table 4.3 is printed for ultrasound images, which are not public;
here its methods are compared on one pair of digits and one of garments. A cell is reached if its mean share of the
ceiling is no less than the printed one.
"""

import csv
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.explain_pairs import Case, Plan, case
from benchmarks.harness import ROOT, benchmark

SETS = {"MNIST": "mnist", "FMNIST": "fashion_mnist"}
DIGITS = {"Three": "3", "Four": "4", "Five": "5", "Eight": "8", "Nine": "9"}
CELLS = ("transformed_0", "transformed_1", "composite_0", "composite_1")
"""The columns of table 4.2."""

TRANSFORMED = ("transformed_0", "transformed_1", "both_transformed")
"""Those of table 4.3 that need no mask; a one-way method fills the first alone."""

COMPARED = (("mnist", ("4", "9")), ("fashion_mnist", ("Coat", "Pullover")))
"""Where the methods of table 4.3 are compared."""

OURS = "ExplainGAN-full"
ABLATIONS: dict[str, dict[str, Any]] = {
    "ExplainGAN-norec": {"reconstruction": 0.0},
    "ExplainGAN-nomask": {"mask": False},
}
PARTS = {"classifier": 3, "explainer": 2}
"""Which images D_train is, and how often a classifier is trained on each set made of them."""

STEPS = 300
"""Of 64 images, of each retraining: enough for all of these classifiers, and there are hundreds."""


def measure(*, quick: bool, seed: int) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    rows = []
    for data, classes, printed in published()[: 1 if quick else None]:
        one = case(Plan(data, classes, seed, quick=quick))
        for name in PARTS:
            made = {OURS: of_explainer(one, training_part(one, name))}
            if (data, classes) in COMPARED and name == "classifier":
                made |= rivals(one)
            rows += [row | against(row, printed) for row in retrained(one, name, made)]
    return summary(rows), rows


def training_part(one: Case, name: str) -> Any:
    """D_train: the part of the pair with this name, cut short for a quick run."""
    part = getattr(one.parts, name)
    return replace(part, images=part.images[:400], labels=part.labels[:400]) if one.plan.quick else part


def of_explainer(one: Case, part: Any) -> Any:
    """What a case's explainer makes of D_train."""
    from lineament.explanation import substitutability

    return substitutability.made_from(part.images, one.decisions, substitutability.of_explainer(one.explainer))


def retrained(one: Case, name: str, made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for the ceiling and for each cell of each method; where there is one method, the cells of table 4.2."""
    from lineament.explanation.small_classifiers import train_small
    from lineament.explanation.substitutability import CEILING, substitutability, substituted

    plan, part = one.plan, training_part(one, name)
    sets = {CEILING: part} | {
        f"{method} {cell}": images
        for method, its in made.items()
        for cell, images in substituted(part, its).items()
        if len(made) > 1 or cell in CELLS
    }
    print(f"{plan.data} {'/'.join(plan.classes)}: {len(sets)} sets from the {name}'s part", flush=True)
    seeds = range(plan.seed, plan.seed + (2 if plan.quick else PARTS[name]))
    epochs = 3 if plan.quick else max(2, STEPS * 64 // len(part))
    train = lambda images, seed: train_small(images, 2, seed=seed, epochs=epochs)  # noqa: E731
    for name_of_set, share in substitutability(sets, one.parts.test, seeds, train=train).items():
        method, _, cell = name_of_set.rpartition(" ")
        yield {
            "data": plan.data, "classes": "/".join(plan.classes), "train": name, "method": method, "cell": cell,
            "accuracy": 100 * share.accuracy, "share": share.share, "low": share.low, "high": share.high,
            "crossed": crossed(one, made.get(method, {}), cell),
            "published": None, "published_share": None, "reached": None,
            "ultrasound_share": on_ultrasound().get((method, cell)),
        }  # fmt: skip


def crossed(one: Case, made: Any, cell: str) -> float | None:
    """The share of a cell's made images that the explained classifier takes for their new class."""
    from lineament.datasets.labelled import floats

    kind, _, target = cell.rpartition("_")
    if kind not in made:  # the ceiling, or both classes
        return None
    return float((one.decisions.predict(floats(made[kind][int(target)])) == int(target)).double().mean())


def rivals(one: Case) -> dict[str, Any]:
    """What table 4.3's other methods make of D_train; both rivals learn from what the explainer learned from."""
    import torch

    from lineament.datasets.labelled import floats
    from lineament.explanation.cycle_gan import CycleGanConfig, train_cycle_gan
    from lineament.explanation.pixel_da import PixelDaConfig, train_pixel_da
    from lineament.explanation.substitutability import made_from

    plan, part = one.plan, training_part(one, "classifier")
    made = {
        method: of_explainer(case(replace(plan, note=method.rpartition("-")[2], changes=changes)), part)
        for method, changes in ABLATIONS.items()
    }
    images = one.parts.explainer.images
    predicted = torch.cat([one.decisions.predict(floats(some)) for some in torch.split(images, 1000)])
    classes = [images[predicted == j] for j in (0, 1)]
    shorter = {"steps": 20} if plan.quick else {}
    folders = [replace(plan, note=note).folder for note in ("cyclegan", "pixelda")]
    both_ways = train_cycle_gan(classes, CycleGanConfig(**shorter), folders[0], seed=plan.seed)
    one_way = train_pixel_da(classes, 0, PixelDaConfig(**shorter), folders[1], seed=plan.seed)
    torch.manual_seed(plan.seed)  # of PixelDA's noise
    makers = {
        "CycleGAN": lambda batch, target: {"transformed": both_ways[target](batch)},
        "PixelDA": lambda batch, target: {} if target else {"transformed": one_way(batch)},
    }
    return made | {method: made_from(part.images, one.decisions, make) for method, make in makers.items()}


def published() -> list[tuple[str, tuple[str, str], dict[str, float]]]:
    """Set, classes, and accuracies in percent by cell, of the rows of table 4.2 on MNIST and Fashion-MNIST."""
    with (ROOT / "benchmarks" / "published" / "table_4_2.csv").open() as file:
        return [
            (
                SETS[row["dataset"]],
                (DIGITS.get(row["class_0"], row["class_0"]), DIGITS.get(row["class_1"], row["class_1"])),
                {cell: float(row[cell]) for cell in (*CELLS, "ceiling")},
            )
            for row in csv.DictReader(file)
            if row["dataset"] in SETS
        ]


@functools.cache
def on_ultrasound() -> dict[tuple[str, str], float]:
    """The shares of the ceiling that table 4.3 prints, by method and cell."""
    with (ROOT / "benchmarks" / "published" / "table_4_3.csv").open() as file:
        rows = {row.pop("method"): row for row in csv.DictReader(file)}
    ceiling = rows.pop("Ceiling")
    return {
        (method, cell): float(value) / float(ceiling[cell])
        for method, row in rows.items()
        for cell, value in row.items()
        if value
    }


def against(row: Mapping[str, Any], printed: Mapping[str, float]) -> dict[str, Any]:
    """The printed accuracy of a row's cell, its share of the printed ceiling, and whether the row reaches it."""
    if row["cell"] not in printed or row["method"] not in (OURS, ""):
        return {}
    share = printed[row["cell"]] / printed["ceiling"]
    reached = None if row["cell"] == "ceiling" else "yes" if row["share"] >= share else "no"
    return {"published": printed[row["cell"]], "published_share": share, "reached": reached}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The metrics, from rows just made or from those of a result's JSON.

    Shares of the cells reached, by D_train, and how far the worst is off. For table 4.3 each method's share with class
    0 transformed, which every method makes, and the mean over the three transformed cells of those that fill them.
    """
    metrics: dict[str, float] = {}
    for name in PARTS:
        cells = [row for row in rows if row["train"] == name and row["reached"]]
        suffix = "" if name == "classifier" else f"_{name}"
        metrics[f"cells_reached{suffix}"] = sum(row["reached"] == "yes" for row in cells) / len(cells)
        metrics[f"cells_reached_or_within{suffix}"] = sum(r["high"] >= r["published_share"] for r in cells) / len(cells)
        metrics[f"worst_margin{suffix}"] = min(row["share"] - row["published_share"] for row in cells)
    for data, classes in COMPARED:
        compared: dict[str, dict[str, float]] = {}
        for row in rows:
            if (row["data"], row["classes"], row["train"]) == (data, "/".join(classes), "classifier"):
                compared.setdefault(row["method"], {})[row["cell"]] = row["share"]
        for method, shares in compared.items():
            name = f"{data}_{method.lower().replace('-', '_')}_transformed"
            found = [shares[cell] for cell in TRANSFORMED if cell in shares]
            if TRANSFORMED[0] in shares:
                metrics[f"{name}_0"] = shares[TRANSFORMED[0]]
            if len(found) == len(TRANSFORMED):
                metrics[name] = sum(found) / len(found)
    return metrics


if __name__ == "__main__":
    benchmark("substitutability", "retrained on made images, classifiers keep the published share of accuracy", measure)
