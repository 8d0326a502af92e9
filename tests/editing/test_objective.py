"""Each term against its formula, written out with loops."""

import math

import pytest
import torch

from lineament.editing import objective


def log_loss(logit: float, label: float) -> float:
    probability = 1 / (1 + math.exp(-logit))
    return -(label * math.log(probability) + (1 - label) * math.log(1 - probability))


def close(value: torch.Tensor, expected: float) -> None:
    assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_reconstruction_is_the_weighted_mean_error_and_at_least_kappa() -> None:
    x, drawn, weight = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    each = [float((x - drawn)[i, c, h, w]) ** 2 for i in range(2) for c in range(3) for h in range(4) for w in range(4)]
    close(objective.reconstruction(x, drawn), sum(each) / len(each))
    weighted = [
        abs(float((x - drawn)[i, c, h, w])) * float(weight[i, 0, h, w])
        for i in range(2) for c in range(3) for h in range(4) for w in range(4)
    ]  # fmt: skip
    close(objective.reconstruction(x, drawn, power=1, weight=weight), sum(weighted) / len(weighted))
    close(objective.reconstruction(x, drawn, kappa=5.0), 5.0)


def test_labels_that_are_unknown_do_not_count() -> None:
    logits, labels = torch.tensor([[2.0, -1.0], [0.3, 4.0]]), torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    expected = (log_loss(2, 1) + log_loss(0.3, 0) + log_loss(4, 1)) / 3
    close(objective.labelled(logits, labels), expected)
    close(objective.adversarial(logits, labels), -expected)
    close(objective.labelled(logits, torch.full_like(labels, 0.5)), 0.0)


def test_a_code_is_right_about_its_own_label_and_undecided_about_the_others() -> None:
    logits, labels = torch.randn(3, 2, 2), torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    own = [log_loss(float(logits[n, i, i]), float(labels[n, i])) for n in range(3) for i in range(2)]
    other = [log_loss(float(logits[n, i, 1 - i]), 0.5) for n in range(3) for i in range(2)]
    close(objective.others_undecided(logits, labels), sum(own) / 6 + sum(other) / 6)
    close(objective.others_undecided(logits[:, :1, :1], labels[:, :1]), sum(own[::2]) / 3)


def test_center_is_the_distance_to_the_centroid_of_the_class_over_its_sigma() -> None:
    codes, centroids, sigma = torch.randn(3, 2, 4), torch.randn(2, 2, 4), torch.tensor([[0.5, 2.0], [1.0, 0.01]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.0]])
    total, count = 0.0, 0
    for n in range(3):
        for i in range(2):
            if labels[n, i] != 0.5:
                c = int(labels[n, i])
                total += float((codes[n, i] - centroids[i, c]).square().sum()) / max(float(sigma[i, c]), 0.1)
                count += 1
    close(objective.center(codes, labels, centroids, sigma), total / count)


def test_prior_starts_beyond_beta() -> None:
    close(objective.prior(torch.tensor([0.5, -0.9, 1.5, -3.0]), 1.0), (0.5 + 2.0) / 4)


def test_the_adversary_pays_for_reals_called_false_and_each_kind_of_fake_called_real() -> None:
    real, false, other = torch.tensor([2.0, -1.0]), torch.tensor([0.5]), torch.tensor([-2.0, 1.0])
    soft = lambda value: math.log1p(math.exp(value))  # noqa: E731
    expected = (soft(-2) + soft(1)) / 2 + soft(0.5) + (soft(-2) + soft(1)) / 2
    close(objective.discrimination(real, false, other), expected)
    close(objective.realism(false, other), (soft(-0.5) + (soft(2) + soft(-1)) / 2) / 2)


def test_gradient_penalty_is_the_squared_slope_at_each_image() -> None:
    images = torch.rand(2, 3, 2, 2, requires_grad=True)
    slopes = torch.randn(3, 2, 2)
    close(objective.gradient_penalty((images * slopes).sum((1, 2, 3)), images), float(slopes.square().sum()))


def test_same_code_counts_the_attributes_it_is_told_to() -> None:
    codes, wanted, weight = torch.randn(2, 2, 3), torch.randn(2, 2, 3), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    errors = (codes - wanted).square().mean(2)
    close(objective.same_code(codes, wanted, weight), float(errors[0, 0] + errors[1, 0] + errors[1, 1]) / 3)
    close(objective.same_code(codes, wanted), float(errors.mean()))


def test_smoothness_is_the_mean_step_down_and_right() -> None:
    mask = torch.rand(1, 1, 3, 3)
    m = mask[0, 0].tolist()
    down = [abs(m[i + 1][j] - m[i][j]) for i in range(2) for j in range(3)]
    right = [abs(m[i][j + 1] - m[i][j]) for i in range(3) for j in range(2)]
    close(objective.smoothness(mask), sum(down) / 6 + sum(right) / 6)
