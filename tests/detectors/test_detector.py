"""The detector: what it computes, what it refuses, and that its artifact is itself."""

import json

import numpy as np
import pytest
import torch

from lineament.classifier import from_module
from lineament.detectors.detector import Detector, build_network, load
from lineament.detectors.heads import Head
from lineament.detectors.presets import Part
from lineament.errors import JobError, UsageError
from lineament.faces.parts import Window, crop


def test_log_odds_by_hand(trained, test_part):
    detector, _ = trained
    images, eyes, _ = test_part
    images, eyes = images[:3], eyes[:3]
    mirrored_eyes = torch.stack([1 - eyes[:, [1, 0], 0], eyes[:, [1, 0], 1]], 2)
    columns = []
    for part in detector.parts:
        network = detector.networks[part.name]
        straight = network(crop(images, eyes, part.window))[0]
        mirrored = network(crop(images.flip(3), mirrored_eyes, part.window))[0]
        columns.append((straight + mirrored) / 2)
    expected = torch.cat(columns, 1) @ detector.head.weight.T + detector.head.bias
    assert torch.allclose(detector(images, eyes), expected, atol=1e-5)
    assert torch.allclose(detector.probabilities(images, eyes), torch.sigmoid(expected), atol=1e-6)


def test_without_eyes_it_takes_the_nominal_ones(trained, test_part):
    detector, _ = trained
    images = test_part[0][:2]
    nominal = torch.from_numpy(detector.eyes).expand(2, 2, 2)
    assert torch.equal(detector(images), detector(images, nominal))


def test_an_artifact_is_the_detector(trained, test_part, tmp_path):
    detector, folder = trained
    images, eyes, _ = test_part
    for source in (folder, folder / "detector"):  # the run's folder will do as well
        again = load(source)
        assert torch.equal(again(images[:4], eyes[:4]), detector(images[:4], eyes[:4]))
        assert again.attributes == detector.attributes
        assert np.array_equal(again.thresholds, detector.thresholds)
    assert again.card["data"] == "portraits"
    assert again.card["training"]["schedule"]["preset"] == "tiny"


def test_only_some_attributes_cost_only_their_parts(trained, test_part):
    detector, _ = trained
    images, eyes, _ = test_part
    smiling = detector.only("Smiling")
    assert [part.name for part in smiling.parts] == ["Head"]  # Top does not carry it
    assert torch.allclose(smiling(images, eyes)[:, 0], detector(images, eyes)[:, 2], atol=1e-5)
    swapped = detector.only("Eyeglasses", "Wearing_Hat")
    assert torch.allclose(swapped(images, eyes), detector(images, eyes)[:, [1, 0]], atol=1e-5)
    assert np.array_equal(swapped.thresholds, detector.thresholds[[1, 0]])
    with pytest.raises(UsageError, match="did you mean 'Eyeglasses'"):
        detector.only("Eyeglases")


def test_a_subset_can_be_saved_and_loaded(trained, test_part, tmp_path):
    images, eyes, _ = test_part
    smiling = trained[0].only("Smiling")
    smiling.save(tmp_path / "smiling")
    assert torch.equal(load(tmp_path / "smiling")(images[:2], eyes[:2]), smiling(images[:2], eyes[:2]))


def test_it_is_a_classifier(trained, test_part):
    detector, _ = trained
    images = test_part[0][:3]
    assert detector.differentiable
    pixels = images.clone().requires_grad_()
    detector(pixels).sum().backward()
    assert pixels.grad.abs().sum() > 0
    assert torch.allclose(from_module(detector)(images), detector(images), atol=1e-6)


def test_what_is_no_colour_batch_is_refused(trained):
    with pytest.raises(UsageError, match=r"expected colour images \(3 channels\), got 1"):
        trained[0](torch.zeros(1, 1, 32, 32))
    with pytest.raises(UsageError, match="eyes"):
        trained[0](torch.zeros(2, 3, 32, 32), torch.zeros(1, 2, 2))
    with pytest.raises(UsageError, match=r"eyes: expected shape \(2, 2, 2\)"):
        trained[0](torch.zeros(2, 3, 32, 32), torch.zeros(2, 2))


def test_an_image_with_eyes_elsewhere_reads_the_same_there(trained, test_part):
    detector, _ = trained
    images, eyes, _ = test_part
    wide = torch.nn.functional.pad(images[:4], (20, 12, 8, 24), mode="replicate")
    moved = (eyes[:4] * 32 + torch.tensor([20.0, 8.0])) / 64
    assert torch.allclose(detector(wide, moved), detector(images[:4], eyes[:4]), atol=0.05)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda card: card["config"]["parts"][0].update(channels=9),
        lambda card: card["config"]["parts"][0].update(architecture="transformer"),
        lambda card: card["config"].pop("thresholds"),
        lambda card: card["attributes"].append("Extra"),
        lambda card: card["config"]["thresholds"].pop(),
        lambda card: card["config"].update(shape=[64]),
    ],
)
def test_a_card_that_does_not_fit_its_weights_is_refused(trained, tmp_path, break_it):
    from lineament import artifacts

    folder = trained[1]
    artifact = artifacts.load(folder / "detector", kind="detector")
    card = json.loads(json.dumps(artifact.card))
    break_it(card)
    artifacts.save(
        tmp_path / "odd",
        kind="detector",
        tensors=artifact.tensors,
        config=card["config"],
        attributes=card["attributes"],
    )
    with pytest.raises(JobError, match="do not describe a detector"):
        load(tmp_path / "odd")


def test_every_architecture_makes_a_detector():
    for architecture in ("deep", "wide", "residual"):
        part = Part("Mouth", architecture, Window(0, 66, 65, 38), ("Smiling",), channels=4)
        head = Head(np.ones((1, part.embedding), np.float32), np.zeros(1, np.float32))
        detector = Detector(
            [part], {"Mouth": build_network(part)}, head, attributes=["Smiling"], thresholds=np.array([0.5]),
            eyes=np.array([[0.4, 0.4], [0.6, 0.4]]), shape=(64, 64),
        )  # fmt: skip
        assert detector(torch.rand(2, 3, 64, 64)).shape == (2, 1)


def test_trained_networks_are_stored_in_half_the_bytes_and_lose_nothing(trained):
    from lineament import artifacts

    stored = artifacts.load(trained[1] / "detector", kind="detector").tensors
    convolutions = {name: value for name, value in stored.items() if value.ndim == 4}
    assert convolutions
    assert {value.dtype for value in convolutions.values()} == {torch.float16}
    assert stored["head.weight"].dtype == torch.float32  # calibration is not rounded
    for name, value in trained[0].state_dict().items():
        assert torch.equal(stored[name].to(value.dtype), value)


def test_the_shipped_detector_is_what_the_command_trains():
    from lineament.datasets.portraits import portraits
    from lineament.detectors import presets
    from lineament.detectors.detector import shipped

    detector = shipped("portraits")
    config = presets.portraits(portraits(people=1, images_per_person=2).attributes)
    assert detector.parts == config.parts  # retrain and replace it when this fails
    assert detector.attributes == config.attributes
    assert detector.card["metrics"]["development_accuracy"] > 0.98
    with pytest.raises(UsageError, match="did you mean 'portraits'"):
        shipped("portrait")
