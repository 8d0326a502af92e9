"""Grad-CAM agrees with Captum, and lies in its place where a network does not look at the image as it is."""

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from lineament.detectors.detector import shipped
from lineament.errors import UsageError
from lineament.explanation.attribution import METHODS, attribute
from lineament.explanation.decisions import of_attribute
from lineament.explanation.log_odds import log_odds
from tests.explanation.small_networks import Convolutional, Residual, between_two, initialised, some_images

YES = torch.ones(4, dtype=torch.int64)


@pytest.mark.parametrize(("side", "layer"), [(2, "bend_again"), (4, "pool"), (8, "bend")])
def test_captum_agrees(side: int, layer: str) -> None:
    images = some_images(4, side=16 if side == 8 else 8)
    network = initialised(Convolutional(), images).eval()
    if side == 8:
        side, layer = 16, "bend"
    cam = LayerGradCam(lambda x: network(x).diff(dim=1)[:, 0], getattr(network, layer))
    expected = cam.attribute(images, relu_attributions=True)
    expected = LayerAttribution.interpolate(expected, images.shape[2:], "bilinear")[:, 0].detach()
    assert expected.any()
    torch.testing.assert_close(attribute("grad_cam", between_two(network), images, YES, side=side), expected)


class Looking(nn.Module):
    """Networks that look at the lower right quarter, at other values and twice as large, and perhaps mirrored."""

    def __init__(self, network: nn.Module, mirrored: bool = False) -> None:
        super().__init__()
        self.network, self.mirrored = network, mirrored

    def forward(self, images: Tensor) -> Tensor:
        quarter = nn.functional.interpolate(images[:, :, 4:, 4:] * 4 - 2, scale_factor=2.0)
        logits: Tensor = self.network(quarter)
        return (logits + self.network(quarter.flip(3))) / 2 if self.mirrored else logits


def test_a_crop_is_laid_back_in_its_place() -> None:
    images = some_images(4)
    inner = initialised(Residual(), images)
    maps = attribute("grad_cam", between_two(Looking(inner)), images, YES, side=8)
    assert not maps[:, :4].any() and not maps[:, :, :4].any()
    quarter = nn.functional.interpolate(images[:, :, 4:, 4:], scale_factor=2.0)

    class AsIs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.inner(images * 4 - 2)
            return logits

    alone = attribute("grad_cam", between_two(AsIs()), quarter, YES, side=8)
    torch.testing.assert_close(maps[:, 4:, 4:], nn.functional.avg_pool2d(alone, 2))


@pytest.mark.parametrize("method", ["grad_cam", "lrp_epsilon", "lrp_alpha_beta", "lrp_z_plus"])
def test_who_looks_at_both_mirror_images_has_mirrored_maps(method: str) -> None:
    images = some_images(4)
    decisions = between_two(Looking(initialised(Residual(), images), mirrored=True))
    maps = attribute(method, decisions, images, YES)
    flipped = images.clone()
    flipped[..., 4:] = images[..., 4:].flip(3)
    turned = attribute(method, decisions, flipped, YES)[..., 4:].flip(2)
    torch.testing.assert_close(maps[..., 4:], turned, rtol=1e-3, atol=1e-4)


def test_two_networks_maps_are_added() -> None:
    class Halves(nn.Module):
        def __init__(self, left: nn.Module, right: nn.Module) -> None:
            super().__init__()
            self.left, self.right = left, right

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.left(images[..., :8]) + self.right(images[..., 8:])
            return logits

    images = torch.cat([some_images(4), some_images(4, seed=2)], 3)
    left, right = (initialised(Convolutional(), images[..., :8], seed) for seed in (3, 4))
    maps = attribute("grad_cam", between_two(Halves(left, right)), images, YES)
    for network, half in ((left, slice(0, 8)), (right, slice(8, 16))):
        own = attribute("grad_cam", between_two(network), images[..., half].clone(), YES)
        torch.testing.assert_close(maps[..., half], own)


def test_a_perceptron_has_no_feature_map() -> None:
    images = some_images(4)
    with pytest.raises(UsageError, match="grad_cam finds no feature map"):
        attribute("grad_cam", between_two(nn.Sequential(nn.Flatten(), nn.Linear(64, 2))), images, YES)


@pytest.mark.parametrize("method", METHODS)
def test_a_detector_is_explained_whatever_the_method(method: str) -> None:
    detector = shipped()
    decisions = of_attribute(detector, detector.attributes, "Eyeglasses")
    images = some_images(2, channels=3, side=32)
    maps = attribute(method, decisions, images, YES[:2])
    assert maps.shape == (2, 32, 32) and maps.isfinite().all() and maps.flatten(1).any(1).all()
    if method == "lrp_epsilon":
        assert (log_odds(decisions, images, YES[:2]) + log_odds(decisions, images, 0 * YES[:2])).abs().max() < 1e-4
