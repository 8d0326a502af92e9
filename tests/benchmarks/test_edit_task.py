"""The benchmarks of editing: truth beside edits, figures that tell copies from edits, plans that differ in one term."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from benchmarks import edit_ablations, edit_portraits
from benchmarks.edit_figures import Method, figures, of_truth, setting
from benchmarks.edit_renderings import PEOPLE, loan, part, truly_absent, truly_borrowed, truly_drawn, truly_switched
from benchmarks.edit_task import ABLATIONS, SMALL, Held, Plan, mean, recipe, rows, swap_figures
from lineament.datasets.labelled import floats
from lineament.editing.oracle import train_oracle
from lineament.editing.presets import PRESETS
from lineament.editing.styles import STYLED, beside, person_matrix

HAT, EARRINGS = STYLED.index("Wearing_Hat"), STYLED.index("Wearing_Earrings")


@pytest.fixture(scope="module")
def judge():
    known = part("oracle", True, 0)
    styles = beside(known.styles(*STYLED), person_matrix(known.data, np.arange(len(known.data))))
    return train_oracle(known.images, known.labels, STYLED, styles, epochs=15, width=8)


@pytest.fixture(scope="module")
def given(judge):
    return setting(judge, True, 0)


def test_people_of_the_parts_are_strangers_and_test_pictures_are_sharp():
    assert len({first for first, _, _ in PEOPLE.values()}) == len(PEOPLE)
    test = part("test", True, 0)
    assert not test.data.column("Blurry").any()
    assert (test.data.read(3) == test.images[3].permute(1, 2, 0).numpy()).all()
    assert [name in test.scenes[3].present for name in STYLED] == (test.labels[3] == 1).tolist()


def test_references_have_the_attribute_and_the_truth_looks_like_them():
    test = part("test", True, 0)
    lent = loan(HAT, len(test.scenes), True, 0)
    assert all("Wearing_Hat" in scene.present for scene in lent.scenes) and lent.styles.values.isfinite().all()
    images, hats = floats(test.images), truly_borrowed(test.scenes[:6], HAT, lent.scenes[:6])
    bare, switched = truly_absent(test.scenes[:6], HAT), truly_switched(test.scenes[:6], HAT)
    for k, scene in enumerate(test.scenes[:6]):
        assert torch.equal(images[k], bare[k]) == ("Wearing_Hat" not in scene.present)
        assert not torch.equal(switched[k], images[k])
        changed = ((hats[k] - bare[k]).abs() > 5 / 255).any(0)
        assert changed[:32].float().mean() > 0.05 and changed[40:].float().mean() < 0.02


def test_draws_of_the_truth_differ_where_the_attribute_is():
    draws = truly_drawn(part("test", True, 0).scenes[:2], EARRINGS, 3, 0)
    spread = draws.std(1).amax((1,))
    assert draws.shape == (2, 3, 3, 64, 64) and spread.amax((1, 2)).min() > 0.05
    assert (spread > 0.02).float().mean() < 0.1
    again = truly_drawn(part("test", True, 0).scenes[:2], EARRINGS, 3, 1)
    assert not torch.equal(draws, again)


def test_truth_is_as_diverse_as_itself_and_a_copy_changes_nothing(given):
    truth, distances, leakage = figures(of_truth(given), given)
    assert leakage.shape == (8, 8) and distances.keys() >= {"kid", "fid_floor"}
    assert 0.6 < mean(truth["diversity_ratio"])[0] < 1.5
    assert truth["outside"][0].max() < 1 / 255
    images = given.held.images
    copy, _, still = figures(Method(lambda i: images, lambda i: images), given)
    assert not still.any() and (copy["identity_kept"][0] == 1).all() and not copy["outside"][0].any()
    for figure in ("swap_success", "borrow_color"):
        assert truth[figure][0, HAT] > copy[figure][0, HAT] + 0.3
    assert "diversity_ratio" not in copy


class Shy:
    """Reads the brightness of a picture's upper half as its one attribute, and never is sure."""

    attributes = ("bright", "other")

    def __call__(self, images):
        read = torch.logit(images[:, :, :8].mean((1, 2, 3)) * 0.4)
        return torch.stack([read, torch.zeros_like(read)], 1)


def test_a_judge_decides_at_its_own_threshold():
    images = torch.full((4, 3, 16, 16), 0.1)
    held = Held(images, torch.zeros(4, 1, dtype=torch.int8), np.arange(4), ("bright",))
    seen = []
    for threshold, share in ((0.5, 0.0), ([0.2, 0.5], 1.0)):
        found, leakage = swap_figures(
            held, Shy(), [images * 9], note=lambda i, batch: seen.append(i), thresholds=threshold
        )
        assert found["added"][0, 0] == share and np.isnan(found["removed"][0, 0])
        assert leakage[0] == pytest.approx([0.32, 0], abs=1e-6)
    assert seen == [0, 0]


def test_rows_hold_attributes_their_mean_and_what_there_is_no_room_for():
    drawn = np.array([[0.5, np.nan, 1.0], [0.4, np.nan, 0.8]])
    table = rows("ours", "abc", {"swap_success": drawn, "reconstruction_l1": drawn[:, 0], "outside": drawn}, fid=2.0)
    assert [row["swap_success"] for row in table] == [0.5, None, 1.0, 0.75]
    assert [row["reconstruction_l1"] for row in table] == [None, None, None, 0.5]
    assert table[0]["more"] == {"outside": 0.5} and table[3]["more"] == {"outside": 0.75, "fid": 2.0}
    assert table[3]["intervals"]["swap_success"] == pytest.approx([0.6, 0.6])
    assert not {"fid", "outside"} & set(table[3])


def test_an_ablation_differs_in_its_term_alone():
    whole = asdict(recipe(Plan("portraits", "ablations/all"))[1])
    assert whole == asdict(PRESETS["lineament"]) | SMALL
    for name, change in ABLATIONS.items():
        found = asdict(recipe(Plan("portraits", f"ablations/{name}"))[1])
        assert {key for key in found if found[key] != whole[key]} == set(change), name
    assert recipe(Plan("portraits", "lineament"))[1] == PRESETS["lineament"]
    assert recipe(Plan("celeba", "lineament"))[1] == PRESETS["photos"]
    assert recipe(Plan("portraits", "hisd"))[0] is not recipe(Plan("portraits", "fader"))[0]


def test_unknown_runs_are_refused_before_any_work():
    with pytest.raises(SystemExit, match="unknown run 'nobody'; known: oracle, lineament"):
        edit_portraits.measure(quick=True, seed=0, train="nobody")
    with pytest.raises(SystemExit, match="unknown run 'no-body'; known: all, no-mask"):
        edit_ablations.measure(quick=True, seed=0, train="no-body")
