import numpy as np
import pytest

from lineament.deployment.phone import network_costs
from lineament.detectors.attributes import CELEBA_ATTRIBUTES
from lineament.detectors.detector import Detector, build_network, shipped
from lineament.detectors.heads import Head
from lineament.detectors.presets import paper
from lineament.errors import UsageError


def untrained(parts, mirror=False):
    width = sum(part.embedding for part in parts)
    return Detector(
        parts, {part.name: build_network(part) for part in parts},
        Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32)), attributes=["Male"],
        thresholds=np.full(1, 0.5), eyes=np.array([[0.4, 0.4], [0.6, 0.4]]), shape=(128, 128), mirror=mirror,
    )  # fmt: skip


def test_parameters_are_those_of_table_2_16_and_time_is_measured():
    parts = [part for part in paper(CELEBA_ATTRIBUTES).parts if part.name in ("Nose", "BothEyes")]
    costs = {cost.part: cost for cost in network_costs(untrained(parts), rounds=1, calls=2)}
    assert (costs["Nose"].parameters, costs["BothEyes"].parameters) == (170400, 227936)
    assert costs["Nose"].megabytes == pytest.approx(0.6816)
    assert all(cost.milliseconds > 0 for cost in costs.values())
    assert costs["BothEyes"].multiply_adds > costs["Nose"].multiply_adds


def test_a_mirror_image_is_a_second_face():
    parts = [part for part in paper(CELEBA_ATTRIBUTES).parts if part.name == "Nose"]
    once, twice = (network_costs(untrained(parts, mirror), rounds=1, calls=1)[0] for mirror in (False, True))
    assert twice.multiply_adds == 2 * once.multiply_adds and twice.parameters == once.parameters


def test_the_shipped_detector_has_one_network():
    assert [cost.part for cost in network_costs(shipped(), rounds=1, calls=1)] == ["Head"]
    with pytest.raises(UsageError, match="expected 1 or more, got 0"):
        network_costs(shipped(), rounds=0)
