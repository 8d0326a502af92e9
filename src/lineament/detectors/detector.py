"""The detector: face parts in, calibrated log-odds of every attribute out. A Classifier that knows its attributes."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from lineament import artifacts
from lineament.detectors.heads import Head
from lineament.detectors.networks import PartNetwork, ResidualNetwork
from lineament.detectors.presets import Part, parts_from_json, parts_to_json
from lineament.errors import JobError, UsageError, nearest
from lineament.faces.parts import check_eyes, crop
from lineament.images import check_images

__all__ = ["Detector", "build_network", "load", "shipped"]


def build_network(part: Part) -> PartNetwork | ResidualNetwork:
    """The untrained network of one part."""
    if part.architecture == "residual":
        return ResidualNetwork(part.channels, len(part.attributes), part.dropout)
    return PartNetwork(part.architecture, part.window.height, part.window.width, len(part.attributes))


class Detector(nn.Module):
    """An attribute detector: part networks and a linear head over their embeddings.

    Args:
        parts: what each network sees and carries.
        networks: by part name, trained.
        head: over the concatenated embeddings in the order of ``parts``.
        attributes: names, in the order of the head's rows.
        thresholds: ``(attributes,)`` probability from which an attribute counts as present.
        eyes: ``(2, 2)`` where the eyes lie when a call does not say, in fractions of width and height.
        shape: height and width in pixels of the images it was trained on; others work, aliased if much larger.
        mirror: whether embeddings are averaged over the image and its mirror image.
        card: provenance: data, licence, metrics, seed, versions.
    """

    differentiable = True

    def __init__(
        self,
        parts: Sequence[Part],
        networks: dict[str, nn.Module],
        head: Head,
        *,
        attributes: Sequence[str],
        thresholds: NDArray[np.floating[Any]],
        eyes: NDArray[np.floating[Any]],
        shape: tuple[int, int],
        mirror: bool = False,
        card: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.parts, self.attributes, self.mirror = tuple(parts), tuple(attributes), mirror
        for part in parts:  # the faster layout for convolutions on a CPU
            networks[part.name].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = nn.ModuleDict({part.name: networks[part.name] for part in parts})
        self.head = nn.Linear(head.weight.shape[1], len(self.attributes))
        self.head.load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})
        self.thresholds = np.asarray(thresholds, dtype=np.float32)
        self.eyes = np.asarray(eyes, dtype=np.float32)
        self.shape = (int(shape[0]), int(shape[1]))
        if self.thresholds.shape != (len(self.attributes),) or self.eyes.shape != (2, 2):
            raise UsageError(
                f"thresholds, eyes: expected shapes ({len(self.attributes)},) and (2, 2), got {self.thresholds.shape} "
                f"and {self.eyes.shape}"
            )
        self.card = card or {}
        self.eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where its weights are, and its images must be."""
        return self.head.weight.device

    def embeddings(self, images: Tensor, eyes: Tensor | None = None) -> Float[Tensor, "batch embedding"]:
        """The parts' embeddings, concatenated: ``(batch, embedding)``.

        Args:
            images: ``(batch, 3, height, width)`` in [0, 1], any size.
            eyes: ``(batch, 2, 2)`` eye centres in fractions of width and height; None where images are framed as the
                training set's were.
        """
        check_images(images, channels=3)
        if eyes is None:
            eyes = torch.from_numpy(self.eyes).to(images.device).expand(images.shape[0], 2, 2)
        check_eyes(eyes, images.shape[0])
        if self.mirror:  # both views in one pass: a small batch costs little more than one image
            images, eyes = torch.cat([images, images.flip(3)]), torch.cat([eyes, _mirror_eyes(eyes)])
        found = torch.cat([self._embed(part, images, eyes) for part in self.parts], 1)
        return (found[: found.shape[0] // 2] + found[found.shape[0] // 2 :]) / 2 if self.mirror else found

    def _embed(self, part: Part, images: Tensor, eyes: Tensor) -> Float[Tensor, "batch {part.embedding}"]:
        embedding: Tensor = self.networks[part.name](crop(images, eyes, part.window))[0]
        return embedding.float()

    def forward(self, images: Tensor, eyes: Tensor | None = None) -> Float[Tensor, "batch {len(self.attributes)}"]:
        """Calibrated log-odds ``(batch, attributes)``; arguments as in `embeddings`."""
        logits: Tensor = self.head(self.embeddings(images, eyes))
        return logits

    def probabilities(
        self, images: Tensor, eyes: Tensor | None = None
    ) -> Float[Tensor, "batch {len(self.attributes)}"]:
        """The probability ``(batch, attributes)`` that each attribute is present; arguments as in `embeddings`."""
        log_odds: Tensor = self(images, eyes)
        return log_odds.sigmoid()

    def with_head(self, head: Head, thresholds: NDArray[np.floating[Any]]) -> "Detector":
        """The same networks under another head and its thresholds."""
        return Detector(
            self.parts,
            dict(self.networks.items()),
            head,
            attributes=self.attributes,
            thresholds=thresholds.astype(np.float32),
            eyes=self.eyes,
            shape=self.shape,
            mirror=self.mirror,
            card=self.card,
        ).to(self.head.weight.device)

    def only(self, *attributes: str) -> "Detector":
        """A detector of these attributes alone; parts that carry none of them are dropped, and their cost with them."""
        for name in attributes:
            if name not in self.attributes:
                raise UsageError(nearest(name, self.attributes, "attribute"))
        rows = [self.attributes.index(name) for name in attributes]
        weight, bias = self.head.weight[rows].cpu().numpy(), self.head.bias[rows].cpu().numpy()
        bounds = np.cumsum([0, *(part.embedding for part in self.parts)])
        used = [i for i in range(len(self.parts)) if weight[:, bounds[i] : bounds[i + 1]].any()]
        used = used or [0]  # an attribute that never varied in training has a constant for an answer
        return Detector(
            [self.parts[i] for i in used],
            {self.parts[i].name: self.networks[self.parts[i].name] for i in used},
            Head(np.concatenate([weight[:, bounds[i] : bounds[i + 1]] for i in used], 1), bias),
            attributes=attributes,
            thresholds=self.thresholds[rows],
            eyes=self.eyes,
            shape=self.shape,
            mirror=self.mirror,
            card=self.card,
        ).to(self.head.weight.device)

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write the detector as an artifact; further card entries (data, licence, metrics) by name."""
        return artifacts.save(
            folder,
            kind="detector",
            tensors={name: _compact(value) for name, value in self.state_dict().items()},
            config={
                "parts": parts_to_json(self.parts),
                "thresholds": self.thresholds.tolist(),
                "eyes": self.eyes.tolist(),
                "shape": list(self.shape),
                "mirror": self.mirror,
            },
            attributes=list(self.attributes),
            **card,
        )


def load(folder: str | Path) -> Detector:
    """The detector in an artifact, or in the folder of the run that made it.

    ``JobError`` says what is missing, torn or of another kind.
    """
    if (run := Path(folder) / "detector").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind="detector")
    card = artifact.card
    try:
        config = card["config"]
        parts = parts_from_json(config["parts"])
        networks: dict[str, nn.Module] = {part.name: build_network(part) for part in parts}
        width = sum(part.embedding for part in parts)
        empty = Head(
            np.zeros((len(card["attributes"]), width), np.float32), np.zeros(len(card["attributes"]), np.float32)
        )
        detector = Detector(
            parts,
            networks,
            empty,
            attributes=card["attributes"],
            thresholds=np.array(config["thresholds"], np.float32),
            eyes=np.array(config["eyes"], np.float32),
            shape=(config["shape"][0], config["shape"][1]),
            mirror=config["mirror"],
            card=card,
        )
        detector.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe a detector ({error})") from None
    return detector


def shipped(name: str = "portraits") -> Detector:
    """The detector that comes with the package; ``"portraits"`` is the only one."""
    folder = Path(str(files("lineament.detectors"))) / "shipped"
    known = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if name not in known:
        raise UsageError(nearest(name, known, "shipped detector"))
    return load(folder / name)


def _compact(value: Tensor) -> Tensor:
    """The tensor as float16 if that loses nothing: training rounds the networks before it calibrates them."""
    half = value.half()
    return half if value.is_floating_point() and torch.equal(half.to(value.dtype), value) else value


def _mirror_eyes(eyes: Float[Tensor, "batch 2 2"]) -> Float[Tensor, "batch 2 2"]:
    """Where the eyes are after the image was flipped left to right; the image-left eye stays first."""
    return torch.stack([1 - eyes[..., 0], eyes[..., 1]], -1).flip(1)
