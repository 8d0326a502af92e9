"""One trial by one method, against the same computed fold by fold and pair by pair."""

import numpy as np
import pytest

from lineament.authentication.comparison import WANTED, Comparison
from lineament.authentication.methods import Method, Part, Reader
from lineament.authentication.protocols import Rule
from lineament.authentication.rates import measure
from lineament.authentication.trials import folds, templates
from lineament.authentication.verification import error_rates, set_eer, standardise
from tests.authentication.test_trials import dataset


def reader(name, similarity="inner_product"):
    return Reader(name, (1, 1), lambda images, eyes: np.zeros((0, 3)), np.exp, similarity)


@pytest.fixture(scope="module")
def compared():
    draw = np.random.default_rng(0)
    identity = np.repeat(np.arange(12), 4)
    data = dataset(identity.tolist())
    readings = {
        name: (draw.normal(size=(12, 5))[identity] + noise * draw.normal(size=(48, 5))) * [1, 2, 3, 1, 9] + 4
        for name, noise in (("good", 0.3), ("poor", 1.5))
    }
    return data, Comparison(
        identity, readings, templates(data, Rule("person", half=1)), templates(data, Rule("image")), list(folds(data))
    )


def single(treatment, name="good"):
    return Method(name, (Part(reader(name), treatment),))


def means(data, values, template):
    return np.array([values[np.flatnonzero(row)].mean(0) for row in template.share.toarray()])


def test_published_similarities_are_inner_products_of_mean_probabilities(compared):
    data, trial = compared
    (matrix,) = trial.matrices(single("published"))
    gallery, probe = (means(data, np.exp(trial.readings["good"]), side) for side in (trial.gallery, trial.probe))
    expected = gallery @ probe.T
    known = ~np.isnan(matrix.scores)
    np.testing.assert_allclose(matrix.scores[known], expected[known])
    half = trial.gallery.share.toarray() > 0  # probes that also enrolled, and no others, are not compared
    np.testing.assert_array_equal(~known, half @ (trial.probe.share.toarray() > 0).T)


def test_standardised_scores_come_from_people_other_than_both(compared):
    data, trial = compared
    (matrix,) = trial.matrices(single("standardised"))
    readings = trial.readings["good"]
    gallery, probe = (means(data, readings, side) for side in (trial.gallery, trial.probe))
    for fold in trial.folds:
        own = data.identity[fold.development]
        z = (readings[fold.development] - readings[fold.development].mean(0)) / readings[fold.development].std(0)
        residual = z - np.array([z[own == who].mean(0) for who in own])
        unit = np.sqrt((residual**2).sum() / (len(own) - len(set(own.tolist()))))
        for i, j in np.argwhere(fold.block(trial.gallery.identity, trial.probe.identity)):
            apart = (gallery[i] - probe[j]) / readings[fold.development].std(0) / unit
            if not np.isnan(matrix.scores[i, j]):
                assert matrix.scores[i, j] == pytest.approx(1 / np.sqrt((apart**2).sum()))


def test_decisions_are_at_thresholds_of_the_other_people(compared):
    _, trial = compared
    (matrix,) = trial.matrices(single("published"))
    for fold in trial.folds:
        people = np.unique(trial.identity[fold.development])
        rows, columns = np.isin(trial.gallery.identity, people), np.isin(trial.probe.identity, people)
        scores = matrix.scores[np.ix_(rows, columns)]  # published similarities are the same in all folds
        mated = trial.gallery.identity[rows][:, None] == trial.probe.identity[columns]
        cuts, fmr, fnmr = error_rates(scores[mated & ~np.isnan(scores)], scores[~mated])
        block = fold.block(trial.gallery.identity, trial.probe.identity)
        np.testing.assert_array_equal(matrix.equal[block], matrix.scores[block] >= cuts[np.argmax(fnmr >= fmr)])
        np.testing.assert_array_equal(matrix.wanted[block], matrix.scores[block] >= cuts[np.argmax(fmr <= WANTED)])


def error(matrix, trial):
    mated, known = trial.gallery.identity[:, None] == trial.probe.identity, ~np.isnan(matrix.scores)
    _, fmr, fnmr = error_rates(matrix.scores[mated & known], matrix.scores[~mated & known])
    return np.abs(fmr - fnmr).argmin() and fmr[np.abs(fmr - fnmr).argmin()]


def test_the_development_people_choose_the_better_treatment_in_each_fold(compared):
    _, trial = compared
    each = {name: next(trial.matrices(single(name))).scores for name in ("standardised", "whitened", "chosen")}
    taken = [np.nan_to_num(each["chosen"]) == np.nan_to_num(each[name]) for name in ("standardised", "whitened")]
    assert (taken[0] | taken[1]).all()
    for fold in trial.folds:
        block = fold.block(trial.gallery.identity, trial.probe.identity)
        assert taken[0][block].all() or taken[1][block].all()


def test_fusions_come_with_both_z_scores_and_do_not_lose_much(compared):
    _, trial = compared
    parts = tuple(Part(reader(name, "inverse_distance"), "standardised") for name in ("good", "poor"))
    honest, weighted, printed = trial.matrices(Method("good + poor", parts))
    assert [made.name[11:] for made in (honest, weighted, printed)] == ["", " (weighted)", " (test z)"]
    alone = [next(trial.matrices(single("standardised", name))).scores for name in ("good", "poor")]
    expected = sum((scores - np.nanmean(scores)) / np.nanstd(scores) for scores in alone)
    np.testing.assert_allclose(printed.scores, expected)
    assert printed.equal is None and honest.equal is not None
    poor = next(trial.matrices(single("standardised", "poor")))
    assert max(error(honest, trial), error(printed, trial)) < error(poor, trial)


def test_weights_keep_a_method_that_tells_nothing_from_spoiling_one_that_does(compared):
    data, trial = compared
    readings = trial.readings | {"noise": np.random.default_rng(5).normal(size=(48, 5))}
    made = Comparison(data.identity, readings, trial.gallery, trial.probe, trial.folds)
    parts = tuple(Part(reader(name), "standardised") for name in ("good", "noise"))
    equal, weighted, _ = made.matrices(Method("both", parts))
    alone = next(made.matrices(single("standardised")))
    assert error(weighted, made) < error(equal, made) and error(weighted, made) < error(alone, made) + 0.03


def test_a_picture_that_is_there_twice_does_not_swamp_a_fusion(compared):
    data, trial = compared
    readings = {name: values.copy() for name, values in trial.readings.items()}
    for values in readings.values():
        values[1] = values[0]  # of one person, in both halves
    twice = Comparison(
        data.identity, readings, templates(data, Rule("image", half=1)), templates(data, Rule("image")), trial.folds
    )
    parts = tuple(Part(reader(name), "standardised") for name in ("good", "poor"))
    fused, alone = next(twice.matrices(Method("both", parts))), next(twice.matrices(single("standardised")))
    assert error(fused, twice) < error(alone, twice) + 0.1


def test_on_a_development_part_it_is_the_set_eer_by_which_detectors_are_measured():
    draw = np.random.default_rng(1)
    identity = np.repeat(np.arange(30), 6)
    data = dataset(identity.tolist())
    data.split[:60] = 1
    readings = draw.normal(size=(30, 4))[identity] + draw.normal(size=(180, 4))
    rules = Rule("person", half=1), Rule("person", half=2)
    trial = Comparison(identity, {"good": readings}, *(templates(data, rule) for rule in rules), list(folds(data)))
    (matrix,) = trial.matrices(single("standardised"))
    tested = trial.gallery.identity >= 10
    scores, people = matrix.scores[np.ix_(tested, tested)], trial.gallery.identity[tested]
    vectors = standardise(readings[60:], readings[:60])
    expected = set_eer(vectors, identity[60:], data.names[60:], resamples=30)
    np.testing.assert_allclose(measure(scores, people, people, resamples=30).eer, expected.eer)
    assert np.isnan(matrix.scores[~tested]).all()
