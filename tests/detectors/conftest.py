"""A real detector, trained in seconds on a few portraits, that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lineament.datasets.base import AttributeDataset
from lineament.datasets.portraits import portraits
from lineament.detectors.augmentation import Augmentation
from lineament.detectors.detector import Detector
from lineament.detectors.presets import DetectorConfig, Part
from lineament.detectors.training import train_detector
from lineament.faces.parts import Window

ATTRIBUTES = ("Wearing_Hat", "Eyeglasses", "Smiling")


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory) -> Iterator[None]:
    """Decoded pixels go to a folder of this session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEAMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session")
def drawn() -> AttributeDataset:
    """Portraits of 100 people, 6 images each, 32 px."""
    return portraits(people=100, images_per_person=6, size=32, seed=3)


@pytest.fixture(scope="session")
def tiny() -> DetectorConfig:
    """Two parts, one without Smiling, that learn a hat in some seconds."""
    head = Part("Head", "residual", Window(0, 10, 32, 32, zoom=0.13), ATTRIBUTES, channels=8)
    top = Part("Top", "residual", Window(0, -40, 32, 16, zoom=0.2), ("Wearing_Hat", "Eyeglasses"), channels=8)
    return DetectorConfig(
        "tiny", (head, top), "in_turn", Augmentation(), "networks", mirror=True, epochs=12, patience=None, batch=32,
        learning_rate=3e-3, averaging=0.9,
    )  # fmt: skip


@pytest.fixture(scope="session")
def trained(drawn, tiny, tmp_path_factory) -> tuple[Detector, Path]:
    """The detector and the folder of its run."""
    folder = tmp_path_factory.mktemp("run") / "tiny"
    return train_detector(drawn, tiny, folder, precision="float32"), folder


@pytest.fixture(scope="session")
def test_part(drawn) -> tuple[torch.Tensor, torch.Tensor, AttributeDataset]:
    """Images, eyes and data set of the portraits' test part."""
    part = drawn.part("test")
    return part.images(np.arange(len(part))), torch.from_numpy(part.eyes), part
