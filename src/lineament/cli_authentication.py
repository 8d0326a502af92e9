"""The verbs of the authentication wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def enrol(
    user: Positional[str],
    sources: Positional[tuple[str, ...]] = (),
    attributes: str = "",
    detector: tuple[Path, ...] = (),
    cohort: tuple[Path, ...] = (),
    framed: bool = False,
    fmr: float = 0.01,
    rate: float = 10.0,
    store: str | None = None,
    key_ring: bool = False,
    out: Path | None = None,
) -> None:
    """Enrol a person from clips, pictures, a camera, or answers typed in; what is kept is sealed, and no image.

    Passphrases: $LINEAMENT_PASSPHRASE, else you are asked.

    Args:
        user: a name for the person.
        sources: clips, pictures, folders of them, camera or camera:NAME; each counts as one occasion.
        attributes: instead of sources, answers such as "Eyeglasses=no,Mustache=yes"; the rest are "any".
        detector: artifacts, the cheapest first; the detector that comes with the package unless given.
        cohort: the cohort of each detector, as `lineament calibrate` makes it.
        framed: the pictures are aligned crops already, so no face is looked for.
        fmr: the false match rate that is wanted: the share of strangers that one picture lets in.
        rate: at most so many pictures a second of a clip or camera.
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        out: write one sealed file instead of using a store.
    """
    from lineament.authentication.commands import enrol
    from lineament.authentication.models import Keeping, Models

    models = Models.open(detector, cohort, framed)
    enrol(user, sources, models, Keeping(store, key_ring, out), attributes=attributes, fmr=fmr, rate=rate)


def verify(
    user: Positional[str],
    sources: Positional[tuple[str, ...]],
    detector: tuple[Path, ...] = (),
    cohort: tuple[Path, ...] = (),
    framed: bool = False,
    rate: float = 10.0,
    store: str | None = None,
    key_ring: bool = False,
    template: Path | None = None,
    json: bool = False,
) -> int:
    """Say whether pictures, taken together, show an enrolled person, and if not, why: exit code 0 accepted, 1 refused.

    Args:
        user: who it is said to be.
        sources: pictures, folders of them, clips, camera or camera:NAME.
        detector: artifacts, the cheapest first; the detector that comes with the package unless given.
        cohort: the cohort of each detector.
        framed: the pictures are aligned crops already, so no face is looked for.
        rate: at most so many pictures a second of a clip or camera.
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        template: a sealed file that `lineament enrol --out` wrote, instead of a store.
        json: print JSON instead of words.
    """
    from lineament.authentication.commands import verify
    from lineament.authentication.models import Keeping, Models

    models = Models.open(detector, cohort, framed)
    return verify(user, sources, models, Keeping(store, key_ring, template), rate=rate, json=json)


def watch(
    user: Positional[str],
    source: Positional[str] = "camera",
    detector: tuple[Path, ...] = (),
    cohort: tuple[Path, ...] = (),
    framed: bool = False,
    rate: float = 10.0,
    seconds: float = float("inf"),
    speed: float = 1.0,
    store: str | None = None,
    key_ring: bool = False,
    template: Path | None = None,
    json: bool = False,
    log: Path | None = None,
) -> None:
    """Watch whether an enrolled person is there: locked or unlocked, and why, as it happens.

    Args:
        user: who should be there.
        source: camera, camera:NAME, a clip, or a folder of pictures.
        detector: artifacts, the cheapest first; the detector that comes with the package unless given.
        cohort: the cohort of each detector.
        framed: the pictures are aligned crops already, so no face is looked for.
        rate: at most so many pictures a second.
        seconds: stop after this long.
        speed: play a clip or a folder so much faster; inf for as fast as it goes.
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        template: a sealed file that `lineament enrol --out` wrote, instead of a store.
        json: print a line of JSON for each picture instead of the live view.
        log: write every decision to this file, with readings but without images.
    """
    from lineament.authentication.commands import watch
    from lineament.authentication.models import Keeping, Models

    models, keeping = Models.open(detector, cohort, framed), Keeping(store, key_ring, template)
    watch(user, source, models, keeping, rate=rate, seconds=seconds, speed=speed, json=json, log=log)


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
    data_root: Path | None = None,
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
        data_root: the set's folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        json: print every figure as JSON instead of tables.
        plot: folder for DET and ROC curves, a picture a trial.
        seed: of the bootstrap over people, and of the groups that tune one another.
        resamples: how often people are drawn anew.
    """
    from lineament.authentication.protocol_commands import run_protocol

    run_protocol(name, methods=methods, root=data_root, json=json, plot=plot, seed=seed, resamples=resamples)


VERBS: dict[str, Callable[..., Any]] = {
    "discover": discover,
    "protocol list": protocol_list,
    "protocol run": protocol_run,
    "calibrate": calibrate,
    "enrol": enrol,
    "verify": verify,
    "watch": watch,
}
"""Train classical and platform detectors, discover, calibrate, run protocols, enrol, verify, watch."""
