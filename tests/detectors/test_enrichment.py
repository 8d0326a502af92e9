import numpy as np
import pytest
from scipy.stats import fisher_exact
from sklearn.metrics import normalized_mutual_info_score

from lineament.detectors.enrichment import agreement, shifted


def random_case(seed=0, n=600, people=60, attributes=5):
    draw = np.random.default_rng(seed)
    labels = (draw.random((n, attributes)) < np.linspace(0.1, 0.7, attributes)).astype(np.int8)
    return draw.integers(0, 4, n), labels, np.repeat(np.arange(people), n // people)


def test_figures_equal_their_definitions():
    clusters, labels, identity = random_case()
    labels[::7, 0] = -1
    found = agreement(clusters, labels, identity, 4)
    for a in range(5):
        known = labels[:, a] >= 0
        label, inside = labels[known, a], clusters[known]
        commonest = [np.bincount(label[inside == c], minlength=2).argmax() for c in range(4)]
        assert found.purity[a] == pytest.approx(
            np.mean([commonest[c] == y for c, y in zip(inside, label, strict=True)])
        )
        assert found.majority[a] == pytest.approx(max(label.mean(), 1 - label.mean()))
        assert found.nmi[a] == pytest.approx(normalized_mutual_info_score(label, inside))
        for c in range(4):
            assert found.share[c, a] == pytest.approx(label[inside == c].mean())
            assert found.lift[c, a] == pytest.approx(label[inside == c].mean() / label.mean())
    assert found.sizes.tolist() == np.bincount(clusters).tolist()


def test_p_values_are_fishers_where_everybody_is_a_person_of_its_own():
    clusters, labels, _ = random_case(1)
    found = agreement(clusters, labels, np.full(600, -1), 4)
    for c, a in ((2, 3), (0, 0)):
        cells = [[((clusters == c) == i) & (labels[:, a] == j) for j in (True, False)] for i in (True, False)]
        counts = np.sum(cells, axis=2)
        assert found.p[c, a] == pytest.approx(fisher_exact(counts, alternative="greater").pvalue)


def test_images_that_repeat_their_person_are_worth_one_person():
    clusters, labels, _ = random_case(4, n=120)
    alone = agreement(clusters, labels, np.arange(120), 4)
    again = agreement(np.repeat(clusters, 10), np.repeat(labels, 10, axis=0), np.repeat(np.arange(120), 10), 4)
    np.testing.assert_allclose(again.p, alone.p, atol=1e-9)


def test_a_label_that_makes_the_cluster_is_found_and_first():
    clusters, labels, identity = random_case(2)
    labels[:, 0] = clusters == 1
    found = agreement(clusters, labels, identity, 4)
    assert found.over_represented(1, tests=20)[0] == 0
    assert 0 not in found.over_represented(0, tests=20)  # where it is missing it is not over-represented
    assert found.lift[1, 0] == pytest.approx(600 / (clusters == 1).sum())
    assert found.nmi[0] > 0.3 > found.nmi[1]


def test_two_people_with_many_images_prove_little():
    identity = np.repeat(np.arange(60), 10)
    clusters, labels = np.zeros(600, int), np.zeros((600, 1), np.int8)
    clusters[:20], labels[:20] = 1, 1  # two people alone fill the cluster, and have the label in all their images
    assert agreement(clusters, labels, identity, 2).over_represented(1, tests=100) == []
    strangers = agreement(clusters, labels, np.full(600, -1), 2)  # the same of people who are all others
    assert strangers.over_represented(1, tests=10**9) == [0]


def test_labels_by_chance_are_named_no_more_often_than_claimed():
    wrong = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        identity = np.repeat(np.arange(80), 6)
        habit, taste = draw.random((80, 8)) < 0.4, draw.integers(0, 5, 80)  # both belong to people, not to images
        labels = (habit[identity] ^ (draw.random((480, 8)) < 0.1)).astype(np.int8)
        clusters = np.where(draw.random(480) < 0.8, taste[identity], draw.integers(0, 5, 480))
        found = agreement(clusters, labels, identity, 5)
        wrong += any(found.over_represented(c, tests=40) for c in range(5))
    assert wrong <= 5  # 2 are expected; if images were counted, it would be nearly all


def test_moved_labels_keep_their_counts_and_lose_their_images():
    clusters, labels, identity = random_case(3)
    labels[:, 0] = clusters == 1
    moved = shifted(labels, identity[::-1].copy(), seed=0)
    assert (moved.sum(0) == labels.sum(0)).all()
    assert agreement(clusters, moved, identity, 4).nmi[0] < 0.02 < agreement(clusters, labels, identity, 4).nmi[0]


def test_what_never_varies_or_is_unknown_is_harmless():
    labels = np.stack([np.ones(50), np.zeros(50), np.full(50, -1)], 1).astype(np.int8)
    found = agreement(np.zeros(50, int), labels, np.arange(50), 3)
    assert found.nmi.tolist() == [0, 0, 0] and found.sizes.tolist() == [50, 0, 0]
    assert [found.over_represented(c, tests=1) for c in range(3)] == [[], [], []]
    assert np.isnan(found.purity[2]) and found.purity[:2].tolist() == [1, 1]
