"""Swap on real faces: CelebA at 64 px, judged by detectors that no editor has seen.

The editors learn from CelebA's training people, validation is on development people, and everything here is of test
people: up to `EACH` faces with and without each attribute. CelebA's labels are people's opinions, and its detectors
err, too: an attribute counts as there from the probability that balances the two errors on development faces, and
``judge_accuracy`` is the balanced accuracy on the same test faces as they are, which is about what an edit can reach.

- ``swap_success``, ``collateral``: each attribute in turn at the opposite of its label, read by our detector of 40
  attributes (`detector_celeba`), which learnt from the same training people as the editors but not with them. The
  latter is the mean absolute change of its 39 other probabilities.
- ``second_success``: the same by the published architecture of `detector_celeba`, MultiDeep.
- ``identity_kept``: 1 - (mean squared change) / (variance between images) of the first detector's embeddings.
- ``diversity_ratio``: root mean squared distance of two draws of a face over that of two real faces with the attribute,
  in these embeddings; real faces differ in more than the attribute, so 1 is out of reach.
- ``kid``, ``fid``: faces on which an attribute was put against training faces that have it, in the same embeddings.

Beside the models stands ``source copy``, in which nothing was changed. Sheets of test faces are written beside the
runs, for eyes on this machine: CelebA's faces are not to be passed on, and so the editors are not to be either.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.edit_sheets import sheets
from benchmarks.edit_task import Held, Material, Plan, flags, mean, rows, swap_figures, trained
from benchmarks.harness import ROOT, benchmark, data_root
from lineament.datasets.base import AttributeDataset
from lineament.datasets.celeba import celeba
from lineament.datasets.labelled import floats
from lineament.datasets.pixels import pixels
from lineament.detectors.detector import Detector, load
from lineament.detectors.evaluation import thresholds
from lineament.editing.diversity import feature_diversity
from lineament.editing.evaluation import rebuilt, switched
from lineament.editing.intervals import Drawn, interval
from lineament.editing.likeness import identity_kept, reconstruction
from lineament.editing.operations import AnyEditor, edit
from lineament.training.distances import compare

MODELS = ("lineament", "fader", "hisd")
ATTRIBUTES = ("Bangs", "Eyeglasses", "Mustache", "Smiling", "Wearing_Hat")
SIZE = 64
EACH, DRAWN, DRAWS = 60, 40, 4
JUDGES = {"swap": "lineament", "second": "paper"}
"""Rows of `detector_celeba`."""


class Judge:
    """A detector that remembers what it has embedded, so that it looks at nothing twice.

    Args:
        row: of `detector_celeba`.
        quick: thresholds of a handful of faces.
    """

    def __init__(self, row: str, quick: bool) -> None:
        folder = ROOT / "runs" / "benchmarks" / "detector_celeba" / "full" / row
        if not (folder / "detector").is_dir():
            raise SystemExit(f"{folder}: not trained yet; run python -m benchmarks.detector_celeba --train {row}")
        self.detector: Detector = load(folder)
        self.attributes = self.detector.attributes
        self.embedded: list[Tensor] = []
        images, labels = faces("development", quick)
        self.thresholds = thresholds(self.read(images), labels, "balanced_accuracy")

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Log-odds of every attribute."""
        self.embedded.append(self.detector.embeddings(images))
        log_odds: Tensor = self.detector.head(self.embedded[-1])
        return log_odds

    def read(self, images: Tensor) -> Any:
        """Probabilities ``(n, attributes)`` of images in [0, 1]."""
        return torch.cat([self(part) for part in torch.split(images, 128)]).sigmoid().numpy()

    def embeddings(self, images: Tensor) -> Tensor:
        """What it makes of images."""
        self.embedded.clear()
        self.read(images)
        return torch.cat(self.embedded)


def measure(*, quick: bool, seed: int, train: str | None) -> tuple[Mapping[str, float], Sequence[Mapping[str, Any]]]:
    if train is not None and train not in MODELS:
        raise SystemExit(f"--train: unknown run {train!r}; known: {', '.join(MODELS)}")
    if train is not None:
        trained(Plan("celeba", train, seed, quick), material(quick))
        raise SystemExit(0)
    judges, held = {key: Judge(row, quick) for key, row in JUDGES.items()}, test(quick, seed)
    found: dict[str, dict[str, Drawn]] = {}
    table: list[dict[str, Any]] = []
    for name in ("lineament",) if quick else MODELS:
        plan = Plan("celeba", name, seed, quick)
        model, minutes = trained(plan, material(quick))
        found[name], distances, leakage = of_model(model, judges, held, quick)
        table += rows(name, ATTRIBUTES, found[name], **distances, minutes=minutes)
        for row, line in zip(table[-len(ATTRIBUTES) - 1 :], leakage, strict=False):
            row["leakage"] = dict(zip(judges["swap"].attributes, np.round(line, 4).tolist(), strict=True))
        sheets(plan, model, held, lambda i, count: owners(i, "test", quick, count))
    found["source copy"] = success([held.images] * len(ATTRIBUTES), judges, held)[0]
    table += rows("source copy", ATTRIBUTES, found["source copy"])
    return summary(found) | accuracies(judges, held), table


@cache
def opened() -> tuple[AttributeDataset, Any]:
    """CelebA, and its images at `SIZE`, ``(n, 64, 64, 3)`` uint8."""
    dataset = celeba(data_root() / "celeba")
    return dataset, pixels(dataset, SIZE)


def images_at(index: Any) -> Tensor:
    """The images at these places, ``(n, 3, 64, 64)`` uint8."""
    return torch.from_numpy(opened()[1][index]).permute(0, 3, 1, 2).contiguous()


def labels_at(index: Any) -> Tensor:
    """Labels of `ATTRIBUTES`, ``(n, 5)`` int8."""
    dataset = opened()[0]
    return torch.from_numpy(np.stack([dataset.column(name)[index] for name in ATTRIBUTES], 1))


def places(split: str, quick: bool) -> Any:
    """Where the images of a split are; for a quick run some with and without each attribute."""
    dataset = opened()[0]
    chosen = np.flatnonzero(dataset.split == ("train", "development", "test").index(split))
    if not quick:
        return chosen
    labels = labels_at(chosen).numpy()
    some = [chosen[labels[:, i] == c][:5] for i in range(len(ATTRIBUTES)) for c in (0, 1)]
    return np.unique(np.concatenate(some))


def faces(split: str, quick: bool) -> tuple[Tensor, Any]:
    """The images of a split in [0, 1], and all their labels."""
    chosen = places(split, quick)
    return floats(images_at(chosen)), opened()[0].labels[chosen]


def owners(i: int, split: str, quick: bool, count: int) -> Tensor:
    """``count`` images, at most, of a split that have attribute ``i``, drawn at random, in [0, 1]."""
    chosen = places(split, quick)
    having = chosen[labels_at(chosen)[:, i].numpy() == 1]
    return floats(images_at(np.sort(np.random.default_rng(0).permutation(having)[:count])))


@cache
def material(quick: bool) -> Material:
    """What editors learn from."""
    known, others = (places(split, quick) for split in ("train", "development"))
    card = {"data": "celeba", "licence": "CelebA agreement: not to be passed on"}
    return Material(images_at(known), labels_at(known), (images_at(others), labels_at(others)), ATTRIBUTES, card)


def test(quick: bool, seed: int) -> Held:
    """Test faces: up to `EACH` with and without each attribute."""
    chosen, random = places("test", quick), np.random.default_rng(seed)
    labels = labels_at(chosen).numpy()
    groups = [np.flatnonzero(labels[:, i] == c) for i in range(len(ATTRIBUTES)) for c in (0, 1)]
    few = chosen[np.unique(np.concatenate([random.permutation(group)[:EACH] for group in groups]))]
    return Held(floats(images_at(few)), labels_at(few), opened()[0].identity[few], ATTRIBUTES)


def success(edited: Sequence[Tensor], judges: Mapping[str, Judge], held: Held) -> tuple[dict[str, Drawn], Any]:
    """What both detectors read; the first one's embeddings are then in its memory, image by image."""
    judges["swap"].embedded.clear()
    found, leakage = swap_figures(held, judges["swap"], edited, thresholds=judges["swap"].thresholds)
    second, _ = swap_figures(held, judges["second"], edited, thresholds=judges["second"].thresholds)
    return found | {"second_success": second["swap_success"]}, leakage


def of_model(
    model: AnyEditor, judges: Mapping[str, Judge], held: Held, quick: bool
) -> tuple[dict[str, Drawn], dict[str, float], Any]:
    """Figures by attribute, distances to real faces, and the leakage matrix."""
    found, leakage = success(list(switched(model, held.images, held.labels)), judges, held)
    before, *after = torch.cat(judges["swap"].embedded).unflatten(0, (-1, len(held.images)))
    kept = [identity_kept(before, each, held.identity).mean(1) for each in after]
    near = reconstruction(held.images, rebuilt(model, held.images), held.identity)
    begun, different = edit(held.images, model), []
    distances: dict[str, list[float]] = {}
    few = np.unique(held.identity, return_index=True)[1][: 4 if quick else DRAWN]
    for i, name in enumerate(ATTRIBUTES):
        real = judges["swap"].embeddings(owners(i, "train", quick, EACH * 5))
        for key, value in compare(real, after[i][held.labels[:, i] == 0]).items():
            distances.setdefault(key, []).append(value)
        draws = judges["swap"].embeddings(begun[few].sample(name, count=DRAWS).images)
        different.append(feature_diversity(draws.unflatten(0, (-1, DRAWS)), real, held.identity[few]))
    found |= {"identity_kept": np.stack(kept, 1), "diversity_ratio": np.stack(different, 1)}
    found |= {f"reconstruction_{key}": drawn for key, drawn in near.items()}
    return found, {key: float(np.mean(values)) for key, values in distances.items()}, leakage


def accuracies(judges: Mapping[str, Judge], held: Held) -> dict[str, float]:
    """Balanced accuracy of the judges on the test faces as they are, the mean over the attributes."""
    found = {}
    for key, judge in judges.items():
        own = [judge.attributes.index(name) for name in ATTRIBUTES]
        right = (judge.read(held.images)[:, own] > judge.thresholds[own]) == (held.labels.numpy() == 1)
        hits = [np.mean(right[held.labels[:, i].numpy() == c, i]) for i in range(len(ATTRIBUTES)) for c in (0, 1)]
        found[{"swap": "judge_accuracy", "second": "second_judge_accuracy"}[key]] = float(np.mean(hits))
    return found


def summary(found: Mapping[str, Mapping[str, Drawn]]) -> dict[str, float]:
    """Means over attributes, and the others' beside ours."""
    ours = found["lineament"]
    metrics = {key: float(mean(drawn)[0]) for key, drawn in ours.items()}
    metrics["swap_success_low"] = float(interval(mean(ours["swap_success"]))[1])
    for i, name in enumerate(ATTRIBUTES):
        metrics[f"swap_success_{name}"] = float(ours["swap_success"][0, i])
    for name, others in found.items():
        if name != "lineament":
            metrics |= {f"{name.replace(' ', '_')}_{key}": float(mean(drawn)[0]) for key, drawn in others.items()}
    return metrics


if __name__ == "__main__":
    benchmark(
        "edit_celeba",
        "Attributes of unseen real faces are put on and off, as detectors see it that no editor has seen",
        measure,
        arguments=flags,
    )
