import tracemalloc

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.linear_model import Lasso
from sklearn.metrics import adjusted_rand_score

from lineament.detectors import clustering
from lineament.detectors.clustering import affinity, self_expression, spectral_clusters
from lineament.detectors.pursuit import unit
from lineament.errors import UsageError


def subspaces(count=3, each=80, dimension=60, rank=6, seed=0):
    """Points of length 1 in ``count`` random subspaces, and which one each is in."""
    draw = torch.Generator().manual_seed(seed)
    points = [torch.randn(each, rank, generator=draw) @ torch.randn(rank, dimension, generator=draw)
              for _ in range(count)]  # fmt: skip
    return unit(torch.cat(points)), np.repeat(np.arange(count), each)


@pytest.mark.parametrize("dimension", [4, 12, 40])
def test_self_expression_is_the_lasso_of_each_point_taken_out(dimension):
    points = unit(torch.randn(90, dimension, generator=torch.Generator().manual_seed(1)).relu() + 0.1)
    found = self_expression(points).toarray()
    for i in range(0, 90, 9):
        others = points.double().numpy().copy()
        others[i] = 0  # "for each data point they take it out"
        # scikit-learn minimises |r|^2 / (2 d) + alpha |c|; ours is |r|^2 / 2 + THRESHOLD |c|
        model = Lasso(clustering.THRESHOLD / dimension, fit_intercept=False, tol=1e-14, max_iter=1_000_000)
        wanted = model.fit(others.T, points[i].double().numpy()).coef_
        np.testing.assert_allclose(found[i], wanted, atol=2e-3)


def test_self_expression_never_uses_the_point_itself_and_is_sparse():
    points, _ = subspaces()
    found = self_expression(torch.cat([points, points[:1], torch.zeros(1, 60)]))
    assert not found.diagonal().any()
    assert found[0, 240] > 0.5  # its copy
    assert found[[241]].nnz == 0 and found[:, [241]].nnz == 0
    assert 0 < found.nnz < 20 * 242


def test_self_expression_stays_in_the_subspace():
    points, true = subspaces()
    found = affinity(self_expression(points))
    row, column = found.nonzero()
    assert found[row[true[row] == true[column]], column[true[row] == true[column]]].sum() > 0.95 * found.sum()
    assert abs(found - found.T).max() < 1e-12 and found.min() >= 0


def test_subspaces_become_clusters_whatever_their_signs_and_order():
    points, true = subspaces()
    order = np.random.default_rng(0).permutation(len(true))
    flipped = points * (torch.arange(len(true)) % 2 * 2 - 1)[:, None]
    found = spectral_clusters(affinity(self_expression(flipped[order])), 3)
    assert adjusted_rand_score(true[order], found) > 0.97
    nearest = KMeans(3, n_init=3, random_state=0).fit_predict(flipped)
    assert adjusted_rand_score(true, nearest) < 0.3  # near points are not what subspaces are about


def test_parts_that_are_not_connected_and_points_alone_are_no_trouble():
    block = np.ones((6, 6)) - np.eye(6)
    graph = np.zeros((16, 16))
    for start in (0, 6):
        graph[start : start + 6, start : start + 6] = block
    graph[12:15, 12:15] = 1 - np.eye(3)  # and the last point has no neighbour
    found = spectral_clusters(csr_array(graph), 3)
    assert [len(set(found[a:b])) for a, b in ((0, 6), (6, 12), (12, 15))] == [1, 1, 1]
    assert len({found[0], found[6], found[12]}) == 3


def test_clusters_are_numbered_from_the_largest_and_repeat():
    points, _ = subspaces()
    graph = affinity(self_expression(points[:190]))
    found = spectral_clusters(graph, 3, seed=4)
    sizes = np.bincount(found, minlength=3)
    assert (np.diff(sizes) <= 0).all()
    assert (found == spectral_clusters(graph, 3, seed=4)).all()


def test_memory_grows_with_the_points_not_with_their_pairs():
    points = unit(torch.randn(3000, 8, generator=torch.Generator().manual_seed(0)))
    tracemalloc.start()
    found = self_expression(points)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 3000 * 3000  # bytes: a dense matrix of float32 would take four times as many
    assert found.nnz < 3000 * 8


@pytest.mark.parametrize("clusters", [1, 10])
def test_a_wrong_number_of_clusters_is_refused(clusters):
    with pytest.raises(UsageError, match="clusters: expected 2 to 9 for 10 points"):
        spectral_clusters(csr_array(np.ones((10, 10))), clusters)


def test_one_point_cannot_stand_for_itself():
    with pytest.raises(UsageError, match="two or more"):
        self_expression(torch.ones(1, 4))
