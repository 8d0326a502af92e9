"""The whole way on real files: readers, training, evaluation, verification, the dossier."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lineament.authentication.verification import set_eer, standardise
from lineament.datasets.celeba import celeba
from lineament.datasets.identities import extended_yale_b
from lineament.datasets.idx import mnist
from lineament.datasets.pixels import pixels
from lineament.detectors.augmentation import Augmentation
from lineament.detectors.detector import Detector
from lineament.detectors.prediction import decoded, log_odds
from lineament.detectors.presets import DetectorConfig, Part
from lineament.detectors.training import train_detector
from lineament.dossier import SECTIONS, run_sections, write
from lineament.faces.parts import Window
from lineament.subject import Subject
from tests.data_root import data_root


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAMENT_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)


def small(attributes, window, **changes) -> DetectorConfig:
    config = DetectorConfig(
        "small", (Part("All", "residual", window, tuple(attributes), channels=8),), "in_turn",
        Augmentation(contrast=0.1, gamma=0.1), "networks", mirror=False, epochs=8, patience=None, batch=32,
        learning_rate=3e-3, averaging=0.95,
    )  # fmt: skip
    return replace(config, **changes)


def accuracy(detector: Detector, dataset) -> dict[str, float]:
    labels = np.stack([dataset.column(name) for name in detector.attributes], 1)
    said = log_odds(detector, dataset, decoded(dataset, detector.shape)) > 0
    return dict(zip(detector.attributes, (said == (labels == 1)).mean(0).tolist(), strict=True))


def test_celeba_from_files_to_dossier(tmp_path):
    whole = celeba(data_root("celeba"))
    people = np.unique(whole.identity)
    dataset = whole.subset(np.isin(whole.identity, people[np.random.default_rng(0).permutation(len(people))[:75]]))
    names = ("Male", "Smiling", "Wearing_Lipstick", "Blond_Hair")
    detector = train_detector(dataset, small(names, Window(0, 10, 48, 48, zoom=0.2)), tmp_path / "run")
    test = dataset.part("test")
    truth, score = test.column("Male") == 1, log_odds(detector, test, decoded(test, detector.shape))[:, 0]
    assert (score[truth][:, None] > score[~truth]).mean() > 0.75  # its AUC

    subject = Subject(dataset, detector, seed=0, quick=True)
    results = run_sections(subject, SECTIONS)
    write(subject, results, tmp_path / "page.html", command="test", json=tmp_path / "page.json")
    page = (tmp_path / "page.html").read_text()
    assert all(section.title in page for section in SECTIONS)
    assert json.loads((tmp_path / "page.json").read_text())


def test_mnist_digits_are_told_apart(tmp_path):
    whole = mnist(data_root("MNIST"))
    kept = np.flatnonzero((whole.column("3") == 1) | (whole.column("8") == 1))
    parts = [kept[whole.split[kept] == part][:count] for part, count in ((0, 800), (1, 200), (2, 300))]
    dataset = whole.subset(np.concatenate(parts))
    config = small(["8"], Window(0, 0, 28, 28, zoom=0.1), epochs=5)
    centred = np.broadcast_to(np.array([[0.4, 0.5], [0.6, 0.5]], np.float32), (len(dataset), 2, 2))
    detector = train_detector(replace(dataset, eyes=centred), config, tmp_path / "run")
    assert accuracy(detector, replace(dataset, eyes=centred).part("test"))["8"] > 0.9


def test_yale_b_is_harder_across_lights_than_within(tmp_path):
    dataset = extended_yale_b(data_root("extended_yale_b"))
    chosen = dataset.subset(dataset.identity < np.unique(dataset.identity)[12])
    small_pixels = pixels(chosen, (24, 21))
    vectors = small_pixels.reshape(len(chosen), -1).astype(float)
    vectors = standardise(vectors, vectors)
    frontal = np.flatnonzero(chosen.session == "frontal")
    within = set_eer(vectors[frontal], chosen.identity[frontal], [chosen.names[i] for i in frontal], resamples=20)
    extreme = np.flatnonzero(chosen.session == "extreme")
    ordered = np.concatenate([frontal, extreme])
    names = [f"{0 if i in frontal else 1}{chosen.names[i]}" for i in ordered]
    across = set_eer(vectors[ordered], chosen.identity[ordered], names, resamples=20)
    assert within.eer[0] <= across.eer[0]
    assert across.eer[0] > 0.05  # raw pixels do not survive a lamp from the side
