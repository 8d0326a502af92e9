"""The auto-encoder of table 5.7: its weights, counted by hand; it learns, resumes to the bit, and refuses clearly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.defense.autoencoder import AutoEncoder, load_autoencoder, train_autoencoder
from lineament.defense.networks import Generator
from lineament.errors import JobError, UsageError
from tests.explanation.toy import bars

IMAGES, HELD_OUT = bars(256, size=8), bars(40, size=8, seed=1)


def trained(folder: Path, **changes: Any) -> AutoEncoder:
    settings: dict[str, Any] = {"epochs": 3, "width": 4, "seed": 3, "precision": "float32"}
    return train_autoencoder(changes.pop("images", IMAGES), folder, **settings | changes)


def test_the_encoder_is_the_one_of_the_table() -> None:
    """28, 14, 7 and 4 px: kernel x inputs x outputs + biases; the decoder is the generator of table 5.6."""
    network = AutoEncoder((1, 28, 28))
    encoder = (25 * 64 + 64) + (25 * 64 * 128 + 128) + (25 * 128 * 256 + 256) + (4 * 4 * 256 * 128 + 128)
    assert sum(weight.numel() for weight in network.encoder.parameters()) == encoder
    sizes = [
        {name: weight.shape for name, weight in G.named_parameters()} for G in (network.decoder, Generator((1, 28, 28)))
    ]
    assert sizes[0] == sizes[1]
    seen: list[torch.Tensor] = []
    network.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    assert network(1000 * torch.rand(2, 1, 28, 28)).shape == (2, 1, 28, 28)
    assert seen[0].shape == (2, 128) and seen[0].abs().max() <= 1


def test_what_it_gives_back_depends_on_the_image_from_the_start() -> None:
    """Else the first thing that it learns is the mean image, and often the last."""
    torch.manual_seed(0)
    made = AutoEncoder((1, 28, 28), width=16)(floats(bars(20, size=28)))
    assert made.std(0).mean() > 0.02


def test_it_learns_and_its_card_tells_how_well(tmp_path: Path) -> None:
    network = trained(tmp_path, epochs=25, width=8, noise=0.0, validation=HELD_OUT, card={"data": "bars"})
    images = floats(HELD_OUT)
    error = float((network(images) - images).square().mean())
    assert error < float(images.var(0).mean()) / 3
    card = artifacts.read_card(tmp_path / "autoencoder")
    assert card["metrics"]["error"] == pytest.approx(error, rel=1e-4) and card["data"] == "bars"
    again = load_autoencoder(tmp_path)
    assert torch.equal(again(images), network(images))
    assert not any(weight.requires_grad for weight in again.parameters())


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tmp_path / "whole")(floats(HELD_OUT))
    seconds: Iterator[int] = iter(range(0, 10**6, 100))
    monkeypatch.setattr("lineament.training.run.time.monotonic", lambda: next(seconds))
    loss, calls = torch.nn.functional.mse_loss, []

    def interrupted(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        calls.append(made)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return loss(made, wanted)

    monkeypatch.setattr("lineament.defense.autoencoder.mse_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed")
    monkeypatch.undo()
    assert torch.equal(trained(tmp_path / "killed")(floats(HELD_OUT)), whole)
    assert torch.equal(trained(tmp_path / "killed")(floats(HELD_OUT)), whole)  # finished: loaded


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"noise": -0.1}, "standard deviation"),
        ({"noise": float("nan")}, "standard deviation"),
        ({"epochs": 0}, "epochs: expected at least 1"),
        ({"width": 0}, "width: expected at least 1"),
        ({"images": IMAGES[:0]}, "got none"),
        ({"images": IMAGES[..., :6]}, "square images"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_nothing_written(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        trained(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_another_run_and_a_card_that_lies_are_refused(tmp_path: Path) -> None:
    trained(tmp_path, epochs=1)
    with pytest.raises(UsageError, match="noise"):
        trained(tmp_path, epochs=1, noise=0.2)
    network = AutoEncoder((1, 8, 8), width=4)
    config = {"shape": [1, 8, 8], "latent": 128, "width": 4}
    for wrong in ({"shape": [1, 8]}, {"width": 8}, {"colour": True}):
        artifacts.save(tmp_path / "lying", kind="autoencoder", tensors=network.state_dict(), config=config | wrong)
        with pytest.raises(JobError, match="do not describe a network of kind .autoencoder"):
            load_autoencoder(tmp_path / "lying")
