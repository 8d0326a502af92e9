"""A differentiable stand-in for a black box: it learns the black box's answers, and only its gradient is ever used.

The black box sorts the images, chooses the checkpoint and judges the explanation; the student's own answers decide
nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import kl_div

from lineament.classifier import from_module
from lineament.datasets.labelled import floats
from lineament.explanation.decisions import Decisions
from lineament.explanation.fingerprint import fingerprint
from lineament.explanation.small_classifiers import build
from lineament.training import Run
from lineament.training.checkpoint import read_state, write_state
from lineament.training.progress import StepProgress
from lineament.training.run import Device, step_seed

__all__ = ["imitate"]

CHUNK = 256
BATCH = 64

EVERY = 20
"""After so many chunks the answers so far are written, for a kill gives no notice."""


@dataclass(frozen=True)
class _Settings:
    steps: int


def imitate(
    decisions: Decisions,
    images: UInt8[Tensor, "n channels height width"],
    folder: str | Path,
    *,
    steps: int = 1500,
    seed: int = 0,
    device: Device = "auto",
) -> Decisions:
    """Train a small convolutional network on a black box's answers; killed, or let down by the black box, it goes on.

    The black box is asked once for each image and once for a blend of each with another, which lie between the
    classes as the composites will. What it has answered is kept in ``folder/answers.safetensors``.

    Args:
        decisions: the black box.
        images: what to ask it about; labels are not needed.
        folder: of the run.
        steps: of 64 images.
        seed: of the blends, the weights and the batches.
        device: see `Run`.

    Returns:
        The student's decisions, with a gradient; for ``train_explainer(stand_in=…)``.

    Raises:
        JobError: the black box failed; its earlier answers are kept.
    """
    facts = fingerprint(images, decisions)
    run = Run(folder, _Settings(steps), data=facts, seed=seed, device=device, precision="float32")
    asked = torch.cat([images, _blended(images, seed)])
    answers = _answers(decisions, asked, Path(folder) / "answers.safetensors", visible=run.is_main)
    torch.manual_seed(seed)
    channels, height, width = images.shape[1:]
    network = build("convolutional", (channels, height, width), len(decisions.classes))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    network, optimizer = run.prepare(network, optimizer)
    run.track(network=network, optimizer=optimizer)
    for step in run.steps(steps, "training the student"):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        index = torch.randint(len(asked), (BATCH,))
        told = answers[index].to(run.device)
        guessed = network(floats(asked[index]).to(run.device)).log_softmax(1)
        loss = kl_div(guessed, told, reduction="batchmean", log_target=True)
        run.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        run.log(divergence=loss)
    return Decisions(from_module(network), decisions.classes)


def _blended(images: Tensor, seed: int) -> Tensor:
    """Each image with another, in a share drawn evenly from [0, 1]."""
    generator = torch.Generator().manual_seed(step_seed(seed, 0))
    other = torch.randperm(len(images), generator=generator)
    share = torch.rand(len(images), 1, 1, 1, generator=generator)
    blended = torch.empty_like(images)
    for i in range(0, len(images), CHUNK):  # as bytes, for floats of the whole set would need four times the memory
        part = slice(i, i + CHUNK)
        blended[part] = torch.lerp(images[part].float(), images[other[part]].float(), share[part]).round()
    return blended


@torch.no_grad()
def _answers(decisions: Decisions, images: Tensor, path: Path, *, visible: bool) -> Tensor:
    """The black box's log-probabilities ``(n, classes)``; chunks that an earlier call has got are not asked again."""
    known: list[Tensor] = list(torch.split(read_state(path), CHUNK)) if path.exists() else []
    chunks = torch.split(images, CHUNK)
    try:
        with StepProgress("asking the classifier", len(chunks), len(known), visible=visible) as progress:
            for chunk in chunks[len(known) :]:
                known.append(decisions(floats(chunk)).cpu())
                progress.advance()
                if len(known) % EVERY == 0:
                    write_state(path, torch.cat(known))
    finally:  # whatever ended it, what was answered is kept
        if known:
            write_state(path, torch.cat(known))
    return torch.cat(known)
