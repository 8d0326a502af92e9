"""A small training run with everything in it, to be killed, resumed and run by several processes; see test_run."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from lineament.training import Run, moving_average


@dataclass(frozen=True)
class Config:
    hidden: int = 8
    dropout: float = 0.5


def train(folder: Path, *, steps: int = 60, pause: float = 0.0, config: Config | None = None, **options) -> Run:
    """Fit a noisy line with dropout, momentum and averaging; all that can differ after a resume is in it."""
    config = config or Config()
    torch.set_num_threads(1)
    run = Run(folder, config, device="cpu", checkpoint_seconds=0.0 if pause else 60.0, **options)
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Linear(2, config.hidden), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, 1)
    )
    average = moving_average(network, 0.9)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    model, optimizer = run.prepare(network, optimizer)
    run.track(network=network, average=average, optimizer=optimizer)
    for step in run.steps(steps, "toy"):
        x = torch.randn(16, 2, generator=torch.Generator().manual_seed(step))[run.process :: run.processes]
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(network)
        run.log(loss=loss)
        if (step + 1) % 20 == 0:
            run.keep_best(-float(step == 39), average.module.state_dict())
        time.sleep(pause)
    return run


if __name__ == "__main__":
    dropout = float(sys.argv[3]) if len(sys.argv) > 3 else 0.5
    train(Path(sys.argv[1]), pause=float(sys.argv[2]), config=Config(dropout=dropout), precision="float32")
