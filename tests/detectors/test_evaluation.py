import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from lineament.detectors.evaluation import (
    BALANCE,
    METRICS,
    commonest,
    evaluate,
    interval,
    people,
    person_weights,
    reliability,
    thresholds,
)
from lineament.errors import UsageError


def column(*values):
    return np.array(values)[:, None]


def one(scores, labels, threshold=0.5, identity=None, **options):
    labels = column(*labels).astype(np.int8)
    identity = np.arange(len(labels)) if identity is None else np.array(identity)
    options = {"attributes": ["A"], "majority": commonest(labels), "resamples": 50} | options
    return evaluate(column(*scores), labels, np.array([threshold]), identity, **options)


def sample(seed=0, n=120, attributes=3):
    """Scores with ties, unknown labels, unknown people, people of different sizes."""
    draw = np.random.default_rng(seed)
    labels = draw.choice([-1, 0, 1], p=[0.1, 0.6, 0.3], size=(n, attributes)).astype(np.int8)
    scores = np.round(np.clip(0.3 * (labels == 1) + 0.7 * draw.random((n, attributes)), 0, 1), 1)
    return scores, labels, draw.integers(-1, 15, n)


def literal(scores, labels, threshold):
    """The four figures of one attribute by their definitions, with scikit-learn as a second opinion."""
    known = labels >= 0
    truth, said, score = labels[known] == 1, scores[known] >= threshold, scores[known]
    pairs = [(p > q) + (p == q) / 2 for p in score[truth] for q in score[~truth]]
    recalls = [np.mean(said[truth]), np.mean(~said[~truth])]
    figures = np.mean(said == truth), np.mean(recalls), f1_score(truth, said, average="macro"), np.mean(pairs)
    assert figures[1] == pytest.approx(balanced_accuracy_score(truth, said))
    assert figures[3] == pytest.approx(roc_auc_score(truth, score))
    return figures


def test_figures_that_can_be_worked_out_by_hand():
    result = one([0.9, 0.4, 0.6, 0.1, 0.2, 0.3], [1, 1, 0, 0, 0, -1])
    assert result.n == [5] and result.prevalence == [0.4] and result.majority == [0.6]
    assert result.accuracy[0, 0] == pytest.approx(3 / 5)
    assert result.balanced_accuracy[0, 0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert result.macro_f1[0, 0] == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert result.auc[0, 0] == pytest.approx(5 / 6)


def test_a_tie_between_the_classes_counts_half():
    assert one([0.5, 0.5, 0.2], [1, 0, 0]).auc[0, 0] == pytest.approx((0.5 + 1) / 2)


def test_figures_and_intervals_agree_with_the_literal_definitions():
    scores, labels, identity = sample()
    cuts, resamples = np.array([0.5, 0.3, 0.6]), 25
    result = evaluate(
        scores, labels, cuts, identity, attributes="ABC", majority=commonest(labels), resamples=resamples, seed=3
    )
    person = people(identity)
    weights = person_weights(person.max() + 1, resamples, seed=3).astype(int)
    drawn = np.empty((len(weights), 3, len(METRICS)))
    for r, weight in enumerate(weights):
        images = np.repeat(np.arange(len(labels)), weight[person])  # people drawn w times bring their images w times
        for a in range(3):
            drawn[r, a] = literal(scores[images, a], labels[images, a], cuts[a])
    for k, metric in enumerate(METRICS):
        low, high = np.quantile(drawn[1:, :, k], [0.025, 0.975], axis=0)
        np.testing.assert_allclose(getattr(result, metric), np.stack([drawn[0, :, k], low, high], 1), atol=1e-12)
        means = drawn[:, :, k].mean(1)
        expected = [means[0], *np.quantile(means[1:], [0.025, 0.975])]
        np.testing.assert_allclose(result.means[metric], expected, atol=1e-12)


def test_more_images_of_the_same_people_do_not_narrow_the_interval():
    scores, labels, identity = sample(1)
    identity = np.where(identity < 0, 100, identity)
    once, often = (
        evaluate(
            np.repeat(scores, k, 0), np.repeat(labels, k, 0), np.full(3, 0.5), np.repeat(identity, k),
            attributes="ABC", majority=[0, 0, 0], resamples=100,
        )
        for k in (1, 4)
    )  # fmt: skip
    for metric in METRICS:
        np.testing.assert_allclose(getattr(once, metric), getattr(often, metric))


def test_what_is_not_defined_is_nan_without_a_warning():
    single = one([0.9, 0.8, 0.1], [1, 1, 1])
    assert single.accuracy[0, 0] == pytest.approx(2 / 3)
    for metric in ("balanced_accuracy", "macro_f1", "auc"):
        assert np.isnan(getattr(single, metric)).all() and np.isnan(single.means[metric]).all()
    nothing = one([0.9, 0.8], [-1, -1])
    assert nothing.n == [0] and np.isnan(nothing.calibration_error[0]) and np.isnan(nothing.prevalence[0])
    assert nothing.to_dict()["rows"][0]["accuracy"] == [None, None, None]
    empty = evaluate(np.zeros((0, 2)), np.zeros((0, 2), np.int8), np.full(2, 0.5), np.zeros(0, int),
                     attributes="AB", majority=[0, 0], resamples=3)  # fmt: skip
    assert np.isnan(empty.accuracy).all()


def test_means_leave_undefined_attributes_out():
    labels = np.array([[1, 1], [0, 1], [1, 1], [0, 1]], np.int8)
    scores = np.array([[0.9, 0.9], [0.1, 0.9], [0.8, 0.9], [0.7, 0.1]])
    result = evaluate(scores, labels, np.full(2, 0.5), np.arange(4), attributes="AB", majority=[0, 1], resamples=20)
    assert result.means["auc"][0] == result.auc[0, 0] == 1
    assert result.means["accuracy"][0] == pytest.approx(0.75)


def test_the_majority_comes_from_elsewhere():
    assert one([0.1] * 4, [1, 0, 0, 0], majority=[1]).majority == [0.25]
    np.testing.assert_array_equal(commonest(np.array([[1, 0, -1], [1, 1, -1], [0, -1, -1]], np.int8)), [1, 0, 0])


def best_by_search(scores, labels, criterion):
    """The best value that any threshold reaches, and a function that values one threshold."""
    truth, score = labels[labels >= 0] == 1, scores[labels >= 0]

    def value(cut):
        right = (score >= cut) == truth
        if criterion == "accuracy":
            return right.sum()
        balanced = sum(right[truth == side].mean() for side in (True, False) if (truth == side).any()) / 2
        if criterion == "balanced_accuracy":
            return balanced
        return right.mean() + BALANCE * balanced if len(right) else 0

    return max((value(cut) for cut in [0, *np.nextafter(scores, 2), 2]), default=0), value


@pytest.mark.parametrize("criterion", ["accuracy", "balanced_accuracy", "mixed"])
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from([0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9999, 1]), st.sampled_from([-1, 0, 1])), max_size=20
    )
)
def test_no_threshold_is_better_than_the_chosen_one(criterion, pairs):
    scores, labels = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], np.int8)
    cut = thresholds(scores[:, None], labels[:, None], criterion)[0]
    best, value = best_by_search(scores, labels, criterion)
    assert value(cut) == pytest.approx(best)


def test_thresholds_are_chosen_for_each_attribute_and_prefer_the_middle():
    scores = np.array([[0.1, 0.6, 0.2], [0.2, 0.7, 0.2], [0.8, 0.8, 0.2], [0.9, 0.9, 0.2]])
    labels = np.array([[0, 0, -1], [0, 0, -1], [1, 0, -1], [1, 1, -1]], np.int8)
    np.testing.assert_allclose(thresholds(scores, labels), [0.5, 0.85, 0.5])
    np.testing.assert_allclose(thresholds(scores[:, :1], np.ones((4, 1), np.int8)), [0.1])
    with pytest.raises(UsageError, match="'f1'"):
        thresholds(scores, labels, "f1")


def test_reliability_bins_have_equal_mass_and_give_the_calibration_error():
    scores, labels = [0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1]
    np.testing.assert_allclose(reliability(np.array(scores), np.array(labels), bins=2), [[0.1, 0.5, 2], [0.9, 1, 2]])
    perfect = one([0.0] * 5 + [1.0] * 5, [0] * 5 + [1] * 5)
    assert perfect.calibration_error == [0]
    assert one([0.8] * 10, [1] * 5 + [0] * 5).calibration_error[0] == pytest.approx(0.5)
    assert reliability(np.array([0.3]), np.array([-1])).shape == (0, 3)


def test_unknown_people_are_people_of_their_own():
    numbered = people(np.array([7, -1, 7, -1, 3]))
    assert numbered[0] == numbered[2] and len(set(numbered.tolist())) == 4
    weights = person_weights(4, 10)
    assert (weights[0] == 1).all() and (weights.sum(1) == 4).all()


def test_interval_passes_over_resamples_that_are_not_defined():
    drawn = np.array([[0.5, np.nan], [0.4, 0.1], [np.nan, 0.2], [0.6, np.nan]])
    result = interval(drawn)
    np.testing.assert_allclose(result[0], [0.5, 0.405, 0.595])
    assert np.isnan(result[1]).all()


@pytest.mark.parametrize(("scores", "message"), [([1.2, 0.1], "sigmoid"), ([np.nan, 0.1], "sigmoid")])
def test_what_is_no_probability_is_refused(scores, message):
    with pytest.raises(UsageError, match=message):
        one(scores, [0, 1])


def test_shapes_that_differ_are_refused():
    with pytest.raises(UsageError, match=r"\(2, 1\) and \(3, 1\)"):
        thresholds(np.zeros((2, 1)), np.zeros((3, 1), np.int8))


def test_the_calibration_interval_agrees_with_drawing_people_literally_and_holds_the_figure():
    draw = np.random.default_rng(0)
    scores, identity = draw.random((300, 2)), draw.integers(0, 40, 300)
    labels = (draw.random((300, 2)) < scores * [1, 0.7]).astype(np.int8)
    labels[draw.random((300, 2)) < 0.1] = -1
    result = evaluate(scores, labels, [0.5, 0.5], identity, attributes="ab", majority=[0, 0], resamples=50)
    for i in range(2):
        known = labels[:, i] >= 0
        order = np.flatnonzero(known)[scores[known, i].argsort()]
        errors = []
        for weights in person_weights(40, 50, 0):
            gaps = [weights[identity[part]] @ (scores[part, i] - labels[part, i]) for part in np.array_split(order, 10)]
            errors.append(np.abs(gaps).sum() / weights[identity[known]].sum())
        shift = errors[0] - np.mean(errors[1:])
        assert result.calibration_error[i] == pytest.approx(errors[0])
        np.testing.assert_allclose(result.calibration_bounds[i], np.quantile(errors[1:], [0.025, 0.975]) + shift)
    mean, low, high = result.means["calibration_error"]
    assert mean == pytest.approx(result.calibration_error.mean()) and 0 < low < mean < high
