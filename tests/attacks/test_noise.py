import pytest
import torch

from lineament.attacks.noise import Noise
from lineament.errors import UsageError
from tests.attacks.toys import linear


@pytest.mark.parametrize("kind", ["sign", "uniform"])
def test_noise_fills_its_budget_evenly_and_looks_at_no_label(kind: str) -> None:
    batch, classifier = torch.full((1000, 1, 1, 4), 0.5), linear([1.0, 2.0, 3.0, 4.0])
    one, other = (Noise(0.25, kind)(classifier, batch, torch.full((1000,), label)) for label in (0, 1))
    assert torch.equal(one.images, other.images)
    change = (one.images - 0.5).flatten()
    assert change.abs().amax() <= 0.25 and change.mean().abs() < 0.015
    spread = {"sign": 0.25, "uniform": 0.25 / 3**0.5}[kind]
    assert change.std().item() == pytest.approx(spread, rel=0.03)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown kind of noise 'signs'; did you mean 'sign'"):
        Noise(0.1, "signs")
