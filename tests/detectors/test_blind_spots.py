import numpy as np
import pytest

from lineament.detectors.blind_spots import SECTION, _findings, accuracy_losses, pick_pairs
from lineament.subject import Subject
from tests.toy_subject import Thumbnails, squares


def planted(seed=0, n=800):
    """Attribute 0 is answered at random where attribute 1 is present; 2 is unrelated; all else is right."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, (n, 3)).astype(np.int8)
    correct = np.ones((n, 3), dtype=bool)
    hidden = labels[:, 1] == 1
    correct[hidden, 0] = draw.random(hidden.sum()) < 0.5
    return correct, labels, draw.integers(0, 80, n)


def test_a_planted_blind_spot_is_found_first_and_measured():
    correct, labels, identity = planted()
    pairs = pick_pairs(correct, labels)
    assert tuple(pairs[0]) == (0, 1)
    loss = accuracy_losses(correct, labels, identity, pairs[:1], resamples=200)[0]
    assert loss[1] < 0.5 < loss[2] and loss[2] - loss[1] < 0.2


def test_loss_is_the_difference_of_balanced_accuracies():
    correct, labels, identity = planted(1, 200)
    labels[:20] = -1

    def balanced(slice_):
        inside = labels[:, 1] == slice_
        return np.mean([correct[inside & (labels[:, 0] == answer), 0].mean() for answer in (0, 1)])

    loss = accuracy_losses(correct, labels, identity, np.array([[0, 1]]), resamples=0)[0]
    assert loss[0] == pytest.approx(balanced(0) - balanced(1)) and np.isnan(loss[1:]).all()


def test_an_attribute_that_is_merely_commoner_in_a_slice_is_no_blind_spot():
    draw = np.random.default_rng(2)
    slicing = draw.integers(0, 2, 4000)
    labels = np.stack([draw.random(4000) < np.where(slicing, 0.5, 0.03), slicing], 1).astype(np.int8)
    correct = np.ones((4000, 2), dtype=bool)
    correct[:, 0] = draw.random(4000) < np.where(labels[:, 0] == 1, 0.6, 0.95)  # finds 60%, clears 95%, everywhere
    plain = correct[slicing == 0, 0].mean() - correct[slicing == 1, 0].mean()
    loss = accuracy_losses(correct, labels, np.arange(4000), np.array([[0, 1]]), resamples=200)[0]
    assert plain > 0.1 and loss[1] < 0 < loss[2]


def test_pairs_with_too_few_images_are_not_looked_at():
    correct, labels, _ = planted()
    labels[labels[:, 1] == 1, 2] = 0  # attributes 1 and 2 never occur together
    pairs = {tuple(pair) for pair in pick_pairs(correct, labels).tolist()}
    assert (1, 2) not in pairs and (2, 1) not in pairs
    assert pick_pairs(correct[:20], labels[:20]).shape == (0, 2)
    assert accuracy_losses(correct, labels, np.arange(800), np.zeros((0, 2), int)).shape == (0, 3)


def test_a_dozen_tests_rarely_find_a_blind_spot_where_there_is_none():
    pairs, headlines = np.stack([np.arange(12), np.arange(12, 24)], 1), {0.95: 0, 1 - 0.05 / 12: 0}
    for seed in range(40):
        draw = np.random.default_rng(seed)
        labels = draw.integers(0, 2, (400, 24)).astype(np.int8)
        correct = draw.random((400, 24)) < 0.8  # no attribute hides another
        for level in headlines:
            losses = accuracy_losses(correct, labels, np.arange(400), pairs, resamples=400, level=level)
            headlines[level] += bool((losses[:, 1] > 0).any())
    alone, together = headlines.values()
    assert alone >= 6 and together <= 3


def test_the_section_widens_its_intervals_for_the_number_of_pairs():
    dataset = squares()
    subject = Subject(dataset, Thumbnails(dataset), quick=True)
    rows = SECTION.run(subject, lambda share: None).data["blind_spots"]
    test = subject.readings("test")
    pairs = np.array([[subject.attributes.index(row[key]) for key in ("attribute", "with")] for row in rows])
    correct = (test.probabilities >= subject.thresholds) == (test.labels == 1)
    expected = accuracy_losses(
        correct, test.labels, test.dataset.identity, pairs, resamples=200, level=1 - 0.05 / len(pairs)
    )
    assert len(pairs) > 1
    np.testing.assert_allclose([row["balanced_accuracy_lost"] for row in rows], expected)


def test_no_pair_to_test_is_not_taken_for_no_blind_spot():
    (finding,) = _findings(("A",), np.zeros((0, 2), int), np.zeros((0, 3)))
    assert finding.number == "Untested" and "enough images" in finding.text
