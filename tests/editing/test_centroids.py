"""The statistics of codes: momentum, the distance to the plane, roots of covariances."""

import torch

from lineament.editing.centroids import Centroids


def test_a_centroid_moves_towards_the_mean_of_its_class_and_only_if_that_was_seen() -> None:
    statistics = Centroids(2, 3, 0.25)
    codes, labels = torch.randn(4, 2, 3), torch.tensor([[1.0, 0.5], [0.0, 0.5], [1.0, 0.5], [1.0, 0.5]])
    statistics.move(codes, labels)
    present = codes[[0, 2, 3], 0].mean(0)
    torch.testing.assert_close(statistics.means[0, 1], 0.25 * present)  # mu - alpha mean(mu - a), from mu = 0
    torch.testing.assert_close(statistics.means[0, 0], 0.25 * codes[1, 0])
    assert torch.equal(statistics.means[1], torch.zeros(2, 3))
    assert torch.equal(statistics.products[1, 0], torch.eye(3))


def test_centroids_and_covariances_arrive_at_those_of_the_codes() -> None:
    torch.manual_seed(0)
    statistics, mixing = Centroids(1, 2, 0.05), torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    for _ in range(400):
        codes = 3 + torch.randn(64, 1, 2) @ mixing.T
        statistics.move(codes, torch.ones(64, 1))
    torch.testing.assert_close(statistics.means[0, 1], torch.tensor([3.0, 3.0]), atol=0.2, rtol=0)
    root = statistics.measured()[0, 1]
    torch.testing.assert_close(root @ root.T, mixing @ mixing.T, atol=0.4, rtol=0)
    torch.testing.assert_close(root, root.T)


def test_sigma_is_the_distance_of_a_centroid_to_the_plane() -> None:
    statistics = Centroids(1, 2, 0.1)
    with torch.no_grad():
        statistics.weights.copy_(torch.tensor([[3.0, 4.0]]))
        statistics.biases.fill_(-5.0)
    statistics.means[0] = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    torch.testing.assert_close(statistics.sigma(), torch.tensor([[1.0, 4.0]]))
    torch.testing.assert_close(statistics.isotropic()[0, 1], 4 * torch.eye(2))
    torch.testing.assert_close(statistics.classify(torch.tensor([[[1.0, 1.0]]])), torch.tensor([[2.0]]))
