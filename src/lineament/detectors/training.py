"""Train a detector: one loop for every preset, then the head, its calibration and its thresholds.

Networks learn from the train part. The development part chooses the checkpoint, the SVMs' hyper-parameters, the
calibration and the thresholds. The test part is not touched.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.pixels import pixels
from lineament.detectors.assembly import embeddings, finished, mean_accuracy, own_head, uncalibrated
from lineament.detectors.augmentation import erase, random_warps, recolour
from lineament.detectors.batches import Images, names_sha256
from lineament.detectors.detector import Detector, build_network, load
from lineament.detectors.evaluation import thresholds
from lineament.detectors.objective import attribute_loss
from lineament.detectors.prediction import sigmoid
from lineament.detectors.presets import DetectorConfig
from lineament.detectors.sampling import BalancedQueues, InTurn, Oversampled, Sampler
from lineament.errors import UsageError
from lineament.faces.parts import crop
from lineament.training import Run, moving_average
from lineament.training.run import Device, Precision

__all__ = ["train_detector"]


def train_detector(
    dataset: AttributeDataset,
    config: DetectorConfig,
    folder: str | Path,
    *,
    seed: int = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    size: int | None = None,
    jobs: int = 1,
) -> Detector:
    """Train ``config`` on ``dataset`` and write the artifact ``folder/detector``; a killed call, repeated, goes on.

    Args:
        dataset: with a train and a development part.
        config: what to train; its attributes must be the data set's.
        folder: of the run: metrics, checkpoints, the artifact.
        seed: of weights, batches and augmentation.
        device, precision: see `Run`.
        size: longer side in pixels to which images are brought, all in the proportion of the first one; None where
            they share one size.
        jobs: processes that fit the SVMs.

    Returns:
        The detector, on the CPU.

    Raises:
        UsageError: no training or development image, an attribute without labels, images that differ in size, or a
            folder that holds another run.
        JobError: an image that cannot be read, or a disk that cannot be written.
    """
    train, development = (np.flatnonzero(dataset.split == SPLITS.index(part)) for part in ("train", "development"))
    if not len(train) or not len(development):
        raise UsageError(
            f"{dataset.name}: {len(train)} training and {len(development)} development images; both parts are needed"
        )
    batch = min(config.batch, len(train))
    memory = pixels(dataset, size and _scaled(dataset.read(0).shape, size))
    data = Images(dataset, config.attributes, memory, train)
    samplers = _samplers(config, data.labels[train], batch, seed)
    run = Run(folder, config, data=data.facts(dataset), seed=seed, device=device, precision=precision)
    data.device = run.device
    torch.manual_seed(seed)
    networks = nn.ModuleDict({part.name: build_network(part) for part in config.parts})
    for network in networks.values():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = moving_average(networks, config.averaging).to(run.device)
    averaged = cast(nn.ModuleDict, average.module)
    optimizer = torch.optim.AdamW(_decayed(networks, config.weight_decay), lr=config.learning_rate)
    model, optimizer = run.prepare(_Losses(networks, config), optimizer)
    run.track(
        networks=networks,
        average=average,
        optimizer=optimizer,
        **{f"sampler of {name}": sampler for name, sampler in samplers.items()},
    )

    epoch = len(train) // batch
    total = config.epochs * epoch
    if run.finished(total) and (Path(folder) / "detector").is_dir():
        return load(Path(folder) / "detector")
    schedule = _half_cosine(config.learning_rate, warmup=epoch // 2, total=total)
    networks.train()
    for step in run.steps(total, f"training {config.preset}"):
        drawn = {name: train[sampler(step)[run.process :: run.processes]] for name, sampler in samplers.items()}
        batches = {name: data.batch(index) for name, index in drawn.items()}
        for group in optimizer.param_groups:
            group["lr"] = schedule(step)
        loss = model(batches)
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(networks)
        run.log(loss=loss)
        if (step + 1) % epoch == 0:
            now = uncalibrated(averaged, config, data)
            with run.accelerator.autocast():  # quick, and good enough to compare epochs
                scores = sigmoid(own_head(averaged, config)(embeddings(now, data, development)))
            labels = data.labels[development]
            run.keep_best(mean_accuracy(scores, labels, thresholds(scores, labels)), averaged.state_dict(),
                          patience=config.patience)  # fmt: skip

    networks.load_state_dict({name: _rounded(value) for name, value in run.best_state().items()})
    detector, accuracy = finished(networks, config, data, (train, development), jobs)
    if run.is_main:
        detector.save(
            Path(folder) / "detector",
            data=dataset.name,
            licence=dataset.licence,
            images={"train": len(train), "development": len(development)},
            training_names_sha256=names_sha256([dataset.names[int(i)] for i in train]),
            metrics={"development_accuracy": accuracy},
            training={"seed": seed, "steps": run.step, "schedule": asdict(config)},
        )
    run.accelerator.wait_for_everyone()
    return load(Path(folder) / "detector")


def _scaled(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Height and width whose longer side is ``size`` px, in the proportion of an image of this shape."""
    if size < 16:
        raise UsageError(f"size: expected at least 16 pixels, got {size}")
    height, width = shape[:2]
    return round(height * size / max(height, width)), round(width * size / max(height, width))


class _Losses(nn.Module):
    """All networks as one module whose forward gives the summed loss, so that accelerate wraps them once."""

    def __init__(self, networks: nn.ModuleDict, config: DetectorConfig) -> None:
        super().__init__()
        self.networks, self.config = networks, config
        self.columns = {part.name: [config.attributes.index(name) for name in part.attributes] for part in config.parts}

    def forward(self, batches: Mapping[str, tuple[Tensor, Tensor, Tensor]]) -> Tensor:
        losses = []
        shared = self._augmented(*batches["all"]) if "all" in batches else None
        for part in self.config.parts:
            images, eyes, warps, labels = shared or self._augmented(*batches[part.name])
            crops = crop(images, eyes, part.window, warps)
            if self.config.augmentation.erase:
                crops = erase(crops, self.config.augmentation.erase)
            target = labels[:, self.columns[part.name]].float()
            if self.config.mixup:
                crops, target = _mixed(crops, target, self.config.mixup)
            _, log_odds = self.networks[part.name](crops.contiguous(memory_format=torch.channels_last))
            losses.append(attribute_loss(log_odds.float(), target, self.config.smoothing))
        return torch.stack(losses).sum()

    def _augmented(self, images: Tensor, eyes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        strength = self.config.augmentation
        return recolour(images, strength), eyes, random_warps(len(images), strength, images.device), labels


def _mixed(crops: Tensor, target: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Each image with its successor in the batch, in a share drawn from Beta(alpha, alpha) (Zhang et al. 2018)."""
    share = torch.distributions.Beta(alpha, alpha).sample().to(crops)
    other = target.roll(1, 0)
    known = (target >= 0) & (other >= 0)
    mixed = torch.where(known, share * target + (1 - share) * other, -1.0)
    return share * crops + (1 - share) * crops.roll(1, 0), mixed


def _samplers(config: DetectorConfig, labels: NDArray[np.int8], batch: int, seed: int) -> dict[str, Sampler]:
    """One sampler for all parts, or for oversampling one a part."""
    if config.sampling == "queues":
        return {"all": BalancedQueues(labels, batch, seed)}
    if config.sampling == "in_turn":
        return {"all": InTurn(len(labels), batch, seed)}
    columns = {part.name: config.attributes.index(part.attributes[0]) for part in config.parts}
    return {name: Oversampled(labels[:, k], batch, seed + k) for name, k in columns.items()}


def _decayed(networks: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: matrices and kernels decay; biases, scales and normalisation do not."""
    parameters = list(networks.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _half_cosine(peak: float, *, warmup: int, total: int) -> Callable[[int], float]:
    def rate(step: int) -> float:
        return peak * min(1.0, (step + 1) / max(warmup, 1)) * 0.5 * (1 + float(np.cos(np.pi * step / total)))

    return rate


def _rounded(value: Tensor) -> Tensor:
    """To the nearest float16, in the old type: what comes after sees the weights as the artifact will hold them."""
    return value.half().to(value.dtype) if value.is_floating_point() else value
