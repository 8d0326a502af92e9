"""What the benchmark of reasons counts, on outcomes made up for it."""

import numpy as np
import pytest

from benchmarks.intervals import bounded
from benchmarks.reasons import ATTRIBUTES, changes, is_changed, outcome
from lineament.datasets.portraits import counterfactual, sample_scene


@pytest.mark.parametrize("on", [True, False])
def test_attributes_are_removed_as_well_as_added(on):
    scenes = [sample_scene(5, person, 0, 0) for person in range(40)]
    steady = [scene for scene in scenes if ("Eyeglasses" in scene.present) == on]
    assert steady and "Eyeglasses" in ATTRIBUTES
    assert all(is_changed(counterfactual(scene, Eyeglasses=not on), "Eyeglasses", on) for scene in steady)
    assert not any(is_changed(scene, "Eyeglasses", on) for scene in steady)


def test_additions_and_removals_are_told_apart():
    worn = {"owner": [0, 0, 1, 1], "added": [1, 0, 1, 0], "true": [1, 0, 1, np.nan], "asked": [1, 1, 1, 0],
            "refused": [1, 1, 0, 0]}  # fmt: skip
    found = changes({key: np.array(values, dtype=float) for key, values in worn.items()}, 2)
    assert found["owner_changed_added_first_reason_correct"][0][0] == 1
    assert found["owner_changed_removed_first_reason_correct"][0][0] == 0
    assert found["owner_changed_first_reason_correct"][0][0] == pytest.approx(2 / 3)
    assert [found[f"owner_changed{which}_refused"][1] for which in ("", "_added", "_removed")] == [4, 2, 2]


def test_an_owner_who_is_never_let_in_is_no_owner_without_false_locks():
    never = outcome(["locked"] * 5)
    assert np.isnan(never["false_locks"]) and np.isnan(never["locks"]) and never["never_unlocked"] == 1
    twice = outcome(["locked", "unlocked", "locked", "unlocked", "locked", "unlocked"])
    assert (twice["false_locks"], twice["locks"], twice["never_unlocked"], twice["ends_locked"]) == (1, 2, 0, 0)
    assert outcome(["locked", "unlocked"])["locks"] == 0


def test_no_event_among_few_people_is_no_proof_of_none():
    assert bounded([0.0, 0.0, 0.0], 5) == [0, 0, pytest.approx(1 - 0.05**0.2)]
    assert bounded([0.0, 0.0, 0.0], 300)[2] == pytest.approx(3 / 300, rel=0.01)
    assert bounded([0.0, 0.0, 0.0], 300, counts=True)[2] == pytest.approx(3 / 300, rel=0.01)
    assert bounded([1.0, 1.0, 1.0], 5) == [1, pytest.approx(0.05**0.2), 1]
    assert bounded([0.1, 0.0, 0.2], 5) == [0.1, 0.0, 0.2]
    assert np.isnan(bounded([float("nan")] * 3, 0)).all()
