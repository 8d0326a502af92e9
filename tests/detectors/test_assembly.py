"""What becomes of trained networks: heads and figures, held against their definitions."""

import numpy as np
import pytest
import torch
from torch import nn

from lineament.detectors.assembly import embeddings, mean_accuracy, own_head, uncalibrated
from lineament.detectors.augmentation import Augmentation
from lineament.detectors.batches import Images, names_sha256
from lineament.detectors.detector import build_network
from lineament.detectors.presets import DetectorConfig, Part
from lineament.faces.parts import Window, crop


@pytest.mark.parametrize("architectures", [("deep", "deep"), ("residual", "deep"), ("residual", "residual")])
def test_the_networks_own_head_is_the_mean_of_their_log_odds(architectures, drawn):
    parts = tuple(
        Part(name, architecture, Window(0, y, 48, 40, zoom=0.2), attributes, channels=4)
        for name, architecture, y, attributes in zip(
            "AB", architectures, (0, 20), (("Eyeglasses", "Smiling"), ("Smiling", "Wearing_Hat")), strict=True
        )
    )
    config = DetectorConfig("two", parts, "in_turn", Augmentation(), "networks", False, 1, None)
    torch.manual_seed(0)
    networks = nn.ModuleDict({part.name: build_network(part) for part in parts}).eval()
    data = Images(drawn, config.attributes, np.stack([drawn.read(i) for i in range(6)]), np.arange(6))
    images, eyes, _ = data.batch(np.arange(6))
    a, b = (networks[part.name](crop(images, eyes, part.window))[1] for part in parts)
    expected = torch.stack([a[:, 0], (a[:, 1] + b[:, 0]) / 2, b[:, 1]], 1)

    detector = uncalibrated(networks, config, data)
    assert detector.attributes == ("Eyeglasses", "Smiling", "Wearing_Hat")
    assert torch.allclose(detector(images, eyes), expected, atol=1e-4)
    found = own_head(networks, config)(embeddings(detector, data, np.arange(6)))
    assert found == pytest.approx(expected.detach().numpy(), abs=1e-4)


def test_mean_accuracy_counts_known_labels_attribute_by_attribute():
    scores = np.array([[0.9, 0.2], [0.1, 0.6], [0.8, 0.9]])
    labels = np.array([[1, 0], [1, -1], [-1, -1]], np.int8)
    # first attribute: one of two right; second: its only known one is right
    assert mean_accuracy(scores, labels, np.array([0.5, 0.5])) == pytest.approx((1 / 2 + 1) / 2)


def test_batches_are_the_images_with_their_eyes_and_labels(drawn):
    memory = np.stack([drawn.read(i) for i in range(4)])
    data = Images(drawn, ("Smiling", "Bald"), memory, np.array([0, 1]))
    images, eyes, labels = data.batch(np.array([3, 1]))
    assert np.array_equal((images[0].permute(1, 2, 0).numpy() * 255).round(), drawn.read(3))
    assert np.array_equal(eyes[1], drawn.eyes[1])
    assert labels.tolist() == [[drawn.column("Smiling")[i], drawn.column("Bald")[i]] for i in (3, 1)]
    assert np.allclose(data.nominal, np.median(drawn.eyes[:2], axis=0))  # of the training images alone


def test_the_hash_of_training_names_does_not_depend_on_their_order():
    assert names_sha256(["b", "a"]) == names_sha256(["a", "b"]) != names_sha256(["a", "c"])
