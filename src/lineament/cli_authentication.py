"""The verbs of the authentication wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["VERBS"]


def discover(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    detector: Path | None = None,
    clusters: int = 10,
    samples: int = 10_000,
    sparsity: int = 20,
    seed: int = 0,
    dry_run: bool = False,
) -> None:
    """Group what a detector's part networks see alike, without labels, and show each group with the labels in it.

    Killed and called again, it goes on with the part where it was.

    Args:
        out: folder for the discovery, its contact sheets (sheets.html) and its figures (figures.json).
        data: a data set that `lineament data list` names, with attribute labels.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        detector: an artifact or a run folder; for portraits, the detector that comes with the package unless given.
        clusters: groups a part.
        samples: training images at most that are grouped.
        sparsity: images of the dictionary that a face is written with, for its features.
        seed: of the sample, of the cut, and of the pictures shown.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.detectors.discovery import Settings
    from lineament.detectors.discovery_commands import discover

    settings = Settings(clusters=clusters, samples=samples, sparsity=sparsity, seed=seed)
    discover(out=out, data=data, root=root, detector=detector, settings=settings, dry_run=dry_run)


VERBS: dict[str, Callable[..., Any]] = {
    "discover": discover,
}
"""Train classical and platform detectors, discover, calibrate, run protocols, enrol, verify, watch."""
