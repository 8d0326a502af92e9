"""The networks: shapes and ranges, which class reaches which branch, and that size does not grow with classes."""

import pytest
import torch

from lineament.errors import UsageError
from lineament.explanation.networks import Discriminator, Transformer

ZERO, ONE = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)


def images(size: int = 16, channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0))


def size_of(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(("label", "shared"), [(False, True), (False, False), (True, True)])
@pytest.mark.parametrize(("channels", "levels", "skips"), [(1, 2, False), (3, 3, True), (1, 1, True)])
def test_a_crossing_is_two_images_and_a_mask_in_range(
    label: bool, shared: bool, channels: int, levels: int, skips: bool
) -> None:
    network = Transformer((channels, 16, 16), width=8, levels=levels, shared=shared, label=label, skips=skips).eval()
    for part, depth in zip(network(images(channels=channels), ZERO, ONE), (channels, channels, 1), strict=True):
        assert part.shape == (2, depth, 16, 16) and bool(((part >= 0) & (part <= 1)).all())
    judge = Discriminator((channels, 16, 16), width=8, levels=levels, shared=shared, label=label)
    assert judge(images(channels=channels), ZERO).shape == (2,)


@pytest.mark.parametrize("label", [False, True])
def test_the_target_decides_which_image_comes_out_and_the_source_how_it_is_read(label: bool) -> None:
    torch.manual_seed(0)
    network = Transformer((1, 16, 16), width=8, label=label).eval()
    if label:  # as if trained: at the start every class scales by 1
        torch.nn.init.normal_(network.first.scale.weight)
        torch.nn.init.normal_(network.targeted.scale.weight)
    there, back = network(images(), ZERO, ONE), network(images(), ZERO, ZERO)
    assert not torch.equal(there.transformed, back.transformed)
    assert torch.equal(back.transformed, back.reconstruction) and torch.equal(there.reconstruction, back.reconstruction)
    assert not torch.equal(network(images(), ONE, ONE).transformed, there.transformed)


def test_every_image_of_a_mixed_batch_takes_the_branch_of_its_own_class() -> None:
    torch.manual_seed(0)
    network = Transformer((1, 16, 16), width=8).eval()
    mixed = network(images(), torch.tensor([0, 1]), torch.tensor([1, 0]))
    for i, (source, target) in enumerate([(ZERO, ONE), (ONE, ZERO)]):
        alone = network(images(), source, target)
        assert all(torch.allclose(one[i], all_[i], atol=1e-6) for one, all_ in zip(mixed, alone, strict=True))


def test_a_network_with_labels_hardly_grows_with_the_number_of_classes() -> None:
    grown = size_of(Transformer((1, 16, 16), 10, width=8, label=True)) - size_of(
        Transformer((1, 16, 16), width=8, label=True)
    )
    assert grown == 8 * 2 * (8 + 16)
    assert size_of(Transformer((1, 16, 16), width=8, shared=False)) > size_of(Transformer((1, 16, 16), width=8))


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(UsageError, match=r"multiples of 4, got \(1, 16, 30\)"):
        Transformer((1, 16, 30))
    with pytest.raises(UsageError, match="1 or 3 channels"):
        Discriminator((2, 16, 16))
