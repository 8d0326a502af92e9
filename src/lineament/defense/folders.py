"""The folder that a flag names: that of a run, or of an artifact, of the kind that the flag wants; or what to name."""

from pathlib import Path

from lineament import artifacts
from lineament.defense.encoder import artifact_in
from lineament.errors import JobError

__all__ = ["named"]

KINDS = ("generator", "encoder", "classifier", "detector", "autoencoder", "explainer")
"""What the folder of a run may hold instead."""


def named(flag: str, folder: Path, kind: str) -> Path:
    """The artifact of this kind, ``"generator"`` or ``"classifier"``, in the folder of a run or in the folder itself.

    ``JobError`` names the flag, says what is there instead, and how to come by what is wanted.
    """
    place = artifact_in(folder, kind)
    if (there := _found(folder, place)) == f"holds the kind {kind}":
        return place
    raise JobError(
        f"{flag} {folder}: {there}, and a {kind} is wanted; name the folder of a run of 'lineament train {kind}' that "
        "has ended"
    )


def _found(folder: Path, place: Path) -> str:
    if (place / "card.json").is_file():
        return f"holds the kind {artifacts.read_card(place)['kind']}"
    if not folder.is_dir():
        return "is a file" if folder.exists() else "no such folder"
    others = [kind for kind in KINDS if (folder / kind).is_dir()]
    return f"is the run of a {others[0]}" if others else "holds no card.json"
