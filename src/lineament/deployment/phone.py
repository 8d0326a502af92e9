"""What each part network of a detector costs on this CPU: weights, multiply-adds, time a face (table 2.16)."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from lineament.detectors.detector import Detector
from lineament.detectors.networks import multiply_adds
from lineament.errors import UsageError

__all__ = ["Cost", "network_costs"]


@dataclass(frozen=True)
class Cost:
    """One network's cost for one face, its mirror image included where the detector looks at both.

    Attributes:
        part: what it sees.
        parameters: numbers it has learnt.
        megabytes: that they take as float32.
        multiply_adds: of convolutions and linear layers.
        milliseconds: processor time of this process, the least of the medians of all rounds.
    """

    part: str
    parameters: int
    megabytes: float
    multiply_adds: int
    milliseconds: float


@torch.inference_mode()
def network_costs(detector: Detector, *, rounds: int = 3, calls: int = 9) -> list[Cost]:
    """The cost of each part network, in the detector's order; cropping and the head are not counted.

    Args:
        detector: on the CPU; the clock of a process does not see what a GPU takes.
        rounds: other programs only ever add to a time, so the quickest round counts.
        calls: a round, of which the median counts.
    """
    if rounds < 1 or calls < 1:
        raise UsageError(f"rounds, calls: expected 1 or more, got {rounds} and {calls}")
    views = 2 if detector.mirror else 1
    costs = []
    for part in detector.parts:
        network, window = detector.networks[part.name], part.window
        face = torch.rand(views, 3, window.height, window.width, device=detector.head.weight.device)
        parameters = sum(weight.numel() for weight in network.parameters())
        macs = views * multiply_adds(network, window.height, window.width)
        medians = [float(np.median([_milliseconds(network, face) for _ in range(calls)])) for _ in range(rounds)]
        costs.append(Cost(part.name, parameters, 4 * parameters / 1e6, macs, min(medians)))
    return costs


def _milliseconds(network: torch.nn.Module, face: torch.Tensor) -> float:
    started = time.process_time()
    network(face)
    return 1000 * (time.process_time() - started)
