"""Probes on codes of which it is known what can be read: by a line, by a network only, or not at all."""

import numpy as np
import pytest
import torch

from lineament.editing.probes import Sample, probe_labels, probe_styles
from lineament.errors import UsageError


def made(n, seed, sources=None):
    """Codes, and labels: of the first coordinate's sign, of the parity of two signs, and of a coin; one in nine on."""
    random = np.random.default_rng(seed)
    codes = random.normal(size=(n, 6)) * [1, 1, 1, 50, 0.01, 0] + [0, 0, 0, 9, 0, 4]
    labels = np.stack([codes[:, 0] > 0, codes[:, 1] * codes[:, 2] > 0, random.random(n) < 1 / 9], 1).astype(int)
    return torch.from_numpy(codes).float(), torch.from_numpy(labels), np.arange(n) // 3


TRAIN, TEST = (Sample(*made(n, seed)) for n, seed in ((1500, 0), (600, 1)))


def test_labels_are_read_by_a_line_by_a_network_only_or_not_at_all():
    drawn = probe_labels(TRAIN, TEST, steps=400)
    assert drawn.shape == (1001, 1, 3)
    line, parity, coin = drawn[0, 0]
    assert line > 0.97
    assert parity > 0.85  # a line gets half
    assert abs(coin - 0.5) < 0.08  # nothing but the base rate, which is worth nothing
    assert 0 < drawn[1:, 0, 2].std() < 0.05


def test_each_source_is_read_alone_and_unknown_labels_are_left_out():
    codes, labels, identity = TRAIN

    def both(sample):
        noise = torch.randn(sample.codes.shape, generator=torch.Generator().manual_seed(2))
        return sample._replace(codes=torch.stack([sample.codes, noise], 1))

    labels = labels.clone()
    labels[::2] = -1
    drawn = probe_labels(both(Sample(codes, labels, identity)), both(TEST), steps=200)
    assert drawn.shape == (1001, 2, 3)
    assert drawn[0, 0, 0] > 0.95
    assert abs(drawn[0, 1, :2] - 0.5).max() < 0.08
    half = TEST.targets.clone()
    half[300:, 0] = 1 - half[300:, 0]
    hidden = half.clone()
    hidden[300:] = -1
    found = [probe_labels(TRAIN, TEST._replace(targets=targets), steps=50)[0, 0, 0] for targets in (half, hidden)]
    assert found[0] == pytest.approx(0.5, abs=0.05)
    assert found[1] > 0.95


def test_styles_are_read_by_a_line_by_a_network_only_or_not_at_all():
    random = np.random.default_rng(5)

    def with_styles(sample):
        x = sample.codes.double()
        noise = torch.from_numpy(random.normal(size=(2, len(x))))
        columns = [
            1000 + 5 * x[:, 0],
            (x[:, 1] * x[:, 2]).sin(),
            noise[0],
            x[:, 0] + noise[1],
            torch.full((len(x),), 0.1),
        ]
        return sample._replace(targets=torch.stack(columns, 1))

    drawn = probe_styles(with_styles(TRAIN), with_styles(TEST), steps=400)
    assert drawn.shape == (1001, 1, 5)
    assert drawn[0, 0, 0] > 0.99
    assert drawn[0, 0, 1] > 0.6  # a line gets none
    assert abs(drawn[0, 0, 2]) < 0.05
    assert drawn[0, 0, 3] == pytest.approx(0.5, abs=0.1)
    assert np.isnan(drawn[:, 0, 4]).all()


def test_r2_is_held_against_the_test_sets_own_mean():
    shifted = Sample(TEST.codes, TEST.codes[:, :1] + 3, TEST.identity)
    drawn = probe_styles(Sample(TRAIN.codes, TRAIN.codes[:, :1], TRAIN.identity), shifted, steps=50)
    true = shifted.targets[:, 0].double().numpy()
    assert drawn[0, 0, 0] == pytest.approx(1 - 9 / true.var(), rel=0.05)  # misled by 3 everywhere


def test_the_test_people_decide_nothing_and_a_seed_brings_the_same():
    state = torch.get_rng_state()
    found = probe_labels(TRAIN, TEST, steps=100)
    upside_down = probe_labels(TRAIN, TEST._replace(targets=1 - TEST.targets), steps=100)
    assert found + upside_down == pytest.approx(np.ones_like(found))  # whoever is chosen by them is right both times
    assert (found == probe_labels(TRAIN, TEST, steps=100)).all()
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("train", "told"),
    [
        (TRAIN._replace(targets=TRAIN.targets * 0), "both classes"),
        (TRAIN._replace(targets=TRAIN.targets * 2), "1, 0 or -1"),
        (TRAIN._replace(targets=TRAIN.targets[:, :2]), "one shape an image"),
        (TRAIN._replace(codes=TRAIN.codes[:-1]), "codes, targets, identity"),
        (TRAIN._replace(targets=TRAIN.targets[:, :0]), "none empty"),
        (TRAIN._replace(codes=TRAIN.codes / 0), "finite"),
        (TRAIN._replace(identity=np.arange(1500) % 4), "at least 5 people"),
    ],
)
def test_wrong_calls_are_refused(train, told):
    with pytest.raises(UsageError, match=told):
        probe_labels(train, TEST)
