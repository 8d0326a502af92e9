"""What is edited for the page and how the detector's answers are counted, on squares whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.editing.operations import edit
from lineament.editing.section_edits import Material, measured, share
from lineament.subject import Subject
from tests.editing.square_painter import Painter
from tests.toy_subject import ATTRIBUTES, Thumbnails, squares


@pytest.fixture(scope="module")
def material() -> Material:
    dataset = squares()
    subject = Subject(dataset, Thumbnails(dataset))
    return Material(subject, subject.readings("test"), Painter())


@pytest.mark.parametrize("name", [ATTRIBUTES[0], ATTRIBUTES[3]])  # the detector often errs about the last one
def test_only_images_read_rightly_are_edited_one_of_a_person(material, name):
    for present in (False, True):
        rows, j = material.rows(name, present, 99), material.column(name)
        assert (material.test.labels[rows, j] == present).all()
        assert ((material.test.probabilities[rows, j] >= 0.5) == present).all()
        assert len(np.unique(material.test.dataset.identity[rows])) == len(rows) > 5
        np.testing.assert_array_equal(material.rows(name, present, 3), rows[:3])


def test_an_edit_that_does_nothing_changes_no_answer(material):
    rows = np.arange(9)
    squares_of = material.images(rows)
    answers = material.answers(squares_of, edit(squares_of, material.editor).images, rows)
    np.testing.assert_allclose(answers, material.test.probabilities[rows], atol=1e-6)


def test_images_are_cut_and_scaled_for_the_editor_and_set_back_whole(material):
    """Squares with a margin above and below: an edit must not touch the margin, and doing nothing must do nothing."""
    seen = []

    class Looking(Thumbnails):
        def probabilities(self, images, eyes=None):
            seen.append(images)
            return super().probabilities(images[:, :, 6:-6], eyes)

    plain = squares()
    tall = replace(plain, read=lambda i: np.pad(plain.read(i), ((6, 6), (0, 0), (0, 0)), constant_values=7))
    subject = Subject(tall, Looking(plain))
    small = Material(subject, subject.readings("test"), Painter(size=12))
    rows = small.rows("Smiling", False, 5)
    found = measured(small, "Smiling", 20)
    assert found["put_on"][0] > 0.8 and small.images(rows).shape == (5, 3, 12, 12)
    taken = small.images(rows)
    small.answers(taken, taken, rows)
    torch.testing.assert_close(seen[-1], small.test.dataset.images(rows), rtol=0, atol=1e-6)
    small.answers(taken, edit(taken, small.editor).swap("Smiling").images, rows)
    changed = (seen[-1] - small.test.dataset.images(rows)).abs().amax(1)
    assert changed[:, :6].max() == changed[:, -6:].max() == 0 and changed[:, 21:27, 3:9].min() > 0.2


def test_figures_agree_with_their_definition(material):
    """The definitions once more, image by image."""
    found, j = measured(material, "Smiling", 6), material.column("Smiling")
    moved, hits = [], {}
    for key, present in (("put_on", True), ("taken_off", False)):
        hits[key] = []
        for i in material.rows("Smiling", not present, 6):
            square = material.images(np.array([i]))
            after = material.answers(
                square, edit(square, material.editor).swap("Smiling", present).images, np.array([i])
            )[0]
            hits[key].append((after[j] >= 0.5) == present)
            moved.append(abs(after - material.test.probabilities[i]))
        assert found[key][0] == pytest.approx(np.mean(hits[key]))
    mean = np.mean(moved, 0)
    assert list(found["moved"].values()) == pytest.approx(mean.tolist(), abs=1e-6)
    low, high = found["collateral"][1:]
    assert found["collateral"][0] == pytest.approx(np.delete(mean, j).mean(), abs=1e-6) and low < high
    assert found["images"] == 12


def test_a_share_has_an_interval_unless_there_is_nothing():
    assert share([]) == [None, None, None]
    found, low, high = share(np.array([True, True, False, False]))
    assert found == 0.5 and low == pytest.approx(0.150, abs=1e-3) and high == pytest.approx(0.850, abs=1e-3)
