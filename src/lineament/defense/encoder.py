"""The encoder: one look at an image, however noisy, and a guess of the latents that a projection starts from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from lineament import artifacts
from lineament.datasets.labelled import floats
from lineament.defense.disturbance import disturbed
from lineament.defense.kept_network import load_network, save_network
from lineament.defense.networks import Encoder, Generator
from lineament.errors import JobError, UsageError
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = [
    "ENCODER", "EncoderConfig", "artifact_in", "encoder_beside", "encoder_of", "load_encoder", "save_encoder",
    "train_encoder",
]  # fmt: skip

HELD_OUT = 1000
"""Validation images at most that a score is of."""


@dataclass(frozen=True)
class EncoderConfig:
    """One training.

    Attributes:
        steps: of Adam.
        batch: images a step.
        learning_rate: falls to 0 at the end.
        noise: greatest size, in [0, 1], of the noise that images get (`disturbed`). The encoder is to find the image
            beneath; 0 trains it on clean ones.
        prior: weight of half the squared norm of the guess over its length.
        width: channels of the first layer.
        averaging: decay of the moving average of the weights.
        evaluations: how often held-out images score the weights.
    """

    steps: int = 4000
    batch: int = 64
    learning_rate: float = 1e-3
    noise: float = 0.3
    prior: float = 1e-4
    width: int = 32
    averaging: float = 0.995
    evaluations: int = 8

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "width", "evaluations"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise UsageError(f"learning_rate: expected more than 0, got {self.learning_rate}")
        if not (0 <= self.noise <= 1 and self.prior >= 0):
            raise UsageError(
                f"noise, prior: expected a size in [0, 1] and a weight >= 0, got {self.noise}, {self.prior}"
            )


ENCODER = EncoderConfig()
"""For the generators of preset ``cpu``: three minutes of one core.

``lineament train encoder --generator runs/generator``
"""


def train_encoder(
    generator: Generator,
    images: UInt8[Tensor, "n channels height width"],
    validation: UInt8[Tensor, "m channels height width"],
    folder: str | Path,
    *,
    config: EncoderConfig = ENCODER,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> Encoder:
    """Train an encoder for ``generator`` and write the artifact ``folder/encoder``; a killed call, repeated, goes on.

    It minimises the mean squared difference between the image and what the generator makes of the guess, where the
    encoder was shown the image under noise.

    Args:
        generator: it is not trained.
        images: of the generator's shape.
        validation: held-out images, which choose the weights.
        folder: of the run.
        config: what to train.
        seed: of weights, batches and noise.
        device, precision: see `Run`.
        card: further entries of the artifact's card.

    Raises:
        UsageError: images of another shape than the generator's, or a folder that holds another run.
    """
    for name, part in (("images", images), ("validation", validation)):
        if tuple(part.shape[1:]) != generator.shape or not len(part):
            raise UsageError(f"{name}: this generator takes {generator.shape}, got {tuple(part.shape)}")
    run = Run(folder, config, data=_fingerprint(generator, images), seed=seed, device=device, precision=precision)
    torch.manual_seed(seed)
    E = Encoder(generator.shape, latent=generator.latent, width=config.width)
    E.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(E, config.averaging).to(run.device)
    optimizer = torch.optim.Adam(E.parameters(), lr=config.learning_rate)
    E, optimizer = run.prepare(E, optimizer)
    run.track(E=E, average=average, optimizer=optimizer)
    if run.finished(config.steps) and (Path(folder) / "encoder").is_dir():
        return load_encoder(folder)
    G = generator.to(run.device)
    held_out = floats(validation[:HELD_OUT])

    for step in run.steps(config.steps, "training encoder"):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * (1 - step / config.steps)
        x = floats(images[torch.randint(len(images), (config.batch,))]).to(run.device)
        with run.accelerator.autocast():
            z = E(disturbed(x, config.noise).contiguous(memory_format=torch.channels_last))
            error = (G(z) - x).square().mean()
        run.backward(error + config.prior / 2 * z.square().mean())
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(E)
        run.log(error=error)
        if (step + 1) % max(1, config.steps // config.evaluations) == 0 or step + 1 == config.steps:
            run.keep_best(-_error(average.module, G, held_out, config.noise), average.module.state_dict())

    best = Encoder(generator.shape, latent=generator.latent, width=config.width)
    best.load_state_dict({name: value.half().float() for name, value in run.best_state().items()})
    if run.is_main:
        G = generator.cpu()
        metrics = {f"error_under_noise_{size}": _error(best, G, held_out, size) for size in (0.0, 0.3)}
        training = {"seed": seed, "steps": run.step, "schedule": asdict(config)}
        save_encoder(best, Path(folder) / "encoder", training=training, metrics=metrics, **(card or {}))
    run.accelerator.wait_for_everyone()
    return load_encoder(folder)


def save_encoder(encoder: Encoder, folder: str | Path, **card: Any) -> Path:
    """Write the encoder as an artifact; further card entries by name."""
    return save_network(encoder, folder, kind="encoder", shape=encoder.shape, config=encoder.settings, **card)


def load_encoder(folder: str | Path) -> Encoder:
    """The encoder in an artifact, or in the folder of the run that made it; see `load_network`."""
    return load_network(folder, kind="encoder", build=lambda shape, config: Encoder(shape, **config))[0]


def encoder_of(generator_place: Path, card: Mapping[str, Any]) -> Encoder | None:
    """The encoder of a generator, from beside it; None where there is none, or none yet.

    Args:
        generator_place: the generator's artifact, or the folder of the run that made it.
        card: of the generator.

    Raises ``JobError`` if what lies there is no encoder, or was trained for another generator.
    """
    if (place := encoder_beside(generator_place)) is None:
        return None
    if artifacts.read_card(place).get("generator_sha256") != card["weights_sha256"]:
        raise JobError(
            f"{place}: was not trained for the generator in {generator_place}, or does not say so; move it away and "
            f"train one with 'lineament train encoder --generator {generator_place}'"
        )
    return load_encoder(place)


def encoder_beside(generator_place: Path) -> Path | None:
    """Where an encoder's artifact lies: beside the generator's, or beside the run ``generator`` that holds it."""
    home = artifact_in(generator_place, "generator").absolute().parent
    places = [home / "encoder"] + ([home.with_name("encoder")] if home.name == "generator" else [])
    found = (artifact_in(place, "encoder") for place in places)
    return next((place for place in found if (place / "card.json").is_file()), None)


def artifact_in(folder: Path, what: str) -> Path:
    """The artifact in the folder of a run, or the folder itself."""
    return inside if (inside := folder / what).is_dir() else folder


@torch.no_grad()
def _error(encoder: torch.nn.Module, generator: Generator, images: Tensor, noise: float) -> float:
    """Mean squared error per pixel of what images under noise of up to ``noise``, always the same, come back as."""
    device = next(generator.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = disturbed(images, noise)
    made = [generator(encoder(part.to(device))).cpu() for part in torch.split(seen, 250)]
    return float((torch.cat(made) - images).square().mean())


def _fingerprint(generator: Generator, images: Tensor) -> dict[str, Any]:
    weights = sum(float(value.double().abs().sum()) for value in generator.state_dict().values())
    return {
        "generator": round(weights, 3),
        "images": list(images.shape),
        "sum": int(images.numpy().sum(dtype=np.int64)),
    }
