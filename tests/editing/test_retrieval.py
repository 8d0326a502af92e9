"""Borrowed styles beside numpy's correlation, a search in loops, and readers whose worth is known."""

import numpy as np
import pytest
import torch

from lineament.editing.retrieval import by_kind, reading_error, retrieved, style_correlation
from lineament.errors import UsageError

N = 96
STYLES = torch.from_numpy(np.random.default_rng(0).normal(size=(N, 3)))
IDENTITY = np.arange(N) // 4
EXACT = torch.full((3,), 1e-3)


def noise(strength, seed=1):
    return strength * torch.from_numpy(np.random.default_rng(seed).normal(size=(N, 3)))


def test_correlation_is_numpys_in_the_figure_and_in_the_draws():
    read = STYLES @ torch.tensor([[1.0, 0.5, 0], [0, -1, 0], [0, 0, 0.01]]).double() + noise(0.3) + 50
    drawn = style_correlation(read, STYLES, IDENTITY)
    assert drawn[0] == pytest.approx([np.corrcoef(read[:, k], STYLES[:, k])[0, 1] for k in range(3)])
    two = style_correlation(read[:8], STYLES[:8], IDENTITY[:8])
    each = [np.corrcoef(read[rows, 0], STYLES[rows, 0])[0, 1] for rows in (slice(8), slice(4), slice(4, 8))]
    assert {round(x, 6) for x in two[:, 0]} == {round(x, 6) for x in each}


def test_a_column_that_is_constant_has_no_correlation():
    read, true = noise(1.0), STYLES.clone()
    read[:, 0], true[:, 1] = 0.1, 1 / 3
    drawn = style_correlation(read, true, IDENTITY)
    assert np.isnan(drawn[:, :2]).all()
    assert np.isfinite(drawn[:, 2]).all()


def test_kinds_are_averaged_apart_and_without_what_is_not_defined():
    drawn = np.array([[0.9, 0.7, np.nan, 0.5], [1.0, 0.6, np.nan, 0.1]])
    found = by_kind(drawn, ["color", "shape", "color", "shape"])
    assert found["color"] == pytest.approx([0.9, 1.0])
    assert found["shape"] == pytest.approx([0.6, 0.35])


def test_retrieval_finds_what_is_read_rightly_and_guesses_from_a_class_mean():
    assert (retrieved(STYLES, STYLES, IDENTITY, error=EXACT) == 1).all()
    mean = STYLES.mean(0).expand_as(STYLES)
    assert retrieved(mean, STYLES, IDENTITY, error=EXACT)[0] <= 3 / 32
    other = retrieved(STYLES.roll(7, 0), STYLES, IDENTITY, error=EXACT)[0]
    assert other < 0.1
    values = [retrieved(STYLES + noise(s), STYLES, IDENTITY, error=EXACT)[0] for s in (0, 0.3, 1, 3)]
    assert values == sorted(values, reverse=True)


def test_retrieval_is_the_search_in_loops():
    read, error = STYLES + noise(0.7), torch.tensor([0.5, 1.0, 2.0]).double()
    ring = torch.randperm(N, generator=torch.Generator().manual_seed(3)).tolist()
    hits = np.zeros(N)
    for place, i in enumerate(ring):
        rivals = [ring[(place + step) % N] for step in range(8)]
        likelihood = {j: -float((((read[i] - STYLES[j]) / error) ** 2).sum()) for j in rivals}
        hits[i] = max(likelihood, key=likelihood.get) == i
    assert 0.1 < hits.mean() < 0.9
    assert retrieved(read, STYLES, IDENTITY, error=error, candidates=8, seed=3)[0] == hits.mean()


def test_a_reference_of_the_very_same_style_is_as_good():
    same = STYLES[:2].repeat(N // 2, 1)
    assert (retrieved(same + noise(1e-3), same, IDENTITY, error=EXACT) == 1).all()


def test_a_column_that_the_reader_cannot_read_does_not_decide():
    read = STYLES.clone()
    read[:, 2] = noise(1.0)[:, 2]
    error = reading_error(read, STYLES)
    assert error[:2].tolist() == [0, 0]
    assert float(error[2]) == pytest.approx(1.4, abs=0.3)
    assert retrieved(read, STYLES, IDENTITY, error=error)[0] > 0.9
    assert retrieved(read, STYLES, IDENTITY, error=torch.ones(3).double())[0] < 0.7


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: retrieved(STYLES, STYLES, IDENTITY, error=EXACT, candidates=N + 1), "candidates: expected 2 to 96"),
        (lambda: reading_error(STYLES[:0], STYLES[:0]), "read, true"),
        (lambda: style_correlation(STYLES / 0, STYLES, IDENTITY), "finite"),
    ],
)
def test_wrong_calls_are_refused(call, told):
    with pytest.raises(UsageError, match=told):
        call()
