"""Tables 5.1 to 5.13: what projecting on a generator defends against, on MNIST, Fashion-MNIST and CelebA.

All attacks here are those of the tables: computed on the bare classifier or on a substitute for it, without knowing of
the defence. What an attacker who knows it gets is in none of them; `lineament.defense.threats` measures that.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple, cast

from scipy.special import stdtrit
from torch import Tensor, nn

from lineament.attacks.base import Attack
from lineament.attacks.carlini_wagner import CarliniWagner
from lineament.attacks.gradient_sign import FGSM, RandFGSM
from lineament.defense.architectures import ARCHITECTURES, Architecture, build
from lineament.defense.classifiers import Recipe
from lineament.defense.modes import FAST, REFERENCE, ProjectionConfig, mode
from lineament.defense.networks import Critic, Encoder, Generator
from lineament.defense.projection import project
from lineament.errors import UsageError
from lineament.reproduction.entries import Entry, published
from lineament.reproduction.material import Material, accuracy
from lineament.reproduction.trained import LEAST, Trained
from lineament.training.run import Device, Precision

__all__ = ["ATTACKS", "DATA", "DEFENCES", "PRINTED", "TABLES", "Defence", "Setting", "Table", "plan"]

Table = Literal["5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "5.10", "5.11", "5.12", "5.13"]

DIGITS, GARMENTS, FACES = "mnist", "fashion_mnist", "celeba"
PRINTED = {"MNIST": DIGITS, "F-MNIST": GARMENTS, "CelebA (gender)": FACES}
"""What the tables call our sets."""

DATA: dict[Table, tuple[str, ...]] = {
    "5.1": (DIGITS,), "5.2": (GARMENTS,), "5.3": (DIGITS, GARMENTS), "5.4": (DIGITS, GARMENTS), "5.5": (), "5.6": (),
    "5.7": (), "5.8": (DIGITS,), "5.9": (GARMENTS,), "5.10": (DIGITS,), "5.11": (GARMENTS,), "5.12": (FACES,),
    "5.13": (DIGITS,),
}  # fmt: skip
"""The sets of each table; three tables tell of networks alone."""


class Defence(NamedTuple):
    """Which classifier looks, and what purifies before it.

    Attributes:
        recipe, eps: see `Trained`.
        purifier: see `Material.purifier`; ``"projection"`` is the one that is asked for, ``""`` is none.
    """

    recipe: Recipe = "orig"
    eps: float | None = None
    purifier: str = ""

    def trained(self, architecture: Architecture) -> Trained:
        """The classifier of this architecture."""
        return Trained(architecture, self.recipe, self.eps)


DEFENCES = {
    "no_defense": Defence(),
    "defense_gan_rec": Defence("rec", purifier="projection"),
    "defense_gan_orig": Defence(purifier="projection"),
    "magnet": Defence(purifier="magnet"),
    "adv_training_eps_0.3": Defence("fgsm", 0.3),
    "adv_training_eps_0.15": Defence("fgsm", 0.15),
}
"""The columns of tables 5.1, 5.2, 5.4 and 5.12."""

EPS = 0.3

ATTACKS: dict[str, Attack] = {
    "FGSM": FGSM(EPS),
    "RAND+FGSM": RandFGSM(EPS, 0.05),
    "CW": CarliniWagner(c=100, steps=100, rate=10),
}
"""The rows of tables 5.4 and 5.12."""

SHAPED = {"Conv": nn.Conv2d, "ConvT": nn.ConvTranspose2d, "FC": nn.Linear, "FC + Softmax": nn.Linear,
          "FC + tanh": nn.Linear, "Dropout": nn.Dropout}  # fmt: skip
"""The layers of tables 5.5 to 5.7 that have numbers."""


@dataclass(frozen=True)
class Setting:
    """What to measure on, and how long.

    Attributes:
        root: of the data, see `open_dataset`.
        out: folder of what is made, a subfolder for each set.
        data: of which sets.
        quick: a hundredth of the work: to see that it runs, not to compare.
        seed, device, precision, n: see `Material`; n is 1,000 unless given, 40 for a quick schedule.
        mode: of the projection, where a table does not vary it; `MODES`.
    """

    root: Path | None
    out: Path
    data: tuple[str, ...] = (DIGITS, GARMENTS, FACES)
    quick: bool = False
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    n: int | None = None
    mode: str = "fast"

    def material(self, data: str) -> Material:
        """Of one set."""
        n = self.n if self.n is not None else 40 if self.quick else 1000
        folder = self.out / "defense" / data
        return Material(data, folder, self.root, n, self.seed, self.quick, self.device, self.precision)

    def config(self, steps: int, restarts: int) -> ProjectionConfig:
        """Of the projection where the table has one L and R: those, or those of the fast mode."""
        return mode(self.mode) if self.mode != "reference" else replace(REFERENCE, stages=((steps, restarts),))


def plan(number: Table, setting: Setting) -> dict[str, Any]:
    """What would be measured, as JSON values; ``UsageError`` for a set that the table does not have."""
    mode(setting.mode)
    of = [data for data in DATA[number] if data in setting.data]
    if DATA[number] and not of:
        raise UsageError(f"--data {' '.join(setting.data)}: table {number} is of {' and '.join(DATA[number])}")
    return {"table": number, "data": of, "n": setting.material("").n, "mode": setting.mode, "out": str(setting.out),
            "quick": setting.quick, "seed": setting.seed}  # fmt: skip


def accuracies(number: Table, setting: Setting) -> Iterator[Entry]:
    """Tables 5.1, 5.2, 5.4 and 5.12: a classifier a row, a defence a column."""
    for material, row in _rows(number, setting, few=1):
        config = setting.config(200, 2 if number == "5.12" else 10)
        name, attack = cast(Architecture, row["classifier"]), ATTACKS[row.get("attack", "FGSM")]
        substitute = cast(Architecture | None, row.get("substitute"))
        title = f"{material.data}, {attack!r}" + (" through a substitute" if substitute else "")
        for column in ("no_attack", *(each for each in DEFENCES if each in row)):
            defence = DEFENCES.get(column, Defence())
            classifier, images = material.classifier(defence.trained(name)), material.images
            if column != "no_attack":
                seen = material.substitute(substitute, classifier) if substitute else classifier
                images = material.attacked(attack, seen)
            if defence.purifier:
                named = config if defence.purifier == "projection" else defence.purifier
                images = material.purified(material.purifier(named), images)
            yield Entry(title, f"{name}/{substitute}" if substitute else name, column,
                        *accuracy(classifier, images, material.labels), float(row[column]), material.n,
                        _schedule(material, config) + _told(material, defence))  # fmt: skip


def effects(number: Table, setting: Setting) -> Iterator[Entry]:
    """Tables 5.3 and 5.8 to 5.11: classifier F, attacked by FGSM through substitute E, over eps, over L, over R."""
    rows = list(_rows(number, setting, few=4))
    through = sorted({int(row["gd_iterations_L"]) for _, row in rows}) if number in ("5.8", "5.9") else []
    for material, row in rows:
        if number == "5.3":
            label, config = f"eps {row['epsilon']}", setting.config(400, 10)
        else:
            steps, restarts = int(row["gd_iterations_L"]), int(row["random_restarts_R"])
            label = f"R {restarts}" if number in ("5.10", "5.11") else f"L {steps}"
            config = replace(REFERENCE, stages=((steps, restarts),))
        target = Trained("F", "rec" if row["defense"].endswith("Rec") else "orig")
        classifier, images = material.classifier(target), material.images
        attack = FGSM(float(row.get("epsilon", EPS)))
        if row.get("condition") != "no attack":
            images = material.attacked(attack, material.substitute("E", classifier))
        if through:  # the longest descent passes through all others
            material.project_through(config, through, images)
        images = material.purified(material.purifier(config), images)
        yield Entry(f"{material.data}, {attack!r} through a substitute" if number == "5.3" else material.data, label,
                    f"{row['defense']} {row.get('condition', '')}".strip(),
                    *accuracy(classifier, images, material.labels), float(row["accuracy"]), material.n,
                    _schedule(material, config if number == "5.3" else None))  # fmt: skip


def networks(number: Table, setting: Setting) -> Iterator[Entry]:
    """Tables 5.5 to 5.7: units, kernels, strides and dropout of each layer as built; of ConvT the maps it gives."""
    shape = (1, 28, 28)
    built: dict[str, nn.Module] = {name: build(name, shape, 10) for name in ARCHITECTURES}
    built |= {"generator": Generator(shape), "discriminator": Critic(shape), "MagNet encoder": Encoder(shape)}
    printed: dict[str, list[dict[str, str]]] = {}
    for row in published(number):
        if row["layer_type"] in SHAPED:
            printed.setdefault(row.get("model") or row["network"], []).append(row)
            if row.get("present_in_variant") == "yes":
                printed.setdefault(row["variant_without_dropout"], []).append(row)
    for name, rows in printed.items():
        layers = [layer for layer in built[name].modules() if isinstance(layer, tuple(SHAPED.values()))]
        for row, layer in zip(rows, layers, strict=True):
            for column, value in _numbers(layer).items():
                if row[column]:
                    yield Entry(name, f"{row['layer_order']} {row['layer']}", column, value, value, value,
                                float(row[column].split("x")[0]))  # fmt: skip


def times(number: Table, setting: Setting) -> Iterator[Entry]:
    """Table 5.13: seconds to project one image by itself, all its restarts in one batch."""
    for material, row in _rows(number, setting, few=3):
        steps, restarts = int(row["gd_iterations_L"]), int(row["random_restarts_R"])
        image, config = material.images[:1], replace(REFERENCE, stages=((steps, restarts),))
        took = [_seconds(material, image, config) for _ in range(3 if setting.quick else 6)]
        n = len(took) - 1  # the first warms up
        mean, reach = fmean(took[1:]), stdtrit(n - 1, 0.975) * stdev(took[1:]) / n**0.5
        yield Entry(f"seconds an image, {material.where.type} (printed: Titan X)", f"R {restarts}", f"L {steps}", mean,
                    max(0.0, mean - reach), mean + reach, float(row["seconds"]), n)  # fmt: skip


MEASURES: dict[Callable[[Table, Setting], Iterator[Entry]], tuple[Table, ...]] = {
    accuracies: ("5.1", "5.2", "5.4", "5.12"),
    effects: ("5.3", "5.8", "5.9", "5.10", "5.11"),
    networks: ("5.5", "5.6", "5.7"),
    times: ("5.13",),
}
TABLES: dict[Table, Callable[[Setting], Iterator[Entry]]] = {
    number: partial(measure, number) for measure, numbers in MEASURES.items() for number in numbers
}


def _rows(number: Table, setting: Setting, few: int) -> Iterator[tuple[Material, dict[str, str]]]:
    """The printed rows with what they are measured on; ``few`` of each set for a quick schedule."""
    for data in plan(number, setting)["data"]:
        material = setting.material(data)
        rows = [row for row in published(number) if PRINTED.get(row.get("dataset", "MNIST")) == data]
        for row in rows[: few if setting.quick else None]:
            yield material, row


def _schedule(material: Material, config: ProjectionConfig | None) -> str:
    if config is None:
        return material.schedule
    told = "fast mode" if config == FAST else f"L {config.steps}, R {config.restarts}"
    return f"{material.schedule}, {told}, {config.passes:,} passes an image"


def _told(material: Material, defence: Defence) -> str:
    """What is not as printed in how a defence was trained."""
    if defence.recipe == "rec" and not material.quick:
        return ", learnt reconstructions of the fast mode"
    if defence.eps:
        return f", trained for a third of the usual epochs, at least {LEAST}"
    return ", half as wide as printed" if defence.purifier == "magnet" else ""


def _numbers(layer: nn.Module) -> dict[str, float]:
    """What the tables print of a layer."""
    if isinstance(layer, nn.Dropout):
        return {"parameter": layer.p}
    if isinstance(layer, nn.Linear):
        return {"units": layer.out_features}
    layer = cast(nn.Conv2d, layer)
    return {"units": layer.out_channels, "kernel": layer.kernel_size[0], "stride": layer.stride[0]}


def _seconds(material: Material, image: Tensor, config: ProjectionConfig) -> float:
    started = time.perf_counter()
    project(material.generator, image, config).errors.item()  # a GPU answers before it is done
    return time.perf_counter() - started
