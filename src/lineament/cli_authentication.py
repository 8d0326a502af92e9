"""The verbs of the authentication wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

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


def calibrate(out: Path, data: str = "portraits", root: Path | None = None, detector: Path | None = None) -> None:
    """Make the cohort of a detector: readings of people it never saw, against whom templates get their thresholds.

    Args:
        out: folder of the cohort.
        data: a data set that `lineament data list` names; its development part is read, of portraits 500 new people.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
    """
    from lineament.authentication.calibration_commands import calibrate

    calibrate(data=data, root=root, detector=detector, out=out)


def protocol_list(root: Path | None = None) -> None:
    """List the verification protocols: what enrols, what probes, and which published table stands beside each trial.

    Args:
        root: folder that holds data sets under their usual names, to say which are there; $LINEAMENT_DATA unless given.
    """
    from lineament.authentication.protocol_commands import list_protocols

    list_protocols(root)


def protocol_run(
    name: Positional[str],
    methods: str = "lbp,detector,lbp+detector",
    root: Path | None = None,
    json: bool = False,
    plot: Path | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> None:
    """Run a verification protocol with any set of methods; print our table beside the published one.

    Args:
        name: a protocol that `lineament protocol list` names.
        methods: separated by commas: lbp, detector (the one that comes with the package), detector:FOLDER,
            classical:FOLDER, platform:FOLDER, discovered:FOLDER; a+b is their fusion. After a method, @published,
            @standardised or @whitened says how its vectors are compared; else the development people decide.
        root: the set's folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        json: print every figure as JSON instead of tables.
        plot: folder for DET and ROC curves, a picture a trial.
        seed: of the bootstrap over people, and of the groups that tune one another.
        resamples: how often people are drawn anew.
    """
    from lineament.authentication.protocol_commands import run_protocol

    run_protocol(name, methods=methods, root=root, json=json, plot=plot, seed=seed, resamples=resamples)


def train_classical(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    attributes: tuple[str, ...] = (),
    faces: int = 2000,
    seed: int = 0,
    jobs: int = 1,
    backend: Literal["loky", "threading", "dask"] = "loky",
    dry_run: bool = False,
) -> None:
    """Search 216 classical models for the five that tell each attribute best; killed and called again, it goes on.

    Args:
        out: folder of the run; the detector is written to its subfolder "detector", the winners to search.json.
        data: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        attributes: search for these alone.
        faces: training faces at most, of people drawn at random; the time grows with their square.
        seed: of the draw of people and of those that choose.
        jobs: workers.
        backend: processes, threads, or the dask scheduler that $DASK_SCHEDULER_ADDRESS names (else a local one).
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.detectors.classical_commands import train_classical

    train_classical(
        out=out, data=data, root=root, attributes=attributes, faces=faces, seed=seed, jobs=jobs, backend=backend,
        dry_run=dry_run,
    )  # fmt: skip


def train_platform(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    attributes: tuple[str, ...] = (),
    faces: int | None = None,
    scale: float = 0.5,
    seed: int = 0,
    jobs: int = 1,
    dry_run: bool = False,
) -> None:
    """Train the smallest detector: one linear SVM an attribute on local binary patterns of the face.

    Args:
        out: folder of the run; the detector is written to its subfolder "detector".
        data: a data set that `lineament data list` names.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        attributes: train these alone.
        faces: training faces at most, of people drawn at random; all unless given.
        scale: 1, 0.7, 0.5 or 0.3 of a face of 128x168 px.
        seed: of the draw of people.
        jobs: processes.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.detectors.classical_commands import train_platform

    train_platform(
        out=out, data=data, root=root, attributes=attributes, faces=faces, scale=scale, seed=seed, jobs=jobs,
        dry_run=dry_run,
    )  # fmt: skip


VERBS: dict[str, Callable[..., Any]] = {
    "train classical": train_classical,
    "train platform": train_platform,
    "discover": discover,
    "protocol list": protocol_list,
    "protocol run": protocol_run,
    "calibrate": calibrate,
}
"""Train classical and platform detectors, discover, calibrate, run protocols."""
