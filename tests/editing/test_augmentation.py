"""Edits that can be foretold: which images are edited, what they look like then, and what is known of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.editing import augmentation
from lineament.editing.augmentation import augment
from lineament.errors import JobError, UsageError
from tests.editing.patch_editor import NAMES, PatchEditor, patches

BOTH = {"North_West": True, "North_East": True}


def quadrants(images: np.ndarray) -> np.ndarray:
    """The mean of each quadrant, ``(n, 4)``."""
    return images.reshape(len(images), 2, 8, 2, 8, 3).mean((2, 4, 5)).reshape(-1, 4)


@pytest.mark.parametrize("operation", ["swap", "sample", "borrow"])
def test_edits_show_the_combination_and_leave_the_rest(operation: str) -> None:
    dataset = patches()
    made = augment(dataset, PatchEditor(), BOTH, 30, operation=operation, seed=3)
    assert len(made) == 30 and made.images.shape == (30, 16, 16, 3) and made.images.dtype == np.uint8
    assert (quadrants(made.images)[:, :2] > 128).all()
    assert (made.labels[:, :2] == 1).all()
    before = np.stack([dataset.read(int(i)) for i in made.source])
    np.testing.assert_array_equal(made.images[:, 8:], before[:, 8:])
    np.testing.assert_array_equal(made.labels[:, 2:], dataset.labels[made.source, 2:])
    assert (dataset.split[made.source] == 0).all()
    for row, line in zip(made.source, made.provenance, strict=True):
        lacked = {name: True for name in BOTH if dataset.column(name)[row] == 0}
        assert line["source"] == dataset.names[row] and line["switched"] == lacked and line["operation"] == operation


def test_swap_is_the_mean_borrow_is_the_reference_and_draws_differ() -> None:
    dataset, editor = patches(), PatchEditor()
    swap, sample, borrow = (
        augment(dataset, editor, {"North_West": True}, 40, operation=operation)
        for operation in ("swap", "sample", "borrow")
    )
    np.testing.assert_allclose(quadrants(swap.images)[:, 0], 204, atol=1)
    assert np.std(quadrants(sample.images)[:, 0]) == pytest.approx(0.03 * 255, rel=0.4)
    lenders = [dataset.names.index(line["references"]["North_West"]) for line in borrow.provenance]
    lent = quadrants(np.stack([dataset.read(i) for i in lenders]))[:, 0]
    np.testing.assert_allclose(quadrants(borrow.images)[:, 0], lent, atol=1)
    assert (dataset.labels[lenders, 0] == 1).all() and (dataset.split[lenders] == 0).all()
    assert not swap.provenance[0]["references"]


def test_sources_are_edited_again_but_not_by_swap() -> None:
    dataset = patches(people=8)
    few = int(((dataset.column("North_West") == 0) & (dataset.split == 0)).sum())
    swap = augment(dataset, PatchEditor(), {"North_West": True}, 100, operation="swap")
    assert len(swap) == few == len(set(swap.source))
    sample = augment(dataset, PatchEditor(), {"North_West": True}, 3 * few)
    assert np.bincount(sample.source)[swap.source].tolist() == [3] * few
    assert len(np.unique(sample.images.reshape(3 * few, -1), axis=0)) > 2 * few and sample.tried == len(sample)


def test_every_load_of_edits_has_draws_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "AT_ONCE", 8)
    drawn = quadrants(augment(patches(), PatchEditor(), {"North_West": True}, 16).images)[:, 0]
    assert np.abs(drawn[:8] - drawn[8:]).max() > 2


def test_the_seed_decides_everything() -> None:
    first, again, other = (augment(patches(), PatchEditor(), BOTH, 20, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.images, again.images)
    assert first.provenance == again.provenance
    assert first.source.tolist() != other.source.tolist()


def test_two_attributes_of_one_image_are_drawn_independently() -> None:
    dataset = patches(people=200)
    dataset = dataset.subset((dataset.labels[:, :2] == 0).all(1))
    first, second = quadrants(augment(dataset, PatchEditor(), BOTH, 80).images)[:, :2].T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.35


def test_what_the_edit_moved_is_not_known_any_more() -> None:
    dataset = patches()
    made = augment(dataset, PatchEditor(leaks={"North_West": "South_West"}), {"North_West": True}, 40)
    dark = dataset.column("South_West")[made.source] == 0
    assert (made.labels[dark, 2] == -1).all() and (made.labels[~dark, 2] == 1).all() and dark.any()
    assert [line["unknown"] == ["South_West"] for line in made.provenance] == dark.tolist()
    np.testing.assert_array_equal(made.labels[:, [1, 3]], dataset.labels[made.source][:, [1, 3]])


def test_edits_that_do_not_take_are_left_out() -> None:
    dataset = patches()
    made = augment(dataset, PatchEditor(stuck="South_East"), {"North_West": True}, 40)
    assert (dataset.column("South_East")[made.source] == 0).all() and made.tried > len(made) > 20
    assert len(made.images) == len(made.labels) == len(made.provenance) == len(made)
    assert (quadrants(made.images)[:, 0] > 128).all()
    always = dataset.subset(dataset.column("South_East") == 1)
    with pytest.raises(
        JobError, match="patches: of 20 edited images, the editor finds North_West in none that lacked it"
    ):
        augment(always, PatchEditor(stuck="South_East"), {"North_West": True}, 10)


def test_images_that_show_it_already_whatever_their_label_says_are_left_out() -> None:
    dataset = patches()
    wrong = np.arange(len(dataset)) % 3 == 0
    labels = dataset.labels.copy()
    labels[wrong, 0] = 1 - labels[wrong, 0]
    made = augment(replace(dataset, labels=labels), PatchEditor(), {"North_West": True}, 40)
    assert (dataset.column("North_West")[made.source] == 0).all() and made.tried > len(made)


def test_images_come_to_the_editors_size_and_keep_what_it_does_not_know() -> None:
    dataset = patches(size=32)
    editor = PatchEditor(NAMES[:1], size=16)
    made = augment(dataset, editor, BOTH, 10)
    assert made.images.shape == (10, 16, 16, 3)
    assert (dataset.column("North_East")[made.source] == 1).all()  # it cannot draw that


def test_nothing_is_trained_or_changed() -> None:
    dataset = patches()
    labels, state = dataset.labels.copy(), torch.get_rng_state()
    augment(dataset, PatchEditor(leaks={"North_West": "South_West"}), BOTH, 10)
    np.testing.assert_array_equal(dataset.labels, labels)
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_calls_are_refused() -> None:
    dataset, editor = patches(), PatchEditor()
    for change, message in (
        ({"operation": "mix"}, "operation: expected swap, sample, borrow, got 'mix'"),
        ({"count": 0}, "count: expected 1 to 1,600,000 images of 16 x 16 pixels, got 0"),
        ({"count": 10**12}, "count: expected 1 to 1,600,000 images of 16 x 16 pixels, got 1000000000000"),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
        ({"dataset": dataset.subset([])}, "no training image lacks any of"),
        ({"scale": 0.0}, "scale: expected more than 0"),
    ):
        with pytest.raises(UsageError, match=message):
            augment(**{"dataset": dataset, "editor": editor, "combination": BOTH, "count": 5} | change)
    nobody = replace(dataset, labels=np.where(dataset.labels == 1, -1, dataset.labels))
    with pytest.raises(UsageError, match="no training image has North_West, so none can lend it"):
        augment(nobody, editor, {"North_West": True}, 5, operation="borrow")
