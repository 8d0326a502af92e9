"""Training a generator for seconds: it learns, is kept by its score, resumes to the bit, and refuses clearly."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from lineament import artifacts
from lineament.datasets.labelled import Labelled, floats
from lineament.defense.generator import load
from lineament.defense.judge import judge
from lineament.defense.networks import Generator
from lineament.defense.presets import CPU, GeneratorConfig, preset
from lineament.defense.training import snapshots, train_generator
from lineament.errors import JobError, UsageError
from lineament.training.distances import frechet_distance
from tests.defense.toy_generator import bars

TINY = replace(CPU, steps=6, batch=16, width=4, latent=4, evaluations=2)


def flat(images: Tensor) -> Tensor:
    return images.flatten(1)


def trained(folder: Path, **changes: object) -> Generator:
    return train_generator(
        bars(200), bars(80, seed=1), flat, replace(TINY, **changes), folder, device="cpu", precision="float32",
        card={"data": "bars", "licence": "none"},
    )  # fmt: skip


def test_seconds_of_bars_bring_made_images_nearer_to_real_ones(tmp_path: Path) -> None:
    made = trained(tmp_path, steps=200, width=8, learning_rate=2e-3, averaging=0.9, evaluations=4)
    torch.manual_seed(0)
    latents, real = torch.randn(300, 4), flat(floats(bars(300, seed=2))).double()
    fresh = Generator((1, 8, 8), latent=4, width=8)
    with torch.no_grad():
        ours, before = (frechet_distance(real, flat(network(latents)).double()) for network in (made, fresh))
    assert ours < 0.5 * before
    with Image.open(tmp_path / "samples.png") as sheet:
        assert sheet.size == (16 * 56, 8 * 56) and len(set(sheet.tobytes())) > 50
    _, card = load(tmp_path)
    assert card["data"] == "bars" and card["metrics"]["fid"] > 0 and "table 5.5" in card["feature_space"]


def test_the_best_snapshot_is_kept_and_all_can_be_had(tmp_path: Path) -> None:
    made = trained(tmp_path, steps=60, evaluations=3, learning_rate=1e-3)
    kept = snapshots(tmp_path)
    assert list(kept) == [20, 40, 60]
    scores = {step: artifacts.read_card(place)["metrics"]["fid"] for step, place in kept.items()}
    best = load(kept[min(scores, key=lambda step: scores[step])])[0]
    assert all(torch.equal(value, best.state_dict()[name]) for name, value in made.state_dict().items())


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tmp_path / "whole").state_dict()
    calls = 0

    def killing(images: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > 2:  # the real images, the first evaluation, and then no more
            raise KeyboardInterrupt
        return flat(images)

    with pytest.raises(KeyboardInterrupt):
        monkeypatch.setattr("lineament.training.run.time.monotonic", lambda: float(calls * 100))
        train_generator(
            bars(200), bars(80, seed=1), killing, TINY, tmp_path / "killed", device="cpu", precision="float32"
        )
    monkeypatch.undo()
    assert (tmp_path / "killed" / "checkpoint.safetensors").exists()
    resumed = trained(tmp_path / "killed").state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_finished_run_is_loaded_and_another_one_is_not_overwritten(tmp_path: Path) -> None:
    first = trained(tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text()
    assert torch.equal(trained(tmp_path).first.bias, first.first.bias)
    assert (tmp_path / "metrics.jsonl").read_text() == lines
    assert {"distance", "penalty"} <= set(json.loads(lines.splitlines()[-1]))
    with pytest.raises(UsageError, match="latent"):
        trained(tmp_path, latent=5)


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 16"):
        train_generator(bars(10), bars(10), flat, TINY, tmp_path / "few")
    with pytest.raises(UsageError, match="25 to 32"):
        odd = torch.zeros(40, 1, 12, 12, dtype=torch.uint8)
        train_generator(odd, odd, flat, TINY, tmp_path / "odd", device="cpu")
    with pytest.raises(JobError, match="diverged"):
        trained(tmp_path / "wild", learning_rate=1e30)
    for changes in ({"steps": 0}, {"learning_rate": -1.0}, {"penalty": float("nan")}, {"averaging": 1.0}):
        with pytest.raises(UsageError, match=next(iter(changes))):
            replace(TINY, **changes)
    assert preset("reference") == GeneratorConfig()
    with pytest.raises(UsageError, match="reference"):
        preset("refrence")


def test_another_artifact_is_no_generator(tmp_path: Path) -> None:
    artifacts.save(tmp_path / "a", kind="encoder", tensors={}, config={})
    with pytest.raises(JobError, match="encoder"):
        load(tmp_path / "a")
    artifacts.save(tmp_path / "b", kind="generator", tensors={}, config={"shape": [1, 28, 28], "latent": 4, "width": 2})
    with pytest.raises(JobError, match="do not describe"):
        load(tmp_path / "b")


def test_the_judge_tells_classes_apart_and_wants_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineament.defense.judge.STEPS", 20)
    images = torch.nn.functional.interpolate(bars(200).float(), scale_factor=4).to(torch.uint8)
    features = judge(Labelled(images, torch.arange(200) % 2))
    found = features(floats(images[:40]))
    assert found.ndim == 2 and len(found) == 40
    means = [found[i::2].mean(0) for i in (0, 1)]
    assert float((means[0] - means[1]).norm()) > float(found[::2].std(0).norm())
    with pytest.raises(UsageError, match="two classes"):
        judge(Labelled(images, torch.zeros(200, dtype=torch.int64)))


def test_the_judge_of_larger_images_has_no_more_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineament.defense.judge.STEPS", 1)
    images = torch.randint(0, 255, (64, 3, 64, 64), dtype=torch.uint8)
    assert judge(Labelled(images, torch.arange(64) % 2))(floats(images[:3])).shape == (3, 128)
