"""What an edit does, on patches of colour: every figure has been worked out by hand."""

import numpy as np
import pytest
import torch

from lineament.editing.evaluation import (
    collateral,
    leakage,
    leakage_matrix,
    readings,
    rebuilt,
    swap_success,
    swapped,
    switched,
)
from lineament.editing.operations import edit
from lineament.errors import UsageError
from tests.editing.patches import PATCH, Painter, PatchOracle, painted
from tests.editing.small_editor import small_editor

N = 300  # more than a batch
LABELS = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (N, 2)))
IMAGES = painted(LABELS)
IDENTITY = np.arange(N) // 3
SIGMOID = 1 / (1 + np.exp(-3))


def read(painter, labels=LABELS, oracle=None):
    return readings(oracle or PatchOracle(), IMAGES, switched(painter, IMAGES, labels), painter.attributes, labels)


def test_a_swap_puts_each_image_to_its_own_target_and_leaves_the_rest():
    target = torch.arange(N) % 2
    after = swapped(edit(IMAGES, Painter()), "B", target)
    patch = after[:, :, :PATCH, PATCH : 2 * PATCH]
    assert patch == pytest.approx(torch.where(target == 1, 0.8, 0.2)[:, None, None, None].expand_as(patch), abs=1e-6)
    after[:, :, :PATCH, PATCH : 2 * PATCH] = IMAGES[:, :, :PATCH, PATCH : 2 * PATCH]
    assert torch.allclose(after, IMAGES, atol=1e-6)


def test_success_is_told_by_direction():
    drawn = swap_success(read(Painter(deaf=("B",))), IDENTITY)
    assert drawn.shape == (1001, 2, 2)
    assert (drawn[:, 0] == 1).all()
    assert (drawn[:, 1] == 0).all()


def test_success_of_one_direction_only():
    class Timid(Painter):
        def usual(self, i, c):
            return super().usual(i, 0)

    drawn = swap_success(read(Timid()), IDENTITY)
    assert (drawn[0] == [[1, 0], [1, 0]]).all()


def test_success_by_the_oracles_own_thresholds():
    found = swap_success(read(Painter()), IDENTITY, thresholds=[0.5, 0.97, 0.5])[0]  # 0.95 is read where it is there
    assert (found == [[1, 1], [1, 0]]).all()


def test_leakage_has_the_attribute_edited_in_rows_and_the_one_read_in_columns():
    found = leakage(Painter(leak=0.1), PatchOracle(), IMAGES, LABELS)
    own = 2 * SIGMOID - 1
    logit = np.where(LABELS[:, 1] == 1, 3, -3)
    leaked = np.abs(1 / (1 + np.exp(-logit - 1)) - 1 / (1 + np.exp(-logit))).mean()
    assert found == pytest.approx(np.array([[own, leaked, 0], [0, own, 0]]), abs=1e-5)


def test_collateral_leaves_out_the_edited_attribute_alone():
    given = read(Painter(leak=0.1))
    drawn = collateral(given, IDENTITY)
    assert drawn.shape == (1001, 2)
    assert drawn[0] == pytest.approx([leakage_matrix(given)[0, 1:].mean(), 0], abs=1e-7)
    assert drawn[1:, 0].std() > 0


def test_what_is_not_known_is_left_out():
    labels = LABELS.clone()
    labels[::2, 0] = -1
    given = read(Painter(deaf=("A",)), labels)
    assert (given.target[::2, 0] == -1).all()
    assert np.isnan(given.after[::2, 0]).all()
    assert not np.isnan(given.after[:, 1]).any()
    drawn = swap_success(given, IDENTITY)[0]
    assert (drawn == [[0, 0], [1, 1]]).all()
    labels[:, 1] = -1
    assert np.isnan(swap_success(read(Painter(), labels), IDENTITY)[0, 1]).all()


def test_images_from_elsewhere_are_measured_by_the_same_functions():
    copies = readings(PatchOracle(), IMAGES, [IMAGES, IMAGES], ("A", "B"), LABELS)
    assert (swap_success(copies, IDENTITY) == 0).all()
    assert (leakage_matrix(copies) == 0).all()


def test_an_oracle_may_read_in_another_order():
    given = read(Painter(("B", "A")), oracle=PatchOracle(("B", "A", "C")))
    assert given.own == [0, 1]
    with pytest.raises(UsageError, match="unknown attribute 'Beard'.*did you mean 'Bird'"):
        readings(PatchOracle(("A", "Bird")), IMAGES, [], ("A", "Beard"), LABELS)
    crossed = readings(PatchOracle(("B", "A")), IMAGES, [IMAGES, IMAGES], ("A", "B"), LABELS)
    assert crossed.own == [1, 0]


def test_reconstructions_of_a_perfect_coder_are_the_images():
    assert torch.allclose(
        rebuilt(Painter(("A", "B", "C", "D")), painted(LABELS)[:5])[:, :, PATCH:], IMAGES[:5, :, PATCH:]
    )


def test_an_editor_is_measured_as_it_is_used():
    editor, images = small_editor(), torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rebuilt(editor, images), editor.decode(editor.encode(images)))
    first, second = switched(editor, images, torch.tensor([[1, 0], [0, 0], [1, -1]]))
    begun = edit(images, editor)
    assert torch.allclose(first[1], begun.swap("Eyeglasses").images[1], atol=1e-6)
    assert torch.allclose(first[::2], begun.swap("Eyeglasses", False).images[::2], atol=1e-6)
    assert torch.equal(second, begun.swap("Wearing_Hat").images)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: read(Painter(), LABELS[:, :1]), r"labels: .*\(300, 2\).*\(300, 1\)"),
        (lambda: read(Painter(), LABELS + 1), "labels: expected 1, 0 or -1"),
        (lambda: readings(PatchOracle(), IMAGES, [IMAGES], ("A", "B"), LABELS), "edited: expected 2 batches"),
        (lambda: swapped(edit(IMAGES, Painter()), "A", torch.ones(2)), "target: expected 1 or 0 for each"),
        (lambda: rebuilt(Painter(), IMAGES.byte()), "float32"),
        (lambda: collateral(read(Painter(("A",)), LABELS[:, :1], PatchOracle(("A",))), IDENTITY), "reads nothing but"),
    ],
)
def test_wrong_calls_are_refused(call, told):
    with pytest.raises(UsageError, match=told):
        call()
