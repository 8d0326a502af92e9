import numpy as np
import pytest

from lineament.authentication import refusals
from lineament.authentication.refusals import share_true
from lineament.authentication.section import best_similarity, log_odds, spread
from lineament.authentication.verification import single_eer, standardise
from lineament.detectors.evaluation import person_weights
from tests.toy_subject import subject


def test_spread_agrees_with_the_literal_definition():
    draw = np.random.default_rng(0)
    identity = draw.integers(-1, 12, 60)
    identity[0] = 99  # one image only
    vectors = draw.normal(size=(60, 4)) + identity[:, None]
    groups = [vectors[identity == i] for i in np.unique(identity) if i >= 0 and (identity == i).sum() > 1]
    squares = sum(((own - own.mean(0)) ** 2).sum(0) for own in groups)
    within, between = spread(vectors, identity)
    np.testing.assert_allclose(within, np.sqrt(squares / sum(len(own) - 1 for own in groups)))
    np.testing.assert_allclose(between, np.std([own.mean(0) for own in groups], axis=0))


@pytest.mark.parametrize("identity", [[-1, -1, -1], [1, 2, 3]])
def test_spread_is_nan_where_nobody_has_two_images(identity):
    assert np.isnan(spread(np.zeros((3, 2)), np.array(identity))).all()


def test_the_threshold_of_refusals_comes_from_the_development_people():
    toy = subject()
    development, test = toy.readings("development"), toy.readings("test")
    kind = best_similarity(development)
    tuning, singles = (
        single_eer(
            standardise(log_odds(part), log_odds(development)), part.dataset.identity, part.dataset.names, kind=kind,
            resamples=0,
        )
        for part in (development, test)
    )  # fmt: skip
    cuts = np.unique(tuning.scores)
    cut = next(c for c in cuts if (tuning.genuine < c).mean() >= (tuning.impostor >= c).mean())
    strangers = singles.references[:, None] != singles.probes
    found = set(zip(*refusals._refused(development, test), strict=True))
    assert found == set(zip(*np.nonzero(strangers & (singles.scores < cut)), strict=True)) and found


def test_the_share_of_true_reasons_draws_people_on_both_sides():
    draw = np.random.default_rng(0)
    enrolled, strangers = draw.choice([3, 5, 7, 8, 11, 20], (2, 300))
    true = draw.random(300) < np.where(enrolled == 3, 0.2, 0.9)
    shares = []
    for weights in person_weights(6, 100, 0):
        count = dict(zip([3, 5, 7, 8, 11, 20], weights, strict=True))
        both = np.array([count[a] * count[b] for a, b in zip(enrolled, strangers, strict=True)])
        shares.append((both * true).sum() / both.sum())
    found = share_true(true, enrolled, strangers, resamples=100)
    np.testing.assert_allclose(found, [true.mean(), *np.quantile(shares[1:], [0.025, 0.975])])
    assert np.isnan(share_true(true[:0], enrolled[:0], strangers[:0])).all()


def test_only_reasons_true_beyond_chance_are_a_strength():
    (doubtful,) = refusals._findings(np.array([0.93, 0.88, 0.97]), 20_000, 12, sampled=True)
    (firm,) = refusals._findings(np.array([0.93, 0.9, 0.97]), 500, 12, sampled=False)
    assert (doubtful.kind, firm.kind) == ("weak flank", "strength")
    assert "20,000 comparisons of 12 people (a sample) where both labels are known" in doubtful.text
    assert "88.0% to 97.0%" in doubtful.text and "sample" not in firm.text
    assert refusals._findings(np.full(3, np.nan), 0, 12, sampled=False) == []


def test_a_sample_of_the_comparisons_is_called_one(monkeypatch):
    toy = subject()
    whole = refusals.run(toy, lambda share: None)
    assert "sample" not in "".join(whole.blocks) + whole.findings[0].text
    monkeypatch.setattr(refusals, "PAIRS", 50)
    capped = refusals.run(toy, lambda share: None)
    assert "(a sample of 50)" in "".join(capped.blocks) and "(a sample)" in capped.findings[0].text


def test_it_says_which_picture_is_which_and_bars_only_what_the_detector_has():
    text = "".join(refusals.run(subject(), lambda share: None).blocks)
    assert "enrolled is on the left" in text and "Never given: Smiling." in text
