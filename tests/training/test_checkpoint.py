"""Checkpoints hold any nested state, and a torn one is refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import JobError
from lineament.training.checkpoint import read_state, write_state

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8)
tensors = st.lists(st.floats(-1e6, 1e6, width=32), max_size=4).map(torch.tensor)
states = st.recursive(
    scalars | tensors,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(state=states)
def test_a_state_comes_back_as_it_was(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("state") / "checkpoint.safetensors"
    write_state(path, state)
    assert same(read_state(path), state)


def test_an_optimiser_comes_back_with_its_integer_keys(tmp_path):
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    write_state(tmp_path / "state", optimizer.state_dict())
    other = torch.optim.AdamW(torch.nn.Linear(3, 2).parameters())
    other.load_state_dict(read_state(tmp_path / "state"))
    assert same(other.state_dict()["state"], optimizer.state_dict()["state"])


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_anything_else_is_refused_by_name(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(JobError, match=r"checkpoint\.safetensors: not a readable checkpoint"):
        read_state(path)


def test_a_checkpoint_cut_off_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    write_state(path, {"weights": torch.randn(100)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(JobError):
        read_state(path)
