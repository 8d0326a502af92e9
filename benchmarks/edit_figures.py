"""The figures of one method of editing portraits: what its edits do, what its codes tell. See `edit_portraits`."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.edit_renderings import (
    Loan,
    Part,
    loan,
    part,
    truly_absent,
    truly_borrowed,
    truly_drawn,
    truly_switched,
)
from benchmarks.edit_task import Held, swap_figures
from lineament.datasets.labelled import floats
from lineament.datasets.portraits.picture import VISIBLE
from lineament.datasets.portraits.tossed import LAWS
from lineament.editing.diversity import diversity, drawn_region
from lineament.editing.editor import Codes
from lineament.editing.evaluation import rebuilt, swapped
from lineament.editing.intervals import Drawn, means
from lineament.editing.likeness import change, identity_kept, reconstruction
from lineament.editing.operations import AnyEditor, edit
from lineament.editing.oracle import Oracle, Reading
from lineament.editing.probes import Sample, probe_labels, probe_styles
from lineament.editing.retrieval import by_kind, reading_error, retrieved, style_correlation
from lineament.editing.styles import STYLED, StyleTable, person_matrix
from lineament.training.distances import compare

READABLE = 0.5
"""R2 with which the oracle must read a column off unedited test portraits for it to count as one that can be seen."""

PROBED = 512
"""Numbers of a z that a probe reads at most."""

DRAWN, DRAWS = 60, 6
"""Portraits, of as many people, whose draws are compared, and how many of each."""

Made = Callable[[int], Tensor]


class Method(NamedTuple):
    """What a method makes of the test portraits, by the attribute's number; None is what it does not do.

    Attributes:
        switched: each portrait with the attribute as it is not.
        borrowed: each with the attribute as its reference has it.
        draws: those of `Setting.few` with several draws of it each, ``(DRAWN, DRAWS, 3, 64, 64)``.
    """

    switched: Made | None
    borrowed: Made | None
    draws: Made | None = None


class Setting(NamedTuple):
    """What all methods share: who judges, the portraits, how the oracle reads them and what it can see."""

    judge: Oracle
    test: Part
    held: Held
    before: Reading
    person: list[int]
    r2: Tensor
    loans: list[Loan]
    truth: list[Tensor]
    few: list[int]
    quick: bool
    seed: int

    def own(self, i: int) -> list[int]:
        """The oracle's columns of the style of attribute ``i``."""
        return [k for k, column in enumerate(self.judge.columns) if column.attribute == STYLED[i]]

    def seen(self, i: int) -> list[bool]:
        """Which of them count; all in a quick run, whose oracle has learnt too little."""
        return [self.quick or bool(self.r2[k] > READABLE) for k in self.own(i)]


def setting(judge: Oracle, quick: bool, seed: int) -> Setting:
    """Read the test portraits and render the truth of every switch."""
    test = part("test", quick, seed)
    images, identity = floats(test.images), test.data.identity
    before, everyone = judge.read(images), np.arange(len(test.data))
    true = torch.cat([test.styles(*STYLED).values, person_matrix(test.data, everyone).values], 1)
    r2 = _r2(before.styles, true)
    return Setting(
        judge,
        test,
        Held(images, test.labels, identity, STYLED),
        before,
        [k for k, column in enumerate(judge.columns) if column.kind == "person" and (quick or r2[k] > READABLE)],
        r2,
        [loan(i, len(images), quick, seed) for i in range(len(STYLED))],
        [truly_switched(test.scenes, i) for i in range(len(STYLED))],
        np.unique(identity, return_index=True)[1][: 5 if quick else DRAWN].tolist(),
        quick,
        seed,
    )


def of_truth(given: Setting) -> Method:
    """Rendered again, with everything else as it was: what can be reached."""
    scenes = given.test.scenes
    few = [scenes[k] for k in given.few]
    return Method(
        lambda i: given.truth[i],
        lambda i: truly_borrowed(scenes, i, given.loans[i].scenes),
        lambda i: truly_drawn(few, i, DRAWS, given.seed + 1),
    )


def of_model(model: AnyEditor, given: Setting) -> Method:
    """Swap, Borrow and Diverse Swap of an editor or a peer."""
    begun, labels = edit(given.held.images, model), given.held.labels
    return Method(
        lambda i: swapped(begun, STYLED[i], (labels[:, i] != 1).long()),
        lambda i: begun.borrow(STYLED[i], given.loans[i].images, force=True).images,
        lambda i: begun[given.few].sample(STYLED[i], count=DRAWS, seed=given.seed).images.unflatten(0, (-1, DRAWS)),
    )


def figures(method: Method, given: Setting) -> tuple[dict[str, Drawn], dict[str, float], np.ndarray | None]:
    """Figures by attribute ``(1 + resamples, attributes)``, distances to real images, and the leakage matrix."""
    found, distances, leakage = _of_switches(method, given) if method.switched else ({}, {}, None)
    found |= _of_loans(method.borrowed, given) if method.borrowed else {}
    found |= _of_draws(method.draws, given) if method.draws else {}
    return found, distances, leakage


def _of_switches(method: Method, given: Setting) -> tuple[dict[str, Drawn], dict[str, float], np.ndarray]:
    held, kept, outside, features = given.held, list[Drawn](), list[Drawn](), list[Tensor]()

    def note(i: int, edited: Tensor) -> None:
        read = given.judge.read(edited)
        person = given.before.styles[:, given.person], read.styles[:, given.person]
        kept.append(identity_kept(*person, held.identity).mean(1))
        region = ((given.truth[i] - held.images).abs() > VISIBLE).any(1)
        outside.append(change(held.images, edited, region, held.identity)["outside"])
        features.append(read.features[i :: len(STYLED)])

    assert method.switched is not None
    found, leakage = swap_figures(held, given.judge, map(method.switched, range(len(STYLED))), note=note)
    found |= {"identity_kept": np.stack(kept, 1), "outside": np.stack(outside, 1)}
    real = given.judge.read(floats(part("references", given.quick, given.seed).images)).features
    return found, compare(real, torch.cat(features), seed=given.seed), leakage


def _of_loans(made: Made, given: Setting) -> dict[str, Drawn]:
    names = ("color", "shape", "amount", "retrieval_at_1", "retrieval_whole")
    found: dict[str, list[Drawn]] = {f"borrow_{name}": [] for name in names}
    for i, (_, references, styles) in enumerate(given.loans):
        own, seen, true = given.own(i), np.array(given.seen(i)), styles.values
        read, plain = (given.judge.read(images).styles[:, own] for images in (made(i), references))
        alike = style_correlation(read, true, given.held.identity)
        figures = by_kind(np.where(seen, alike, np.nan), styles.kinds)
        for name, chosen in (("retrieval_at_1", seen & _choices(styles)), ("retrieval_whole", seen)):
            if chosen.any():
                error = reading_error(plain[:, chosen], true[:, chosen])
                figures[name] = retrieved(
                    read[:, chosen], true[:, chosen], given.held.identity, error=error, seed=given.seed
                )
        for key, values in found.items():
            values.append(figures.get(key.removeprefix("borrow_"), np.full(len(alike), np.nan)))
    return {key: np.stack(values, 1) for key, values in found.items()}


def _choices(styles: StyleTable) -> np.ndarray:
    """Which columns come from a parameter that is one of a few names."""
    return np.array([isinstance(LAWS[name.split(".")[0]][0], str) for name in styles.names])


def _of_draws(made: Made, given: Setting) -> dict[str, Drawn]:
    scenes, people = [given.test.scenes[k] for k in given.few], given.held.identity[given.few]
    found, carried = [], []
    for i, name in enumerate(STYLED):
        draws, truth = made(i), truly_drawn(scenes, i, DRAWS, given.seed)
        regions = drawn_region(truth, truly_absent(scenes, i))
        found.append(diversity(draws, truth, regions, people))
        read = given.judge(draws.flatten(0, 1))[:, list(given.judge.attributes).index(name)] > 0
        carried.append(means(read.double().view(len(people), -1).mean(1, keepdim=True).numpy(), people)[:, 0])
    names = {"inside": "diversity_ratio", "outside": "diversity_outside"}
    figures = {name: np.stack([each[key] for each in found], 1) for key, name in names.items()}
    return figures | {"draw_success": np.stack(carried, 1)}


def of_codes(model: AnyEditor, given: Setting) -> dict[str, Drawn]:
    """What fresh probes read in codes, by attribute, and how near reconstructions come."""
    test, learnt = given.test, part("probes", given.quick, given.seed)
    codes = _encoded(model, floats(learnt.images)), _encoded(model, given.held.images)
    people, labels = (learnt.data.identity, given.held.identity), (learnt.labels, test.labels)
    styles = learnt.styles(*STYLED), test.styles(*STYLED)
    settings = {"steps": 50 if given.quick else 1000, "seed": given.seed}

    def samples(source: str, targets: Sequence[Tensor], rows: Sequence[Tensor]) -> list[Sample]:
        parts = zip(codes, targets, people, rows, strict=True)
        return [Sample(getattr(code, source)[r], target[r], who[r]) for code, target, who, r in parts]

    everything = [torch.arange(len(each)) for each in labels]
    found = {"probe_label_from_z": probe_labels(*samples("z", labels, everything), **settings)[:, 0]}
    from_styles: dict[str, list[Drawn]] = {"z": [], "a": [], "other_a": []}
    for i in range(len(STYLED)):
        seen = np.array(given.own(i))[given.seen(i)]
        if not len(seen):  # nothing of this style can be seen, so nothing can be missed
            for drawn in from_styles.values():
                drawn.append(np.full(len(found["probe_label_from_z"]), np.nan))
            continue
        targets, rows = [table.values[:, seen] for table in styles], [each[:, i] == 1 for each in labels]
        from_z = probe_styles(*samples("z", targets, rows), **settings)[:, 0]
        from_styles["z"].append(from_z.clip(min=0).mean(1))  # a column that leaks is not paid for by one that does not
        from_a = probe_styles(*samples("a", targets, rows), **settings).mean(2)
        from_styles["a"].append(from_a[:, i])
        others = np.delete(from_a, i, 1)
        from_styles["other_a"].append(others[:, others[0].argmax()])
    found |= {f"probe_style_r2_from_{source}": np.stack(drawn, 1) for source, drawn in from_styles.items()}
    near = reconstruction(given.held.images, rebuilt(model, given.held.images), given.held.identity)
    return found | {f"reconstruction_{name}": drawn for name, drawn in near.items()}


def _encoded(model: AnyEditor, images: Tensor) -> Codes:
    """The codes of images; of a longer z a random projection to `PROBED` numbers, the same every time."""
    z, a = edit(images, model).before
    if z.shape[1] > PROBED:
        z = z @ torch.randn(z.shape[1], PROBED, generator=torch.Generator().manual_seed(0)) / z.shape[1] ** 0.5
    return Codes(z, a)


def _r2(read: Tensor, true: Tensor) -> Tensor:
    """Of each column, over the images where it is known."""
    known = true.isfinite()
    count = known.sum(0)
    true = true.nan_to_num()
    mean = true.sum(0) / count
    missed = ((read - true).square() * known).sum(0)
    return 1 - missed / ((true - mean).square() * known).sum(0)
