"""What was computed is read again exactly when everything that it follows from is the same."""

import pytest
import torch
from torch import nn

from lineament.attacks.gradient_sign import FGSM, PGD
from lineament.errors import JobError
from lineament.reproduction.memory import VERSION, digest, kept, pieces, versioned


def test_it_is_computed_once(tmp_path):
    calls = []
    make = lambda: calls.append(0) or {"x": torch.arange(3)}  # noqa: E731
    assert torch.equal(kept(tmp_path, make, "a", 1)["x"], torch.arange(3))
    assert torch.equal(kept(tmp_path, make, "a", 1)["x"], torch.arange(3)) and len(calls) == 1
    kept(tmp_path, make, "a", 2)
    assert len(calls) == 2


def test_everything_tells():
    network = nn.Linear(2, 2)
    x = torch.zeros(2, 3)
    found = {
        digest(x, "a"), digest(x.view(3, 2), "a"), digest(x.double(), "a"), digest(x + 1, "a"), digest("a", x),
        digest(x), digest(network), digest(network, "a"), digest(("a", "b")), digest("a", "b"), digest("ab"),
        digest(b"ab"),
    }  # fmt: skip
    assert len(found) == 12
    before = digest(network)
    with torch.no_grad():
        network.weight[0, 0] += 1
    assert digest(network) != before


def test_a_torn_file_is_named(tmp_path):
    kept(tmp_path, lambda: {"x": torch.zeros(2)}, "a")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(JobError, match=f"{path.name}: torn"):
        kept(tmp_path, lambda: {"x": torch.zeros(2)}, "a")


def test_a_failure_leaves_nothing(tmp_path):
    def fail():
        raise JobError("no")

    with pytest.raises(JobError, match="no"):
        kept(tmp_path, fail, "a")
    assert not list(tmp_path.iterdir())


def test_fgsm_alone_is_kept_whatever_becomes_of_the_code_of_attacks():
    assert versioned(FGSM(0.3)) == (FGSM(0.3),) and versioned(None) == (None,)
    assert versioned(PGD(0.3)) == (PGD(0.3), VERSION)


def test_pieces_are_put_together_in_their_order():
    asked = []
    made = pieces(5, 2, lambda start: asked.append(start) or {"x": torch.arange(start, min(start + 2, 5))})
    assert asked == [0, 2, 4] and torch.equal(made["x"], torch.arange(5))
