"""The defences without a generator: what they do, and that the gradients they name are the ones they have."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from lineament.defense.autoencoder import AutoEncoder
from lineament.defense.trivial import autoencoded, binarised, blurred
from lineament.errors import UsageError

IMAGES = torch.rand(3, 3, 12, 9, generator=torch.Generator().manual_seed(0))


def test_binarising_leaves_black_and_white() -> None:
    image = torch.tensor([[[[0.0, 0.29, 0.3, 1.0]]]])
    assert binarised(0.3)(image).tolist() == [[[[0.0, 0.0, 1.0, 1.0]]]]
    assert binarised()(image).tolist() == [[[[0.0, 0.0, 0.0, 1.0]]]]
    assert binarised(0.3).name == "binarised at 0.3"


def test_a_step_has_no_gradient_of_its_own_but_that_of_a_sigmoid_about_it() -> None:
    """sigmoid'(0) is a quarter, so at the threshold the slope is a quarter of the steepness, and far from it none."""
    purifier = binarised(0.4)
    assert purifier.routes == ("identity", "sigmoid")
    images = torch.tensor([[[[0.4, 1.0]]]], requires_grad=True)
    made = purifier.through(images, "sigmoid")
    assert made.tolist() == [[[[1.0, 1.0]]]]
    (gradient,) = torch.autograd.grad(made.sum(), images)
    assert gradient[0, 0, 0, 0] == pytest.approx(2.5) and gradient[0, 0, 0, 1] < 0.03


@pytest.mark.parametrize("sigma", [0.5, 1.0, 4.3])
def test_blurring_is_the_gaussian_filter_of_scipy(sigma: float) -> None:
    expected = gaussian_filter(IMAGES.numpy(), (0, 0, sigma, sigma), mode="nearest", radius=int(np.ceil(3 * sigma)))
    assert np.allclose(blurred(sigma)(IMAGES).numpy(), expected, atol=1e-6)


def test_blurring_keeps_a_flat_image_and_every_image_to_itself() -> None:
    flat = torch.full((1, 1, 7, 7), 0.3)
    assert torch.allclose(blurred(1.5)(flat), flat)
    assert torch.allclose(blurred(1.5)(IMAGES)[1:2], blurred(1.5)(IMAGES[1:2]))


@pytest.mark.parametrize("name", ["blurred", "autoencoded"])
def test_the_exact_gradient_is_the_one_that_differences_show(name: str) -> None:
    torch.manual_seed(0)
    purifier = blurred(1.0) if name == "blurred" else autoencoded(AutoEncoder((1, 8, 8), latent=4, width=4))
    images, aside = (0.1 + 0.8 * torch.rand(1, 1, 8, 8)).requires_grad_(), torch.randn(1, 1, 8, 8)
    weighed = lambda x: (purifier.through(x, "exact") * aside).double().sum()  # noqa: E731
    (gradient,) = torch.autograd.grad(weighed(images), images)
    way = gradient / gradient.norm()
    with torch.no_grad():
        rise = (weighed(images + 1e-2 * way) - weighed(images - 1e-2 * way)) / 2e-2
    assert float(gradient.norm()) == pytest.approx(float(rise), rel=0.05)
    assert torch.equal(purifier.through(images, "exact").clamp(0, 1), purifier(images.detach()))


def test_what_makes_no_sense_is_refused() -> None:
    for value in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            binarised(value)
    for value in (0.0, -1.0, 33.0, float("nan")):
        with pytest.raises(UsageError, match="at most 32"):
            blurred(value)
    with pytest.raises(UsageError, match="takes 1 x 8 x 8, got 1 x 9 x 8"):
        autoencoded(AutoEncoder((1, 8, 8), latent=4, width=4))(torch.rand(1, 1, 9, 8))
    with pytest.raises(UsageError, match="in \\[0, 1\\]"):
        blurred(1.0)(2 * IMAGES)
