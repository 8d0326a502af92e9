"""Generator, critic and encoder: the parameters of table 5.6 counted by hand, and the sizes that can be made."""

import pytest
import torch
from torch import nn

from lineament.defense.networks import Critic, Encoder, Generator
from lineament.errors import UsageError


def parameters(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def test_the_reference_has_the_parameters_of_table_5_6() -> None:
    linear = 128 * 4096 + 4096
    transposed = (256 * 128 * 25 + 128) + (128 * 64 * 25 + 64) + (64 * 25 + 1)
    assert parameters(Generator((1, 28, 28))) == linear + transposed
    convolutions = (25 * 64 + 64) + (64 * 128 * 25 + 128) + (128 * 256 * 25 + 256)
    assert parameters(Critic((1, 28, 28))) == convolutions + 4 * 4 * 256 + 1


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 32, 32), (3, 64, 64), (1, 8, 8), (3, 56, 56)])
def test_latents_become_images_of_that_shape_and_images_become_latents(shape: tuple[int, int, int]) -> None:
    generator = Generator(shape, latent=5, width=4)
    images = generator(torch.randn(3, 5)).detach()
    assert images.shape == (3, *shape) and images.dtype == torch.float32
    assert float(images.min()) >= 0 and float(images.max()) <= 1
    assert Critic(shape, width=4)(images).shape == (3,)
    assert Encoder(shape, latent=5, width=4)(images).shape == (3, 5)


def test_64_px_have_one_more_transposed_convolution_of_128() -> None:
    widths = [(layer.in_channels, layer.out_channels) for layer in Generator((3, 64, 64)).up]  # type: ignore[union-attr]
    assert widths == [(256, 128), (128, 128), (128, 64), (64, 3)]


def test_an_image_depends_on_its_own_latents_alone() -> None:
    generator = Generator((1, 28, 28), latent=5, width=4)
    latents = torch.randn(4, 5)
    assert torch.allclose(generator(latents)[2], generator(latents[2:3])[0], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 28, 32), (2, 28, 28), (1, 4, 4), (1, 0, 0), (1, 36, 36)])
def test_a_shape_that_no_generator_makes_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="25 to 32"):
        Generator(shape)
