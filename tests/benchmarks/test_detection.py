"""Detection by what the projection leaves: scores, thresholds from other images, which AUC is claimed."""

from pathlib import Path

import pytest
import torch

from benchmarks import detection
from benchmarks.defense_task import Task
from benchmarks.detection import LEARNT, measure, rows, scores
from tests.benchmarks.defense_kit import runs

__all__ = ["runs"]

TASK = Task("mnist", n=4, quick=True)


def test_an_image_that_nothing_could_have_made_is_told_by_its_error(runs: Path) -> None:
    found = {line["score"]: line for line in rows(TASK, "fast", "all white", torch.ones(4, 1, 28, 28))}
    assert found["error"]["auc"] == found["error"]["detected"] == 1 and found["error"]["n"] == 4
    assert found["error"]["low"] < 1 and found["error"]["details"]["wanted"] == 0.05
    assert found.keys() == {"error", "disagreement"}


def test_magnet_asks_three_detectors(runs: Path) -> None:
    assert scores(TASK, "MagNet", torch.rand(2, 1, 28, 28)).keys() == {"error", "divergence 10", "divergence 40"}


def test_the_claim_is_of_the_error_in_the_worse_mode(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    areas = {"reference": 0.9, "fast": 0.8, "MagNet": 0.1}

    def some(task: Task, mode: str, attack: str, adversarial: torch.Tensor) -> list[dict[str, object]]:
        common = {"mode": mode, "attack": attack, "n": len(adversarial)}
        return [common | {"score": "error", "auc": areas[mode]}, common | {"score": "disagreement", "auc": 0.5}]

    monkeypatch.setattr(detection, "rows", some)
    monkeypatch.setattr(detection.adaptive, "attackers", lambda *words: {})
    metrics, found = measure(TASK)
    assert metrics == {f"mnist_auc_eps_{eps}": 0.8 for eps in (0.1, 0.2, 0.3)}
    few = {line["n"] for line in found if line["mode"] == "reference" and line["attack"] != "FGSM 0.3"}
    assert few == {1} and {line["n"] for line in found if line["mode"] in LEARNT and line["mode"] != "reference"} == {4}
