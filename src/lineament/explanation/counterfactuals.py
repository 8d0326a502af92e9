"""What a counterfactual image is worth: does the decision flip, would others agree, and how little was changed?

The same measures for a composite, for the nearest real image and for an adversarial one, so that each can be read
beside the others: an adversarial image flips the classifier and no one else, the nearest one changes everything.
"""

from collections.abc import Mapping
from math import sqrt

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from lineament.errors import UsageError
from lineament.explanation.decisions import Decisions
from lineament.explanation.perturbation import bootstrap
from lineament.images import check_images

__all__ = ["VISIBLE", "cout", "measure", "wilson"]

BATCH = 256
VISIBLE = 8 / 255
"""A pixel counts as changed if one of its channels changes by more than this."""

EVEN = 1e-4
"""Differences are told apart by as much; below it, rounding errors would order them."""


@torch.no_grad()
def measure(
    decisions: Decisions,
    oracles: Mapping[str, Decisions],
    images: Float32[Tensor, "n channels height width"],
    counterfactuals: Float32[Tensor, "n channels height width"],
    source: Int64[Tensor, " n"],
    target: Int64[Tensor, " n"],
    mask: Float32[Tensor, "n 1 height width"] | None = None,
) -> dict[str, float]:
    """Figures of a set of counterfactuals; shares and mean values in [0, 1], COUT in [-1, 1].

    Args:
        decisions: what is explained.
        oracles: classifiers of the same classes that had no part in it, by name.
        images: the originals.
        counterfactuals: what they became.
        source: the class predicted for each original.
        target: the class wanted of each counterfactual.
        mask: where an explainer says that it changed something; None for a rival without one, whose visibly changed
            pixels are taken for it.

    Returns:
        - ``validity``: share that the classifier predicts as the target; ``validity_to_NAME``: by target class.
        - ``oracle_validity_NAME``: the same by each oracle; ``oracle_validity``: the least of them.
        - ``oracle_agreement_NAME``: share of the originals in which the oracle sees the source: what it could reach.
        - ``l1``: mean absolute change of a value; ``l1_inside`` and ``l1_outside`` the mask (> 0.5) add up to it.
        - ``mask_area``: mean of the mask; ``changed``: share of pixels that change by more than `VISIBLE`.
        - ``cout``: mean of `cout`.
        - ``NAME_low``, ``NAME_high``: the ends of the 95 % interval over images of ``validity`` and
          ``oracle_validity`` (`wilson`), ``l1`` and ``cout`` (`bootstrap`); the classifiers are given.
    """
    _check(decisions, images, counterfactuals, source, target)
    flipped = (decisions.predict(counterfactuals) == target).float()
    result = {"validity": float(flipped.mean())}
    for i in torch.unique(target).tolist():
        result[f"validity_to_{decisions.classes[i]}"] = float(flipped[target == i].mean())
    for name, oracle in oracles.items():
        result[f"oracle_validity_{name}"] = float((oracle.predict(counterfactuals) == target).float().mean())
        result[f"oracle_agreement_{name}"] = float((oracle.predict(images) == source).float().mean())
    if oracles:
        result["oracle_validity"] = min(result[f"oracle_validity_{name}"] for name in oracles)
    for name in ("validity", "oracle_validity")[: 2 if oracles else 1]:
        result[f"{name}_low"], result[f"{name}_high"] = wilson(result[name], len(images))
    change = (counterfactuals - images).abs()
    changed = (change > VISIBLE).any(1, keepdim=True)
    mask = changed.float() if mask is None else _check_mask(mask, images)
    result["l1_inside"] = float((change * (mask > 0.5)).mean())
    result["l1_outside"] = float((change * (mask <= 0.5)).mean())
    result["mask_area"] = float(mask.mean())
    result["changed"] = float(changed.float().mean())
    transition = cout(decisions, images, counterfactuals, source, target)
    for name, values in (("l1", change.flatten(1).mean(1)), ("cout", transition)):
        result[name], result[f"{name}_low"], result[f"{name}_high"] = bootstrap(values)
    return result


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share seen in ``count`` draws, Wilson (1927); it has width even for a share of 0 or 1."""
    z = 1.959964
    centre, width = share + z * z / (2 * count), z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (centre - width) / (1 + z * z / count)), min(1.0, (centre + width) / (1 + z * z / count))


@torch.no_grad()
def cout(
    decisions: Decisions,
    images: Float32[Tensor, "n channels height width"],
    counterfactuals: Float32[Tensor, "n channels height width"],
    source: Int64[Tensor, " n"],
    target: Int64[Tensor, " n"],
    *,
    steps: int = 50,
    seed: int = 0,
) -> Float32[Tensor, " n"]:
    """Counterfactual transition of Khorram and Fuxin (2022), ``(n,)`` in [-1, 1]: how soon the change does its work.

    The counterfactual's pixels are put into the original in equal portions, those that differ most (absolute
    difference summed over channels) first. COUT is the area under the target's probability less the area under the
    source's, over the share of pixels put in, by the trapezoid rule; as in the authors' code, but that the last
    portion is no greater than the rest. Near 1: a few pixels flip the decision and the others leave it so.

    Pixels that differ by as much to `EVEN` go in an order drawn once for all images: an adversarial image changes
    nearly all of them by its whole budget, and reading order would put in its upper half first.

    Args:
        decisions: whose probabilities.
        images: the originals.
        counterfactuals: what they became.
        source: the class to leave.
        target: the class to reach.
        steps: portions; 50 in the authors' code.
        seed: of the order of equal differences.
    """
    _check(decisions, images, counterfactuals, source, target)
    if steps < 1:
        raise UsageError(f"steps: expected at least 1, got {steps}")
    drawn = torch.randperm(images[0, 0].numel(), generator=torch.Generator().manual_seed(seed)).to(images.device)
    parts = (torch.split(each, BATCH) for each in (images, counterfactuals, source, target))
    return torch.cat([_transition(decisions, steps, drawn, *part) for part in zip(*parts, strict=True)])


def _transition(
    decisions: Decisions, steps: int, drawn: Tensor, images: Tensor, counterfactuals: Tensor, source: Tensor,
    target: Tensor,
) -> Tensor:  # fmt: skip
    count, _, height, width = images.shape
    change = ((counterfactuals - images).abs().sum(1).flatten(1) / EVEN).round()
    ranked = drawn[change[:, drawn].argsort(stable=True, dim=1, descending=True)]
    rank = ranked.argsort(1).view(count, 1, height, width)
    pixels = torch.linspace(0, height * width, steps + 1).round()
    gain = []
    for reached in pixels.tolist():
        chance = decisions(torch.where(rank < reached, counterfactuals, images)).exp()
        gain.append((chance.gather(1, target[:, None]) - chance.gather(1, source[:, None]))[:, 0])
    return torch.trapezoid(torch.stack(gain, 1), (pixels / (height * width)).to(images.device), dim=1)


def _check(decisions: Decisions, images: Tensor, counterfactuals: Tensor, source: Tensor, target: Tensor) -> None:
    check_images(images)
    check_images(counterfactuals, name="counterfactuals")
    if not len(images) or images.shape != counterfactuals.shape:
        raise UsageError(
            "counterfactuals: expected one for each of one or more images, of the same shape, got "
            f"{tuple(counterfactuals.shape)} for {tuple(images.shape)}"
        )
    for name, classes in (("source", source), ("target", target)):
        if classes.shape != (len(images),) or classes.min() < 0 or classes.max() >= len(decisions.classes):
            raise UsageError(f"{name}: expected {len(images)} indices into the classes {', '.join(decisions.classes)}")


def _check_mask(mask: Tensor, images: Tensor) -> Tensor:
    wanted = (len(images), 1, *images.shape[2:])
    if tuple(mask.shape) != wanted or not bool(((mask >= 0) & (mask <= 1)).all()):
        raise UsageError(f"mask: expected values in [0, 1] of shape {wanted}, got shape {tuple(mask.shape)}")
    return mask
