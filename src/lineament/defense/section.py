"""The dossier's section on attacks: how the detector stands them bare and behind a purifier, and whether they show."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lineament import report
from lineament.defense.cases import Case, cases, clean_images
from lineament.defense.detection import Detection, detection
from lineament.defense.figures import budget
from lineament.defense.sanity import flags
from lineament.defense.section_blocks import (
    accuracy_blocks,
    detection_blocks,
    picture_blocks,
    settings_blocks,
    telling,
)
from lineament.defense.shields import shield
from lineament.defense.shipped import shipped
from lineament.defense.standing import (
    OBLIVIOUS,
    TELLING,
    Scores,
    effort,
    flank,
    oblivious,
    scores,
    stand,
    strongest,
)
from lineament.defense.threats import CLEAN, WORST, Trial, joined, rows
from lineament.purifier import Purifier
from lineament.report import Finding, Fragment, Section

if TYPE_CHECKING:
    from lineament.subject import Subject

__all__ = ["SECTION", "before"]

RATE = 0.05
"""The false positive rate that it is chosen for; a rarer one takes more images than a small set has."""


def run(subject: "Subject", progress: Callable[[float], None]) -> Fragment:
    """Accuracy over the budget for each threat model, detection, and rows of pictures."""
    subject.readings("development", lambda share: progress(0.1 * share))
    subject.readings("test", lambda share: progress(0.1 + 0.1 * share))
    purifier, told = before(subject)
    tried = effort(purifier, subject.quick)
    clean = clean_images(subject, tried.development)
    purified = purifier(clean, seed=subject.seed)
    found = cases(subject, clean, purified, tried.images)
    if not found:
        return Fragment([report.prose("No test image has a known label, so there is no decision to attack.")])
    standing = []
    for i, case in enumerate(found):
        standing.append(stand(case, purifier, tried, seed=subject.seed))
        progress(0.2 + 0.6 * (i + 1) / len(found))
    trials = joined(standing)
    figures = {
        "purifier": purifier.name,
        "attributes": [case.attribute for case in found],
        "rows": rows(trials),
        "by_attribute": [_of_attribute(case, each) for case, each in zip(found, standing, strict=True)],
        "doubts": flags(trials, classes=2),
    }
    development = Scores.of([scores(case, clean, purified) for case in found])
    detections = _detections(found, standing, purifier, development, subject.seed)
    progress(0.95)
    blocks = [
        *accuracy_blocks(figures, told),
        *detection_blocks(detections, len(clean)),
        *picture_blocks(found, standing, purifier, subject.seed),
        *settings_blocks(trials),
    ]
    data = figures | {"detection": {name: one.to_dict() for name, one in detections.items()}}
    return Fragment(blocks, _findings(figures), data)


SECTION = Section("How it stands up to attacks", run, cost=17)


def before(subject: "Subject") -> tuple[Purifier, str]:
    """What stands before the detector, and a sentence on it; ``LineamentError`` for a generator that cannot."""
    folder, device, data = subject.generator, torch.device("cpu"), subject.dataset.name
    shape = (3, *subject.dataset.read(0).shape[:2])
    if folder is None and not shipped(data, "generator").is_dir():
        told = (
            "A blur stands before the detector here, for want of a generator of its images; it is the least that a "
            "better defence has to beat. 'lineament train generator --data DATA --out RUN' trains one, and 'lineament "
            "dossier --generator RUN' puts it in the place of the blur."
        )
        return shield("blurred", shape=shape, data=data, generator=None, mode="fast", device=device).purifier, told
    found = shield("defense_gan", shape=shape, data=data, generator=folder, mode="fast", device=device)
    told = (
        "Before the detector looks, an image is replaced by the nearest one that a generator of such images can make "
        "(Defense-GAN). Each look then is a descent, so attacks have few steps and are tried on few images: read this "
        "as a first look; 'lineament attack --defense defense_gan' tries more."
    )
    return found.purifier, told


def _of_attribute(case: Case, found: Sequence[Trial]) -> dict[str, Any]:
    told = {row["threat"]: row for row in rows(found) if row["eps"] in (0, TELLING)}
    return {
        "attribute": case.attribute,
        "images": len(case.labels),
        "clean": told[CLEAN]["undefended"],
        "attacked": told[OBLIVIOUS]["undefended"],
        "purified": told[CLEAN]["accuracy"],
        "worst": told[WORST]["accuracy"],
    }


def _detections(
    found: Sequence[Case], standing: Sequence[Sequence[Trial]], purifier: Purifier, development: Scores, seed: int
) -> dict[str, Detection]:
    """Both scores, against the attack that does not know the defence and against the strongest of all."""

    def scored(batches: Sequence[Tensor]) -> Scores:
        pairs = zip(found, batches, strict=True)
        return Scores.of([scores(case, images, purifier(images, seed=seed)) for case, images in pairs])

    before = scored([case.images for case in found])
    after = {
        who: scored([attack(trials, TELLING).adversarial.images for trials in standing])
        for who, attack in ((OBLIVIOUS, oblivious), ("strongest", strongest))
    }
    images = len(development.error) // len(found)
    rate = max(RATE, 1 / (images + 1))
    return {
        f"{score}, {who}": detection(getattr(before, score), getattr(attacked, score), getattr(development, score),
                                     rates=(rate,))
        for who, attacked in after.items() for score in ("error", "disagreement")
    }  # fmt: skip


def _findings(figures: Mapping[str, Any]) -> list[Finding]:
    """How many decisions stand bare, and behind the defence in the worst case."""
    bare, worst = telling(figures, OBLIVIOUS, "undefended"), telling(figures, WORST)
    clean = figures["rows"][0]["undefended"][0]
    reach = f"if each value of an image may be changed by {budget(TELLING)}"
    doubts = figures["doubts"]
    return [
        Finding(flank(bare, doubts), f"{bare[0]:.0%}",
                f"{_between(bare)} of decisions stay right {reach}, without a defence; {clean:.0%} without an attack"),
        Finding(flank(worst, doubts), f"{worst[0]:.0%}",
                f"{_between(worst)} stay right {reach}, behind {figures['purifier']}, in the worst case of all attacks "
                "tried" + "; doubtful, see there" * bool(doubts)),
    ]  # fmt: skip


def _between(found: Sequence[float]) -> str:
    return f"({found[1]:.0%} to {found[2]:.0%})"
