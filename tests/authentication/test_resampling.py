"""The bootstrap over people, against repeating people literally."""

import numpy as np
import pytest

from lineament.authentication import resampling
from lineament.authentication.resampling import Draws
from lineament.detectors.evaluation import person_weights
from lineament.errors import UsageError


def crowd(seed, levels=9, people=6):
    """Scores with ties, people with unequal numbers of references and probes, and a few pairs not compared."""
    draw = np.random.default_rng(seed)
    references, probes = draw.integers(0, people, 9), draw.integers(0, people, 14)
    references[:2], probes[:2] = [0, 1], [0, 1]
    scores = draw.integers(0, levels, (9, 14)) + 3.0 * (references[:, None] == probes)
    scores[draw.random(scores.shape) < 0.1] = np.nan
    scores[[0, 1], [0, 1]] = 2.0
    return scores, references, probes


def literally(scores, references, probes, weight):
    """Every operating point (threshold, FMR, FNMR) of lists in which a comparison stands as often as it counts."""
    genuine, impostor = [], []
    count = dict(zip(np.unique(np.concatenate([references, probes])).tolist(), weight, strict=True))
    for i, one in enumerate(references.tolist()):
        for j, other in enumerate(probes.tolist()):
            if not np.isnan(scores[i, j]):
                times = count[one] if one == other else count[one] * count[other]
                (genuine if one == other else impostor).extend([scores[i, j]] * int(times))
    for cut in [*sorted(set(scores[~np.isnan(scores)].tolist())), np.inf]:
        accepted, refused = sum(s >= cut for s in impostor), sum(s < cut for s in genuine)
        yield cut, accepted / max(len(impostor), 1), refused / max(len(genuine), 1)


@pytest.mark.parametrize("knots", [1, 3, 128])
@pytest.mark.parametrize("seed", range(6))
def test_every_draw_agrees_with_repeating_people_literally(monkeypatch, knots, seed):
    monkeypatch.setattr(resampling, "KNOTS", knots)
    monkeypatch.setattr(resampling, "BLOCK", 40)
    scores, references, probes = crowd(seed)
    draws = Draws(scores, references, probes, resamples=8, seed=seed)
    weights = person_weights(len(np.unique(np.concatenate([references, probes]))), 8, seed)
    for wanted in (lambda fmr, fnmr: fnmr >= fmr, lambda fmr, fnmr: fmr <= 0.2):
        found = draws.first(wanted)
        for r, weight in enumerate(weights):
            points = list(literally(scores, references, probes, weight))
            if np.isnan(found.fmr[r]):  # the draw has nobody on one side
                assert len({fmr for _, fmr, _ in points}) == 1 or len({fnmr for *_, fnmr in points}) == 1
                continue
            k = next(k for k, (_, fmr, fnmr) in enumerate(points) if wanted(fmr, fnmr))
            (_, *before), (cut, *at) = points[k - 1], points[k]
            np.testing.assert_allclose([found.fmr_before[r], found.fnmr_before[r]], before)
            np.testing.assert_allclose([found.fmr[r], found.fnmr[r]], at)
            assert found.cut[r] == cut


def test_rates_of_decisions_agree_with_the_operating_point_that_makes_them():
    scores, references, probes = crowd(1)
    draws = Draws(scores, references, probes, resamples=8, seed=1)
    fmr, fnmr = draws.at(scores >= 5)
    for r, weight in enumerate(person_weights(draws.weights.shape[1] - 1, 8, 1)):
        expected = next(point for point in literally(scores, references, probes, weight) if point[0] >= 5)
        np.testing.assert_allclose([fmr[r], fnmr[r]], expected[1:])


def test_one_sided_comparisons_are_refused_in_words():
    with pytest.raises(UsageError, match="got 1 and 0"):
        Draws(np.ones((1, 1)), np.array([3]), np.array([3]), resamples=1, seed=0)
