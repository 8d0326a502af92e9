import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import orthogonal_mp

from lineament.detectors.pursuit import matching_pursuit, unit
from lineament.errors import UsageError


def dense(taken, coefficients, count):
    """Coefficients ``(n, count)``, one column an atom."""
    full = torch.zeros(len(taken), count, dtype=coefficients.dtype)
    for row, atom, value in zip(range(len(taken)), taken, coefficients, strict=True):
        full[row, atom[atom >= 0]] = value[atom >= 0]
    return full


def literal(point, atoms, sparsity):
    """Word for word: take the atom most like the residual, fit all those taken by least squares, again."""
    taken, residual = [], point
    for _ in range(sparsity):
        taken.append(int((atoms @ residual).abs().argmax()))
        fit = torch.linalg.lstsq(atoms[taken].T, point[:, None]).solution[:, 0]
        residual = point - fit @ atoms[taken]
    return taken, fit


@given(seed=st.integers(0, 1000), sparsity=st.integers(1, 12), positive=st.booleans())
@settings(max_examples=20, deadline=None)
def test_it_equals_scikit_learn_and_the_definition(seed, sparsity, positive):
    draw = torch.Generator().manual_seed(seed)
    atoms, points = torch.randn(60, 16, generator=draw).double(), torch.randn(7, 16, generator=draw).double()
    if positive:  # as embeddings behind a ReLU are
        atoms, points = atoms.abs(), points.abs()
    atoms = unit(atoms)
    taken, coefficients = matching_pursuit(points, atoms, sparsity)
    wanted = orthogonal_mp(atoms.numpy().T, points.numpy().T, n_nonzero_coefs=sparsity).T
    np.testing.assert_allclose(dense(taken, coefficients, 60), wanted.reshape(7, 60), atol=1e-9)
    order, fit = literal(points[0], atoms, sparsity)
    assert taken[0].tolist() == order
    torch.testing.assert_close(coefficients[0], fit)


def test_a_point_that_is_explained_stops():
    atoms = torch.eye(5)
    taken, coefficients = matching_pursuit(torch.tensor([[0, 3.0, 0, -4, 0], [0, 0, 0, 0, 0]]), atoms, 4)
    assert taken.tolist() == [[3, 1, -1, -1], [-1] * 4]
    assert coefficients.tolist() == [[-4, 3, 0, 0], [0] * 4]


def test_equal_atoms_are_taken_once():
    atoms = unit(torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]))
    taken, coefficients = matching_pursuit(torch.tensor([[1.0, 1, 1]]), atoms, 3)
    assert sorted(taken[0].tolist()) == [-1, 0, 2]
    torch.testing.assert_close(dense(taken, coefficients, 3) @ atoms, torch.tensor([[1.0, 1, 1]]))


@pytest.mark.parametrize("sparsity", [0, 4])
def test_sparsity_is_bounded_by_atoms_and_dimension(sparsity):
    with pytest.raises(UsageError, match="sparsity: expected 1 to 3"):
        matching_pursuit(torch.ones(2, 3), unit(torch.ones(9, 3)), sparsity)


def test_a_row_of_zeros_has_no_direction():
    assert unit(torch.tensor([[3.0, 4], [0, 0]])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]
