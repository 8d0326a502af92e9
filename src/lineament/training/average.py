"""The exponential moving average of a network's weights, on PyTorch's own `AveragedModel`."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from lineament.errors import UsageError

__all__ = ["moving_average"]


def moving_average(network: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A copy of ``network`` whose ``update_parameters(network)`` moves it a share ``1 - decay`` towards the original.

    The decay is warmed up as min(decay, (1 + n) / (10 + n)) after n updates, so that the first, random weights do not
    linger. Buffers (the statistics of batch normalisation) are averaged too. The average stays in evaluation mode.
    """
    if not 0 <= decay < 1:
        raise UsageError(f"decay: expected a number in [0, 1), got {decay}")

    @torch.no_grad()
    def step(averages: Sequence[Tensor], values: Sequence[Tensor], updates: Tensor | int) -> None:
        n = torch.as_tensor(updates, device=averages[0].device, dtype=averages[0].dtype)
        share = 1 - ((1 + n) / (10 + n)).clamp(max=decay)  # a tensor: reading the number would wait for the GPU
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, share)
            else:
                average.copy_(value)

    average = AveragedModel(network, multi_avg_fn=step, use_buffers=True)
    return average.eval().requires_grad_(False)
