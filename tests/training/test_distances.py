"""KID and FID beside their definitions written out, and sets whose distance is known."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from lineament.errors import UsageError
from lineament.training.distances import compare, frechet_distance, kernel_distance


def drawn(n, d=6, shift=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=torch.Generator().manual_seed(9))
    return torch.randn(n, d, generator=generator) @ mixing + shift


@pytest.mark.parametrize(("n", "m"), [(50, 40), (5, 4)])  # the second: fewer images than features
def test_fid_is_the_formula_with_a_matrix_root(n, m):
    real, other = drawn(n).double().numpy(), drawn(m, shift=0.5, seed=1).double().numpy() ** 2
    (a, b), (s, t) = ([x.mean(0) for x in (real, other)], [np.cov(x.T) for x in (real, other)])
    wanted = ((a - b) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * np.trace(sqrtm(s @ t).real)
    # the root of a singular matrix is known to half the digits
    assert frechet_distance(*map(torch.from_numpy, (real, other))) == pytest.approx(wanted, rel=1e-5)


def test_fid_of_a_shifted_copy_is_the_squared_shift():
    real = drawn(30)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(real, real + 0.5) == pytest.approx(6 * 0.25, rel=1e-5)


def test_kid_is_the_unbiased_estimate_in_loops():
    real, other = drawn(7).double(), drawn(7, shift=1.0, seed=1).double()
    kernel = lambda x, y: (float(x @ y) / 6 + 1) ** 3  # noqa: E731
    within = lambda x: sum(kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / 42  # noqa: E731
    across = sum(kernel(x, y) for x in real for y in other) / 49
    found = kernel_distance(real, other, subsets=3)
    assert found == pytest.approx(within(real) + within(other) - 2 * across)


def test_kid_of_one_distribution_is_zero_on_average_where_fid_is_not():
    pairs = [(drawn(30, seed=2 * i), drawn(30, seed=2 * i + 1)) for i in range(60)]
    found = np.array([kernel_distance(*pair, subsets=1) for pair in pairs])
    assert found.min() < 0 < found.max()
    assert abs(found.mean()) < 3 * found.std() / len(found) ** 0.5
    assert min(frechet_distance(*pair) for pair in pairs) > 0.1


def test_real_images_stand_at_the_floor_and_shifted_ones_above_it():
    same, apart = (compare(drawn(400), drawn(150, shift=shift, seed=1)) for shift in (0.0, 1.0))
    for measure in ("kid", "fid"):
        assert same[f"{measure}_floor"] == apart[f"{measure}_floor"]  # the same halves, however the others look
        assert apart[measure] > 3 * max(same[measure], same[f"{measure}_floor"])
    assert same["fid"] == pytest.approx(same["fid_floor"], rel=0.5)


def test_few_others_are_held_against_as_few_real_images():
    floors = [compare(drawn(400), drawn(count, seed=1))["fid_floor"] for count in (20, 200)]
    assert floors[0] > 3 * floors[1]


def test_features_that_cannot_be_compared_are_refused():
    with pytest.raises(UsageError, match="6 and 5 dimensions"):
        unwrap(frechet_distance)(drawn(4), drawn(4, d=5))
    with pytest.raises(UsageError, match=r"other.*\(1, 6\)"):
        kernel_distance(drawn(4), drawn(1))
    with pytest.raises(UsageError, match="real.*finite"):
        frechet_distance(drawn(4) / 0, drawn(4))
    with pytest.raises(UsageError, match="4 real images"):
        compare(drawn(3), drawn(3))
    with pytest.raises(UsageError, match="subset"):
        kernel_distance(drawn(4), drawn(4), subset=1)


def test_fewer_images_than_features_give_the_same_distance_as_the_definition() -> None:
    """tr of the root of A B by eigenvalues, slowly; the covariance of 12 images in 30 dimensions has 11."""
    torch.manual_seed(0)
    x, y = torch.randn(12, 30, dtype=torch.float64), 2 * torch.randn(20, 30, dtype=torch.float64) + 1
    a, b = torch.cov(x.T), torch.cov(y.T)
    root = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    slowly = (x.mean(0) - y.mean(0)).square().sum() + a.trace() + b.trace() - 2 * root
    assert frechet_distance(x, y) == pytest.approx(float(slowly), rel=1e-6)
