"""Sets that know who is in a picture and on which occasion, but no attributes: they test verification.

All of their images are in the test part. Where a set's crops are aligned the nominal eyes were measured as the median
over 300 images by our own landmarks; the others need their eyes found (``lineament.faces``).
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lineament.datasets.base import AttributeDataset
from lineament.datasets.clips import clip_set, is_video
from lineament.datasets.files import IMAGE_SUFFIXES, ImageFiles, nominal_eyes, require
from lineament.errors import JobError

__all__ = ["extended_yale_b", "mobio", "orl", "umdaa01", "yale"]

_YALE_B = re.compile(r"yaleB(\d{2})_P\d{2}(?:A([+-]\d{3})E([+-]\d{2})|_Ambient)")
_MOBIO = re.compile(r"([fm]\d{3})_(\d{2})_([plrf]\d{2})_[io]([01])_\d")
_ORL_EYES = ((0.319, 0.474), (0.675, 0.474))  # heads are centred by hand: the eyes spread by 0.07 of the width
_YALE_B_EYES = ((0.201, 0.257), (0.777, 0.257))


def extended_yale_b(root: str | Path) -> AttributeDataset:
    """Extended Yale B (Georghiades et al., 2001; Lee et al., 2005), cropped: 38 people under 64 lights.

    Layout ``yaleBNN/yaleBNN_P00A+000E+00.jpg`` (or pgm, png). Azimuth A and elevation E of the light give its angle
    from the camera's axis and so the session: "frontal" up to 12 degrees, "middle" to 50, "extreme" beyond;
    "ambient" for ``_Ambient`` files, which have no such light.
    """

    def session(azimuth: str | None, elevation: str | None) -> str:
        if azimuth is None or elevation is None:
            return "ambient"
        cosine = np.cos(np.deg2rad(float(azimuth))) * np.cos(np.deg2rad(float(elevation)))
        angle = np.rad2deg(np.arccos(cosine)).round(6)  # so that 50 degrees are 50 and not a rounding error more
        return ("frontal", "middle", "extreme")[int(np.digitize(angle, [12.0, 50.0], right=True))]

    def parsed(path: str) -> tuple[str, str] | None:
        found = _YALE_B.fullmatch(path.rsplit("/", 1)[-1])
        return found and (found[1], session(found[2], found[3]))

    return _images(
        "extended_yale_b",
        Path(root),
        "yaleB*/*",
        parsed,
        "yaleBNN/yaleBNN_P00A+000E+00.jpg",
        _YALE_B_EYES,
        "Extended Yale B: research use",
    )


def orl(root: str | Path) -> AttributeDataset:
    """The ORL faces (Samaria and Harter, 1994): 40 people, ten images each, 92x112 grey; layout ``sN/M.pgm`` or png.

    The images were taken at different times, but nothing tells which: the session is unknown.
    """

    def parsed(path: str) -> tuple[str, str] | None:
        found = re.fullmatch(r"s(\d+)/\d+", path)
        return found and (found[1], "")

    return _images(
        "orl", Path(root), "s*/*", parsed, "sN/M.pgm", _ORL_EYES, "ORL faces: credit Olivetti Research Laboratory"
    )


def yale(root: str | Path) -> AttributeDataset:
    """The Yale faces (Belhumeur et al., 1997): 15 people, 11 conditions, 320x243 grey, not aligned.

    Layout ``subjectNN.condition.png`` (or gif, pgm); the session is the condition, "glasses" or "leftlight".
    """

    def parsed(path: str) -> tuple[str, str] | None:
        found = re.fullmatch(r"subject(\d+)\.(\w+)", path)
        return found and (found[1], found[2])

    return _images("yale", Path(root), "subject*", parsed, "subjectNN.condition.png", None, "Yale faces: research use")


def mobio(root: str | Path) -> AttributeDataset:
    """MOBIO (McCool et al., 2012): 152 people filmed with a phone and a laptop in twelve sessions, as clips.

    Layout: a folder a site (``but``, ``idiap``, ``lia``, ``uman``, ``unis``, ``uoulu``), in it a folder a person, in it
    the clips at any depth. ``but/f201/01_mobile/f201_01_f02_i0_0.mp4`` is woman 201 in session 1, free speech 2,
    indoors, device 0, channel 0. The session is ``"01 phone"`` (device 0) or
    ``"01 laptop"`` (device 1).
    """
    return _clips("mobio", Path(root), _mobio_clip, "clips named as f201_01_f02_i0_0.mp4", "MOBIO: its own EULA")


def _mobio_clip(path: Path) -> tuple[str, str] | None:
    found = _MOBIO.fullmatch(path.stem)
    return found and (found[1], f"{found[2]} {('phone', 'laptop')[int(found[4])]}")


def umdaa01(root: str | Path) -> AttributeDataset:
    """UMDAA-01 (Fathy, Patel and Chellappa, 2015): 50 people on a phone in three lights, five tasks each, as clips.

    Layout ``USER/SESSION/TASK.mp4`` (any video suffix, clips may lie deeper); the session is the second folder's name.
    """
    return _clips("umdaa01", Path(root), _umdaa_clip, "USER/SESSION/TASK.mp4", "UMDAA-01: research use, by agreement")


def _umdaa_clip(path: Path) -> tuple[str, str] | None:
    return (path.parts[0], path.parts[1]) if len(path.parts) > 2 else None


def _images(
    name: str,
    root: Path,
    pattern: str,
    parsed: Callable[[str], tuple[str, str] | None],
    layout: str,
    eyes: Sequence[Sequence[float]] | None,
    licence: str,
) -> AttributeDataset:
    """The images under ``root`` whose path without suffix ``parsed`` understands as (person's number, session)."""
    suffixes = IMAGE_SUFFIXES | {".gif"}
    paths = [
        path for path in sorted(require(root, f"{name}'s folder").glob(pattern)) if path.suffix.lower() in suffixes
    ]
    names = [path.relative_to(root).as_posix() for path in paths]
    told = [parsed(file.rsplit(".", 1)[0]) for file in names]
    kept = [(path, file, *who) for path, file, who in zip(paths, names, told, strict=True) if who]
    if not kept:
        raise JobError(f"{root}: no image of {name} in it; expected {layout}")
    files = [path for path, *_ in kept]
    return AttributeDataset(
        name=name,
        read=ImageFiles(files),
        names=[file for _, file, _, _ in kept],
        attributes=(),
        labels=np.empty((len(kept), 0), dtype=np.int8),
        identity=np.array([int(person) for *_, person, _ in kept], dtype=np.int64),
        session=np.array([occasion for *_, occasion in kept]),
        split=np.full(len(kept), 2, dtype=np.int8),
        licence=licence,
        eyes=None if eyes is None else nominal_eyes(eyes, len(kept)),
        sources=files,
    )


def _clips(
    name: str, root: Path, parsed: Callable[[Path], tuple[str, str] | None], layout: str, licence: str
) -> AttributeDataset:
    paths = [path for path in sorted(require(root, f"{name}'s folder").rglob("*")) if is_video(path)]
    told = [(path, parsed(path.relative_to(root))) for path in paths]
    kept = [(path, *who) for path, who in told if who]
    if not kept:
        raise JobError(f"{root}: no clip of {name} in it; expected {layout}")
    names = [path.relative_to(root).as_posix() for path, *_ in kept]
    return clip_set(
        name, [path for path, *_ in kept], names, [who for _, who, _ in kept], [when for *_, when in kept], licence
    )
