"""The gradient penalty against its definition, image by image, and on a critic whose gradient is known."""

import pytest
import torch
from torch import Tensor

from lineament.defense.networks import Critic
from lineament.defense.objective import distance, gradient_penalty, interpolated


def test_the_penalty_equals_its_definition_image_by_image() -> None:
    torch.manual_seed(0)
    critic, images = Critic((3, 8, 8), width=4), torch.rand(5, 3, 8, 8)
    slowly = []
    for image in images:
        given = image[None].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(given)[0], given)
        slowly.append((float((gradient**2).sum()) ** 0.5 - 1) ** 2)
    assert gradient_penalty(critic, images).item() == pytest.approx(sum(slowly) / 5, rel=1e-5)


def test_a_critic_of_slope_one_pays_nothing_and_one_of_slope_three_pays_four() -> None:
    direction = torch.zeros(1, 1, 4, 4)
    direction[0, 0, 1, 2] = 1

    def sloped(images: Tensor, by: float) -> Tensor:
        return (by * images * direction).flatten(1).sum(1)

    images = torch.rand(6, 1, 4, 4)
    assert gradient_penalty(lambda given: sloped(given, 1.0), images).item() == pytest.approx(0, abs=1e-6)
    assert gradient_penalty(lambda given: sloped(given, 3.0), images).item() == pytest.approx(4, rel=1e-5)


def test_the_penalty_has_a_gradient_for_the_critic() -> None:
    critic = Critic((1, 8, 8), width=4)
    gradient_penalty(critic, torch.rand(4, 1, 8, 8)).backward()  # type: ignore[no-untyped-call]
    slopes = [value.grad for name, value in critic.named_parameters() if name.endswith("weight")]
    assert all(slope is not None and slope.isfinite().all() and slope.any() for slope in slopes)


def test_interpolated_images_lie_on_the_segment_at_one_share_each() -> None:
    real, made = torch.ones(7, 1, 4, 4), torch.zeros(7, 1, 4, 4)
    between = interpolated(real, made).flatten(1)
    assert (between == between[:, :1]).all() and len(between[:, 0].unique()) == 7
    assert float(between.min()) >= 0 and float(between.max()) <= 1


def test_the_distance_is_real_less_made() -> None:
    assert float(distance(torch.tensor([3.0, 5.0]), torch.tensor([1.0]))) == 3.0
