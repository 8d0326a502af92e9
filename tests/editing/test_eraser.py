"""The eraser: what is filled does not depend on what was there, and what was not marked stays."""

import torch

from lineament.editing.eraser import EDGE, Eraser, UNet, painted_over


def eraser(edge: float = EDGE) -> Eraser:
    torch.manual_seed(0)
    return Eraser(32, 2, width=8, edge=edge).eval().requires_grad_(False)


def test_paintings_cover_one_another_in_turn() -> None:
    images, paintings, masks = torch.rand(2, 3, 4, 4), torch.rand(2, 2, 3, 4, 4), torch.rand(2, 2, 1, 4, 4)
    which = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    result = painted_over(images, (paintings, masks), which)
    first = images[0] * (1 - masks[0, 0]) + paintings[0, 0] * masks[0, 0]
    torch.testing.assert_close(result[0], first * (1 - masks[0, 1]) + paintings[0, 1] * masks[0, 1])
    torch.testing.assert_close(result[1], images[1] * (1 - masks[1, 1]) + paintings[1, 1] * masks[1, 1])


def test_what_is_filled_tells_nothing_of_what_was_there() -> None:
    R, images = eraser(), torch.rand(2, 3, 32, 32)
    region = torch.zeros(2, 1, 32, 32)
    region[:, :, 8:20, 4:30] = 1
    other = torch.where(region == 1, torch.rand_like(images), images)
    filled = R.filled(images, region)
    assert torch.equal(filled, R.filled(other, region))
    assert torch.equal(filled[:, :, 20:], images[:, :, 20:]) and not torch.equal(filled, images)


def test_a_region_is_where_the_masks_asked_for_are_and_a_pixel_around() -> None:
    masks = torch.zeros(2, 2, 1, 32, 32)
    masks[:, 0, 0, 10, 10], masks[:, 1, 0, 20, 5], masks[:, 1, 0, 30, 30] = 1.0, EDGE + 0.01, EDGE - 0.01
    region = eraser().region(masks, torch.tensor([[True, False], [True, True]]))
    wanted = torch.zeros(2, 1, 32, 32)
    wanted[:, :, 9:12, 9:12] = 1
    wanted[1, :, 19:22, 4:7] = 1
    assert torch.equal(region, wanted)
    further = eraser(edge=EDGE - 0.02).region(masks, torch.tensor([[True, False], [True, True]]))
    wanted[1, :, 29:32, 29:32] = 1
    assert torch.equal(further, wanted)


def test_masks_are_shares_of_their_greatest_value_and_faint_ones_stay_faint() -> None:
    R, images = eraser(), torch.rand(3, 3, 32, 32)
    R.find.output.bias[6], R.find.output.bias[7] = 2.0, -2.5
    layers = R.layers(images)
    soft, found = layers[1], R.masks(layers)
    assert found.shape == (3, 2, 1, 32, 32)
    torch.testing.assert_close(found[:, 0].amax((1, 2, 3)), torch.ones(3))
    assert soft[:, 1].max() < 0.2
    torch.testing.assert_close(found[:, 1], soft[:, 1] * 5)


def test_without_attributes_asked_for_an_image_stays_as_it_is() -> None:
    R, images = eraser(), torch.rand(2, 3, 32, 32)
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    assert torch.equal(R(images, R.masks(R.layers(images)), nothing), images)


def test_a_network_of_the_eraser_keeps_the_size() -> None:
    for size, deeper in ((32, 0), (32, 1), (64, 1), (128, 0)):
        assert UNet(size, 4, 5, width=8, deeper=deeper)(torch.rand(2, 4, size, size)).shape == (2, 5, size, size)
