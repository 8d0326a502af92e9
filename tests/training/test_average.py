"""The moving average against its definition, one number at a time."""

import pytest
import torch
from torch import nn

from lineament.errors import UsageError
from lineament.training import moving_average


def test_weights_follow_the_warmed_up_decay():
    layer = nn.Linear(1, 1, bias=False)
    average = moving_average(layer, 0.9)
    expected = layer.weight.item()
    for n in range(1, 30):
        with torch.no_grad():
            layer.weight.fill_(float(n))
        average.update_parameters(layer)
        # the first update copies, as AveragedModel documents
        decay = 0.0 if n == 1 else min(0.9, (1 + n - 1) / (10 + n - 1))
        expected = decay * expected + (1 - decay) * n
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-5)


def test_decay_zero_is_the_network_itself_and_buffers_are_averaged_too():
    layer = nn.BatchNorm1d(2)
    average = moving_average(layer, 0.0)
    for _ in range(3):
        layer(torch.randn(8, 2))
        average.update_parameters(layer)
    assert torch.equal(average.module.running_mean, layer.running_mean)
    assert average.module.num_batches_tracked == 3
    assert not average.training


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_outside_its_range_is_refused(decay):
    with pytest.raises(UsageError, match="decay"):
        moving_average(nn.Linear(1, 1), decay)
