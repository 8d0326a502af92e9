"""What stays, beside scikit-image, definitions written out, and cases worked out by hand."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from skimage.metrics import structural_similarity

from lineament.editing.likeness import change, identity_kept, ms_ssim, recognised, reconstruction
from lineament.errors import UsageError


def faces(n=4, size=64, seed=0):
    """Smooth images, so that their scales differ."""
    coarse = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def noisy(images, strength, seed=1):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images + strength * noise).clamp(0, 1)


def test_with_one_scale_it_is_the_ssim_of_scikit_image():
    images = faces(size=20)
    others = noisy(images, 0.1)
    wanted = [
        structural_similarity(
            *(x.permute(1, 2, 0).double().numpy() for x in pair), data_range=1, channel_axis=2,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for pair in zip(images, others, strict=True)
    ]  # fmt: skip
    assert ms_ssim(images, others).numpy() == pytest.approx(np.array(wanted), abs=1e-5)


def test_with_three_scales_it_is_the_product_of_wang_simoncelli_and_bovik():
    images = faces(2)
    others = noisy(images, 0.05)

    def blurred(x):
        line = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
        return correlate1d(correlate1d(x, line / line.sum(), 0), line / line.sum(), 1)[5:-5, 5:-5]

    def channel(x, y):
        result = 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001)):
            mx, my = blurred(x), blurred(y)
            vx, vy, cov = blurred(x * x) - mx**2, blurred(y * y) - my**2, blurred(x * y) - mx * my
            term = (2 * cov + 9e-4) / (vx + vy + 9e-4)
            if scale == 2:
                term = term * (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
            result *= term.mean() ** (weight / 0.6305)
            half = len(x) // 2
            x, y = (z.reshape(half, 2, half, 2).mean((1, 3)) for z in (x, y))
        return result

    pairs = zip(images.double().numpy(), others.double().numpy(), strict=True)
    wanted = [np.mean([channel(x, y) for x, y in zip(*pair, strict=True)]) for pair in pairs]
    assert ms_ssim(images, others).numpy() == pytest.approx(np.array(wanted), abs=1e-5)


def test_ms_ssim_is_one_for_equal_images_and_falls_with_noise():
    images = faces()
    values = [float(ms_ssim(images, noisy(images, s)).mean()) for s in (0, 0.02, 0.1, 0.3)]
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert values == sorted(values, reverse=True)
    assert float(ms_ssim(images, 1 - images).max()) < 0.1


def test_reconstruction_errors_are_means_over_values():
    images = torch.full((2, 3, 16, 16), 0.5)
    others = images.clone()
    others[0] += 0.2
    drawn = reconstruction(images, others, [0, 1])
    assert drawn["l1"][0] == pytest.approx(0.1)
    assert drawn["mse"][0] == pytest.approx(0.02)
    assert set(np.round(drawn["l1"], 5)) == {0.0, 0.1, 0.2}  # either person twice, or both


def test_identity_kept_is_one_minus_the_share_of_variance_that_moved():
    before = torch.from_numpy(np.random.default_rng(0).normal([3, -1e6], [1, 5], (200, 2)))
    assert (identity_kept(before, before, np.arange(200)) == 1).all()
    after = before + torch.tensor([0.5, 0.5])
    assert identity_kept(before, after, np.arange(200))[0] == pytest.approx(
        1 - 0.25 / before.var(0, correction=0).numpy()
    )
    someone = identity_kept(before, before.roll(1, 0), np.arange(200))[0]
    assert (someone < -0.5).all()  # another face is twice as far as the mean face
    mean = before.mean(0).expand_as(before)
    assert identity_kept(before, mean, np.arange(200))[0] == pytest.approx([0, 0], abs=1e-9)


def test_identity_kept_in_a_draw_is_that_of_the_people_drawn():
    before = torch.tensor([[0.0], [1.0], [4.0]]).double()
    drawn = identity_kept(before, before + 1, [0, 1, 2])[:, 0]
    possible = {
        1 - 1 / np.var(x) for x in [(0, 1, 4), (0, 0, 1), (0, 1, 1), (0, 0, 4), (0, 4, 4), (1, 1, 4), (1, 4, 4)]
    }
    assert {round(x, 6) for x in drawn if not np.isnan(x)} == {round(x, 6) for x in possible}
    assert np.isnan(drawn).any()  # one person thrice: no variance


def test_recognised_by_the_nearest_of_the_gallery():
    gallery, owners = torch.tensor([[0.0, 0], [5, 0], [0, 5]]), [7, 8, 9]
    probes = torch.tensor([[1.0, 1], [4, 1], [4.5, 0], [1, 3]])
    assert recognised(gallery, owners, probes, [7, 8, 9, 9])[0] == 0.75
    with pytest.raises(UsageError, match="owners, identity"):
        recognised(gallery, owners[:2], probes, [7, 8, 9, 9])


def test_change_is_told_apart_by_the_true_region():
    images = torch.full((2, 3, 4, 4), 0.5)
    edited, regions = images.clone(), torch.zeros(2, 4, 4, dtype=torch.bool)
    regions[0, :2] = True
    edited[0, :, :2] += 0.4  # all of the region of the first
    edited[1, 0, 3] += 0.3  # of the second, which has none, one channel of one row
    drawn = change(images, edited, regions, [0, 1])
    assert drawn["inside"][0] == pytest.approx(0.4)
    assert drawn["outside"][0] == pytest.approx(4 * 0.1 / 24)
    assert np.isnan(drawn["inside"]).any()  # the second person twice


@pytest.mark.parametrize(
    ("measure", "arguments", "told"),
    [
        (ms_ssim, (faces(size=8), faces(size=8)), "at least 11 x 11"),
        (ms_ssim, (faces(2), faces(3)), "one shape"),
        (reconstruction, (faces(2, 32), faces(2, 64), [0, 1]), "one shape"),
        (identity_kept, (torch.rand(3, 2), torch.rand(3, 1), [0, 1, 2]), "after: expected"),
        (change, (faces(2), faces(2), torch.zeros(2, 3, 3).bool(), [0, 1]), "regions"),
    ],
)
def test_wrong_calls_are_refused(measure, arguments, told):
    with pytest.raises(UsageError, match=told):
        unwrap(measure)(*arguments)  # without the check of shapes that tests add
