"""The shapes in annotations are checked while tests run: a wrong one, going in or coming out, does not pass."""

import importlib

import pytest
import torch
from jaxtyping import TypeCheckError

from lineament.detectors.networks import ResidualNetwork
from lineament.detectors.objective import attribute_loss
from lineament.faces.parts import NETWORK_PARTS, crop
from tests.conftest import CHECKED


@pytest.mark.parametrize("module", CHECKED)
def test_the_hook_was_there_first(module: str) -> None:
    loader = importlib.import_module(module).__loader__
    assert type(loader).__module__.startswith("jaxtyping"), f"{module} was imported before tests/conftest.py"


def test_a_wrong_shape_going_in_is_caught() -> None:
    eyes = torch.tensor([[0.4, 0.5], [0.6, 0.5]]).expand(2, 2, 2)
    with pytest.raises(TypeCheckError, match="warp"):  # torch would broadcast
        crop(torch.rand(2, 3, 8, 8), eyes, NETWORK_PARTS["Eye"], torch.eye(3)[None, :2])
    with pytest.raises(TypeCheckError, match="labels"):
        attribute_loss(torch.zeros(4, 2), torch.zeros(4, 1))


def test_a_wrong_shape_coming_out_is_caught() -> None:
    network = ResidualNetwork(4, 3).eval()
    assert network(torch.rand(1, 3, 16, 16))[0].shape == (1, 32)
    network.width = 31
    with pytest.raises(TypeCheckError, match="return"):
        network(torch.rand(1, 3, 16, 16))
