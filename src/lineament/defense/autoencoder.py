"""The auto-encoder of the MagNet baseline (table 5.7): its network, its training, its artifact."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from lineament.datasets.labelled import floats
from lineament.defense.kept_network import load_network, save_network
from lineament.defense.networks import Encoder, Generator
from lineament.errors import UsageError
from lineament.training import Run
from lineament.training.run import Device, Precision

__all__ = ["NOISE", "AutoEncoder", "load_autoencoder", "train_autoencoder"]

KIND = "autoencoder"
"""Of the artifact."""

NOISE = 0.1
"""Standard deviation of the noise that MagNet's auto-encoders learn to take away from digits (Meng & Chen 2017)."""


class AutoEncoder(nn.Module):
    """Images to images of the same shape, through 128 numbers in [-1, 1].

    The encoder is table 5.7's; the dissertation names no decoder, so it is the generator of table 5.6.

    Args:
        shape: channels (1 or 3), height and width of one image; the sizes are `Generator`'s.
        latent: numbers in between.
        width: channels of the first convolution.
    """

    def __init__(self, shape: tuple[int, int, int], *, latent: int = 128, width: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder(shape, latent=latent, width=width)
        self.decoder = Generator(shape, latent=latent, width=width)
        self.shape, self.settings = shape, {"latent": latent, "width": width}
        self.apply(_drawn)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Images in [0, 1], float32. Raises ``UsageError`` for images of another size than it was built for."""
        if tuple(images.shape[1:]) != self.shape:
            wanted, got = (" x ".join(map(str, shape)) for shape in (self.shape, images.shape[1:]))
            raise UsageError(f"images: this auto-encoder takes {wanted}, got {got}; bring them to that size")
        made: Tensor = self.decoder(self.encoder(images).tanh())
        return made


def _drawn(layer: nn.Module) -> None:
    """Weights as He et al. (2015) draw them: with PyTorch's narrower ones this network never leaves the mean image."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5)
    elif isinstance(layer, nn.ConvTranspose2d):  # at stride 2 a pixel sees a quarter of the kernel
        nn.init.normal_(layer.weight, std=(2 / (layer.weight[:, 0].numel() / 4)) ** 0.5)


@dataclass(frozen=True)
class _Schedule:
    noise: float
    epochs: int
    width: int
    batch: int = 128
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1:
            raise UsageError(f"noise: expected a standard deviation in [0, 1], got {self.noise}")
        for name in ("epochs", "width"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")


def train_autoencoder(
    images: UInt8[Tensor, "n channels height width"],
    folder: str | Path,
    *,
    noise: float = NOISE,
    epochs: int = 3,
    width: int = 64,
    validation: UInt8[Tensor, "m channels height width"] | None = None,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    card: dict[str, Any] | None = None,
) -> AutoEncoder:
    """Train an auto-encoder and write the artifact ``folder/autoencoder``; a killed call, repeated, goes on.

    Adam at 1e-3, falling to 0 over the second half, on the mean squared error to the images without the noise. Three
    epochs of 50,000 digits take three minutes of one core in bfloat16, one minute at half the width.

    Args:
        images: what to learn; no label is needed.
        folder: of the run: metrics, checkpoints, the artifact.
        noise: standard deviation of the normal noise on what it sees; 0 for a plain auto-encoder.
        epochs: passes over the images.
        width: channels of the first convolution.
        validation: held-out images; their mean squared error, without noise, goes onto the card.
        seed: of weights, batches and noise.
        device, precision: see `Run`.
        card: further entries of the artifact's card (data, licence).

    Returns:
        What the artifact holds, as `load_autoencoder` gives it.

    Raises ``UsageError`` for no images, images of a size that no generator makes, settings out of range, or a folder
    that holds another run.
    """
    config = _Schedule(noise, epochs, width)
    if not len(images):
        raise UsageError("images: expected some to learn from, got none")
    channels, height, across = images.shape[1:]
    shape = (channels, height, across)
    torch.manual_seed(seed)
    network: nn.Module = AutoEncoder(shape, width=width).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    facts = {"images": list(images.shape), "sha256": hashlib.sha256(images.numpy().tobytes()).hexdigest()}
    run = Run(folder, config, data=facts, seed=seed, device=device, precision=precision)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    network, optimizer = run.prepare(network, optimizer)
    run.track(network=network, optimizer=optimizer)
    place, steps = Path(folder) / "autoencoder", epochs * -(-len(images) // config.batch)
    if run.finished(steps) and place.is_dir():
        return load_autoencoder(place)
    images = images.to(run.device)

    for step in run.steps(steps, "training auto-encoder"):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, 2 * (1 - step / steps))
        index = torch.randint(len(images), (config.batch,), device=run.device)
        x = floats(images[index]).contiguous(memory_format=torch.channels_last)
        loss = mse_loss(network((x + noise * torch.randn_like(x)).clamp(0, 1)), x)
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        run.log(error=loss)

    if run.is_main:
        trained = AutoEncoder(shape, width=width)
        kept = {name: value.half() for name, value in run.accelerator.unwrap_model(network).state_dict().items()}
        trained.load_state_dict(kept)
        metrics = {} if validation is None else {"error": _error(trained, validation)}
        told = {"training": {"seed": seed, **asdict(config)}, "metrics": metrics, **(card or {})}
        save_network(trained, place, kind=KIND, shape=shape, config=trained.settings, **told)
    run.accelerator.wait_for_everyone()
    return load_autoencoder(place)


def load_autoencoder(folder: str | Path) -> AutoEncoder:
    """The auto-encoder in an artifact, or in the folder of the run that made it; see `load_network`."""
    return load_network(folder, kind=KIND, build=lambda shape, config: AutoEncoder(shape, **config))[0]


@torch.no_grad()
def _error(network: AutoEncoder, images: Tensor) -> float:
    """Mean squared error per pixel."""
    parts = [floats(part) for part in torch.split(images, 500)]
    return float(sum((network(x) - x).square().sum() for x in parts) / images.numel())
