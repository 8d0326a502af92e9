"""The encoder finds images beneath noise; and the noise is of either sign, in patches, within its size."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.defense import generator as generators
from lineament.defense.disturbance import disturbed
from lineament.defense.encoder import ENCODER, Encoder, encoder_of, load_encoder, save_encoder, train_encoder
from lineament.errors import JobError, UsageError
from tests.defense.toy_generator import bars, encoder, generator

G = generator()
MADE = (G(torch.randn(300, G.latent, generator=torch.Generator().manual_seed(3))) * 255).byte()
TINY = replace(ENCODER, steps=8, batch=16, width=8, evaluations=2)


def trained(folder: Path, **changes: Any) -> Encoder:
    return train_encoder(
        G, MADE[:200], MADE[200:], folder, config=replace(TINY, **changes), device="cpu", precision="float32"
    )


def test_it_finds_what_the_generator_made_even_beneath_noise(tmp_path: Path) -> None:
    ours, images = trained(tmp_path, steps=250, learning_rate=5e-3, averaging=0.9), floats(MADE[200:])
    torch.manual_seed(0)
    for seen in (images, disturbed(images, 0.3)):
        error, of_none = (float((G(E(seen)) - images).square().mean()) for E in (ours, encoder()))
        assert error < 0.5 * of_none
    assert artifacts.read_card(tmp_path / "encoder")["metrics"]["error_under_noise_0.0"] > 0


def test_a_finished_run_is_loaded_and_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    first, same, again = trained(tmp_path / "a"), trained(tmp_path / "b"), trained(tmp_path / "a")
    assert torch.equal(first.last.weight, same.last.weight) and torch.equal(first.last.weight, again.last.weight)
    with pytest.raises(UsageError, match="noise"):
        trained(tmp_path / "a", noise=0.1)


def test_what_cannot_be_trained_or_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="validation"):
        train_encoder(G, bars(20), torch.zeros(4, 1, 16, 16, dtype=torch.uint8), tmp_path / "a")
    for changes in ({"noise": 1.5}, {"steps": 0}, {"learning_rate": 0.0}):
        with pytest.raises(UsageError, match=next(iter(changes))):
            replace(TINY, **changes)
    artifacts.save(tmp_path / "b", kind="encoder", tensors={}, config={"shape": [1, 8, 8], "latent": 3, "width": 4})
    with pytest.raises(JobError, match="do not describe"):
        load_encoder(tmp_path / "b")


def test_noise_is_of_one_size_and_either_sign_and_comes_in_patches() -> None:
    torch.manual_seed(0)
    images = torch.full((400, 1, 16, 16), 0.5)
    change = disturbed(images, 0.3) - images
    size = change.abs().flatten(1)
    assert torch.allclose(size, size[:, :1].expand_as(size), atol=1e-6)
    assert float(size.max()) <= 0.3 + 1e-6 and size[:, 0].std() > 0.05
    assert 0.4 < float((change > 0).double().mean()) < 0.6
    alike = (change[..., 1:].sign() == change[..., :-1].sign()).double().mean((1, 2, 3))
    assert float(alike.min()) < 0.6 and float(alike.max()) > 0.8
    assert torch.equal(disturbed(images, 0.0), images)
    edges = disturbed(torch.rand(50, 3, 8, 8), 1.0)
    assert float(edges.min()) >= 0 and float(edges.max()) <= 1


@pytest.mark.parametrize(
    ("at", "beside"),
    [
        ("generator", "encoder"),  # as in the package
        ("generator/generator", "encoder/encoder"),  # two runs, side by side
        ("run/generator", "run/encoder/encoder"),  # where 'train encoder --generator run' puts it
    ],
)
def test_the_encoder_beside_a_generator_is_found_wherever_it_may_lie(at: str, beside: str, tmp_path: Path) -> None:
    generators.save(G, tmp_path / at)
    _, card = generators.load(tmp_path / at)
    (tmp_path / beside).mkdir(parents=True)  # a run that has not ended
    assert encoder_of(tmp_path / at, card) is None
    save_encoder(encoder(), tmp_path / beside, generator_sha256=card["weights_sha256"])
    for place in {tmp_path / at, (tmp_path / at).parent} - {tmp_path}:
        found = encoder_of(place, card)
        assert found is not None and torch.allclose(found.last.weight, encoder().last.weight, atol=1e-3)
    for wrong in ({"generator_sha256": "another"}, {}):
        save_encoder(encoder(), tmp_path / beside, **wrong)
        with pytest.raises(JobError, match="was not trained for the generator in"):
            encoder_of(tmp_path / at, card)
