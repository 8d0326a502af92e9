"""The verbs of the running system, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tyro.conf import Positional

__all__ = ["VERBS"]


def enrol(
    user: Positional[str],
    sources: Positional[tuple[str, ...]] = (),
    attributes: str = "",
    detector: tuple[Path, ...] = (),
    cohort: tuple[Path, ...] = (),
    framed: bool = False,
    same_camera: bool = False,
    fmr: float = 0.01,
    rate: float = 10.0,
    store: str | None = None,
    key_ring: bool = False,
    out: Path | None = None,
    replace: bool = False,
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
        same_camera: the person will be watched by the camera of these pictures, at the same place, as on a desk: hold
            strangers against pictures of that camera, not of the cohort's.
        fmr: the false match rate that is wanted: the share of strangers that one picture lets in.
        rate: at most so many pictures a second of a clip or camera.
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        out: write one sealed file instead of using a store.
        replace: put the new template in the place of one that this person has, or of the file.
    """
    from lineament.authentication.commands import enrol
    from lineament.authentication.models import Keeping, Models

    models = Models.open(detector, cohort, framed)
    enrol(user, sources, models, Keeping(store, key_ring, out, replace), attributes=attributes, fmr=fmr, rate=rate,
          same_camera=same_camera)  # fmt: skip


def verify(
    user: Positional[str],
    sources: Positional[tuple[str, ...]] = (),
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
    replay: Path | None = None,
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
        log: write every decision to this new file, with readings but without images.
        replay: make the decisions of such a log again, each held against what was decided then, instead of a source.
    """
    from lineament.authentication.commands import watch
    from lineament.authentication.models import Keeping, Models

    models, keeping = Models.open(detector, cohort, framed), Keeping(store, key_ring, template)
    numbers = {"rate": rate, "seconds": seconds, "speed": speed}
    watch(user, source, models, keeping, **numbers, json=json, log=log, again=replay)


VERBS: dict[str, Callable[..., Any]] = {"enrol": enrol, "verify": verify, "watch": watch}
"""Enrol a person, hold pictures against one, watch."""
