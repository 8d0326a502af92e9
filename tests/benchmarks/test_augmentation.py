"""The benchmark of augmentation: what is cut, what each remedy adds, and the four rates by counting one by one."""

from functools import cache

import numpy as np
import pytest

from benchmarks import augmentation_task
from benchmarks.augmentation import Figures, row, summary
from benchmarks.augmentation_task import KEPT, Sets, Task, edited, oversampled, rates, remaining, remedies, rendered
from lineament.datasets.portraits import counterfactual, labels, render
from lineament.datasets.portraits.dataset import Roll, gathered
from lineament.detectors.evaluation import people, person_weights
from lineament.editing.augmentation import Edited
from tests.editing.patch_editor import NAMES, PatchEditor, patches

TASK = Task("patches", (NAMES[0], NAMES[1]))


def given(seed: int = 0) -> Sets:
    whole = patches(people=80, size=64)
    whole = whole.subset(whole.split < 2)
    return Sets(whole, whole.subset(remaining(whole, TASK.pair, seed)), whole, None)


def both(dataset: augmentation_task.AttributeDataset, split: int) -> int:
    return int(np.all([dataset.column(name) == 1 for name in (*TASK.pair,)], 0)[dataset.split == split].sum())


def test_the_combination_is_cut_to_a_handful_and_nothing_else_is() -> None:
    sets = given()
    assert (both(sets.cut, 0), both(sets.cut, 1)) == (KEPT, 0)
    assert len(sets.whole) - len(sets.cut) == both(sets.whole, 0) + both(sets.whole, 1) - KEPT
    assert set(given(1).cut.names) != set(sets.cut.names)


def test_every_remedy_adds_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation_task, "ADDED", 40)
    sets = given()
    made = edited(sets, TASK, 0, PatchEditor(size=64))
    table = remedies(sets, TASK, {"edited": made})
    assert list(table) == ["cut", "oversampled", "edited", "whole"]
    assert {name: both(dataset, 0) for name, dataset in table.items()} == {
        "cut": KEPT, "oversampled": KEPT + 40, "edited": KEPT + 40, "whole": both(sets.whole, 0)
    }  # fmt: skip
    again = oversampled(sets, TASK).names[len(sets.cut) :]
    assert len(again) == 40 and len(set(again)) == KEPT


def test_renderings_are_of_the_edited_portraits() -> None:
    roll = Roll(3, 2, 1, 64, 5)
    dataset = gathered(roll)
    sets = Sets(dataset, dataset, dataset, lambda name: roll.scene(list(dataset.names).index(name)))
    line = {"source": dataset.names[3], "switched": {"Wearing_Hat": True}}
    made = Edited(np.zeros((1, 64, 64, 3), np.uint8), dataset.labels[[3]], np.array([3]), [line], 1)
    truth, scene = rendered(sets, made), counterfactual(roll.scene(3), Wearing_Hat=True)
    np.testing.assert_array_equal(truth.images[0], render(scene, 64))
    np.testing.assert_array_equal(truth.labels[0], labels(scene))


def test_rates_are_those_counted_one_by_one() -> None:
    draw = np.random.default_rng(0)
    decided, truth = draw.random((200, 2)) < 0.5, draw.integers(-1, 2, (200, 2))
    person = people(draw.integers(0, 40, 200))
    weights = person_weights(40, 5)
    found = rates(decided, truth, person, weights)
    for k in range(6):
        for column, (i, value) in enumerate(((0, 1), (0, 0), (1, 1), (1, 0))):
            right = all_of = 0.0
            for n in range(200):
                if truth[n, 1 - i] == 1 and truth[n, i] == value:
                    all_of += weights[k, person[n]]
                    right += weights[k, person[n]] * (decided[n, i] == bool(value))
            assert found[k, column] == pytest.approx(right / all_of)


@cache
def figures(level: float) -> Figures:
    spread = np.random.default_rng(0).normal(0, 0.01, (101, 4))
    spread[0] = 0
    return Figures(np.clip(level + spread, 0, 1), level)


def test_gains_are_over_the_cut_set_and_paired() -> None:
    task = Task("portraits", ("A", "B"))
    cut = [figures(0.6), figures(0.7)]
    table = [
        row(task, name, found, cut)
        for name, found in {
            "cut": cut,
            "oversampled": cut,
            "edited": [figures(0.8), figures(0.8)],
            "whole": cut,
        }.items()
    ]
    line = table[2]
    assert line["balanced_accuracy"] == pytest.approx(0.8) and line["gain"] == pytest.approx(0.15)
    assert line["gain_low"] == pytest.approx(0.15) and line["gain_high"] == pytest.approx(0.15)  # the spread is common
    assert line["gain_by_seed"] == pytest.approx([0.2, 0.1]) and line["interval"][0] < 0.8 < line["interval"][1]
    other = [with_gain(entry, 0.05) for entry in table]
    metrics = summary([*table, *other])
    assert metrics["portraits_gain"] == pytest.approx(0.1) and metrics["portraits_gain_of_oversampling"] == 0.025


def with_gain(entry: dict[str, object], gain: float) -> dict[str, object]:
    return {**entry, "combination": "C, D", "gain": gain}
