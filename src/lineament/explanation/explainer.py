"""The explainer: an image in, the same image on the other side of the decision boundary out, and where it changed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from lineament import artifacts
from lineament.errors import JobError, UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.networks import Crossing, Transformer
from lineament.explanation.objective import composed
from lineament.images import check_images

__all__ = ["Explainer", "Explanation", "dial", "explain", "flips", "load"]

Images = Float[Tensor, "batch channels height width"]
Classes = Int64[Tensor, " batch"]


class Explainer(nn.Module):
    """A trained `Transformer` and what it was trained for.

    Args:
        transformer: the networks.
        classes: names, in the order of the classifier's classes.
        masked: False where the transformed image is the composite (table 4.3, "nomask"); its mask is 1 everywhere.
        card: provenance: data, licence, metrics, seed, the classifier it explains.
    """

    def __init__(
        self,
        transformer: Transformer,
        classes: Sequence[str],
        *,
        masked: bool = True,
        card: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.transformer, self.classes, self.masked, self.card = transformer, tuple(classes), masked, card or {}
        self.eval().requires_grad_(False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its images."""
        return self.transformer.shape

    def cross(self, images: Images, source: Classes, target: Classes) -> Crossing:
        """Reconstruction, transformed image and mask; see `Transformer`.

        Raises ``UsageError`` for images of another size than it was trained on.
        """
        check_images(images)
        if tuple(images.shape[1:]) != self.shape:
            wanted, got = (" x ".join(map(str, shape)) for shape in (self.shape, images.shape[1:]))
            raise UsageError(f"images: this explainer takes {wanted}, got {got}; bring them to that size")
        crossing: Crossing = self.transformer(images, source, target)
        return crossing if self.masked else crossing._replace(mask=torch.ones_like(crossing.mask))

    def forward(self, images: Images, source: Classes, target: Classes) -> tuple[Tensor, Tensor, Tensor]:
        """Transformed image, mask and composite: what is exported."""
        crossing = self.cross(images, source, target)
        return crossing.transformed, crossing.mask, composed(images, crossing.transformed, crossing.mask)

    def save(self, folder: str | Path, **card: Any) -> Path:
        """Write the explainer as an artifact; further card entries (data, licence, metrics) by name."""
        return artifacts.save(
            folder,
            kind="explainer",
            tensors={
                name: value.half() if value.is_floating_point() else value for name, value in self.state_dict().items()
            },
            config={
                "shape": list(self.shape),
                "classes": list(self.classes),
                "masked": self.masked,
                "transformer": self.transformer.settings,
            },
            **card,
        )


def load(folder: str | Path) -> Explainer:
    """The explainer in an artifact, or in the folder of the run that made it.

    ``JobError`` says what is missing, torn or of another kind.
    """
    if (run := Path(folder) / "explainer").is_dir():
        folder = run
    artifact = artifacts.load(folder, kind="explainer")
    try:
        config = artifact.card["config"]
        channels, height, width = config["shape"]
        explainer = Explainer(
            Transformer((channels, height, width), **config["transformer"]),
            [str(name) for name in config["classes"]],
            masked=bool(config["masked"]),
            card=artifact.card,
        )
        explainer.load_state_dict(artifact.tensors)
    except (LookupError, TypeError, ValueError, RuntimeError, UsageError) as error:
        raise JobError(f"{folder}: its card and its weights do not describe an explainer ({error})") from None
    return explainer


@dataclass(frozen=True)
class Explanation:
    """Images and the same images on the other side of the decision boundary.

    Attributes:
        images: ``(batch, channels, height, width)`` in [0, 1].
        probabilities: ``(batch, classes)`` of ``images``, relative to the classifier's threshold: the greatest decides.
        source: ``(batch,)`` the class it decides for.
        target: ``(batch,)`` the class crossed to.
        reconstruction, transformed: of the shape of ``images``.
        mask: ``(batch, 1, height, width)`` in [0, 1].
        composite: the transformed image inside the mask, the original outside (equation 4.5).
    """

    images: Tensor
    probabilities: Tensor
    source: Tensor
    target: Tensor
    reconstruction: Tensor
    transformed: Tensor
    mask: Tensor
    composite: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> "Explanation":
        """Some of them: a slice, a list of indices or a boolean mask."""
        return replace(self, **{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def at(self, strength: float | Tensor) -> Images:
        """The composite with this share, in [0, 1], of the change: 0 is the image, 1 the composite.

        A tensor ``(batch,)`` gives each image a share of its own.
        """
        share = torch.as_tensor(strength, dtype=torch.float32).view(-1, 1, 1, 1)
        return torch.lerp(self.images, self.composite, share.to(self.images.device)).clamp(0, 1)


@torch.no_grad()
def explain(
    explainer: Explainer,
    decisions: Decisions,
    images: Images,
    target: int | Classes | None = None,
    *,
    batch_size: int = 256,
) -> Explanation:
    """Explain a classifier's decision on each image: one pass of the classifier, one of the explainer.

    Args:
        explainer: trained for this classifier.
        decisions: the classifier.
        images: ``(batch, channels, height, width)`` in [0, 1].
        target: the class to cross to, one for all or ``(batch,)``; None is the most probable other class.
        batch_size: images at a time.

    Raises:
        UsageError: other classes than the explainer's, images of another size, or a target that is the decision.
    """
    if tuple(decisions.classes) != explainer.classes:
        wanted, got = (", ".join(names) for names in (explainer.classes, decisions.classes))
        raise UsageError(f"decisions: this explainer was trained for the classes {wanted}; got {got}")
    check_images(images)
    if not len(images):
        raise UsageError("images: expected at least one, got none")
    targets = None if target is None else torch.as_tensor(target, dtype=torch.int64)
    if targets is not None and targets.shape not in ((), (len(images),)):
        raise UsageError(f"target: expected one class, or ({len(images)},), got shape {tuple(targets.shape)}")
    targets = None if targets is None else targets.expand(len(images))
    places = [slice(start, start + batch_size) for start in range(0, len(images), batch_size)]
    parts = [
        _explained(explainer, decisions, images[place], None if targets is None else targets[place], place.start)
        for place in places
    ]
    return Explanation(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Explanation)})


def _explained(
    explainer: Explainer, decisions: Decisions, images: Images, target: Classes | None, first: int
) -> Explanation:
    log_probabilities = decisions(images)
    source = log_probabilities.argmax(1)
    if target is None:
        target = log_probabilities.scatter(1, source[:, None], float("-inf")).argmax(1)
    target = target.to(images.device)
    if not ((target >= 0) & (target < len(explainer.classes))).all():
        raise UsageError(f"target: expected 0 to {len(explainer.classes) - 1}, got {target.tolist()[:5]}")
    if (same := target == source).any():
        wrong = int(same.nonzero()[0])
        name = explainer.classes[int(target[wrong])]
        raise UsageError(f"target: image {first + wrong} is already decided as {name!r}; there is no boundary to cross")
    crossing = explainer.cross(images, source, target)
    composite = composed(images, crossing.transformed, crossing.mask)
    return Explanation(images, log_probabilities.exp(), source, target, *crossing, composite)


@torch.no_grad()
def dial(
    explanation: Explanation, decisions: Decisions, steps: int = 11
) -> tuple[Float[Tensor, " steps"], Float[Tensor, "batch steps"]]:
    """How the probability of the target grows with the strength of the change.

    Args:
        explanation: of ``batch`` images.
        decisions: the classifier.
        steps: strengths, evenly from 0 to 1.

    Returns:
        The strengths ``(steps,)`` and the probabilities of the target ``(batch, steps)``.
    """
    strengths = _strengths(steps)
    columns = [decisions(explanation.at(float(s))).exp().gather(1, explanation.target[:, None]) for s in strengths]
    return strengths, torch.cat(columns, 1)


@torch.no_grad()
def flips(explanation: Explanation, decisions: Decisions, steps: int = 11) -> Float[Tensor, " batch"]:
    """The strength ``(batch,)`` at which the decision becomes the target, between two of ``steps``; NaN: not at all.

    Between the last strength that does not cross and the first that does, the margin of the target over the best
    other class is taken as linear. What crosses on the way and comes back counts as not crossing.
    """
    strengths = _strengths(steps).to(explanation.images.device)
    margins = torch.stack([_margin(decisions(explanation.at(float(s))), explanation.target) for s in strengths], 1)
    first = (margins > 0).int().argmax(1)
    before = (first - 1).clamp(min=0)
    low, high = (margins.gather(1, i[:, None])[:, 0] for i in (before, first))
    share = torch.where(first > 0, -low / (high - low).clamp(min=1e-12), 0.0).clamp(0, 1)
    place = strengths[before] + share * (strengths[first] - strengths[before])
    return torch.where(margins[:, -1] > 0, place, torch.nan)


def _strengths(steps: int) -> Float[Tensor, " steps"]:
    if steps < 2:
        raise UsageError(f"steps: expected at least 2, got {steps}")
    return torch.linspace(0, 1, steps)


def _margin(log_probabilities: Tensor, target: Classes) -> Tensor:
    """Log-probability of the target less that of the best other class ``(batch,)``."""
    wanted = log_probabilities.gather(1, target[:, None])[:, 0]
    return wanted - log_probabilities.scatter(1, target[:, None], float("-inf")).amax(1)
