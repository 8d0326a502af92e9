"""Photos that are not aligned become a folder of crops that are: the largest face of each, framed as CelebA's are."""

import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from lineament.artifacts import write_atomically
from lineament.datasets.base import SPLITS, AttributeDataset
from lineament.datasets.celeba import LOOSE_EYES
from lineament.datasets.folder import EYES, read_table
from lineament.errors import JobError, UsageError
from lineament.faces.align import Frame, align
from lineament.faces.landmarks import find

__all__ = ["Aligned", "align_dataset"]

TABLE = "labels.csv"


@dataclass(frozen=True)
class Aligned:
    """What ``align_dataset`` did.

    Attributes:
        table: the ``labels.csv`` beside the crops.
        kept: how many images have a crop.
        left_out: name of each image without one, and why.
    """

    table: Path
    kept: int
    left_out: dict[str, str] = field(repr=False)


def align_dataset(dataset: AttributeDataset, out: str | Path, size: int = 128) -> Aligned:
    """Write the largest face of every image as a PNG of ``size`` x ``size`` px, and the table that ``folder`` reads.

    A crop is named after its image with ``.png`` added. One that is there already is not made again, so a call that
    was stopped goes on where it was. The table is written last, with identity, session, split, eyes and attributes.

    Args:
        dataset: any set of photos or frames.
        out: the folder to write; it must not hold the photos themselves, nor a table of another origin.
        size: of a crop, 16 to 4096 pixels.

    Raises:
        UsageError: such an ``out`` or ``size``, or the extra ``faces`` is not installed.
        JobError: the face models were not fetched, no image has a face, or the disk is full.
    """
    out = Path(out)
    if not 16 <= size <= 4096:
        raise UsageError(f"size: expected 16 to 4096 pixels, got {size}")
    _check_place(dataset, out)
    frame, kept, left_out = Frame(LOOSE_EYES, size, size), [], {}
    console = Console(stderr=True)
    for i in track(range(len(dataset)), f"aligning {dataset.name}", console=console, disable=not sys.stderr.isatty()):
        reason = "" if _made(crop := out / _crop_name(dataset, i), size) else _make(dataset, i, frame, crop)
        if reason:
            left_out[dataset.names[i]] = reason
        else:
            kept.append(i)
    if not kept:
        first = f" ({next(iter(left_out.values()))})" if left_out else ""
        raise JobError(f"{dataset.name}: none of its {len(dataset)} images gave a face{first}; no table was written")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(dataset, kept))
    return Aligned(write_atomically(out / TABLE, text.getvalue().encode()), len(kept), left_out)


def _check_place(dataset: AttributeDataset, out: Path) -> None:
    """Refuse to write among the photos, or over a table that somebody wrote by hand."""
    place = out.resolve()
    for folder in {source.parent for source in dataset.sources}:
        if place in (folder.resolve(), *folder.resolve().parents):
            raise UsageError(f"{out}: holds the images of {dataset.name} themselves; name a new folder")
    if (out / TABLE).exists() and not read_table(out / TABLE).keys() >= set(EYES):
        raise UsageError(f"{out / TABLE}: is there and was not written by `data align`; name a new folder")


def _crop_name(dataset: AttributeDataset, i: int) -> str:
    return f"{dataset.names[i]}.png"


def _made(crop: Path, size: int) -> bool:
    """Whether an earlier call wrote this crop, in this size; only whole files ever lie there."""
    try:
        with Image.open(crop) as image:
            return image.size == (size, size)
    except (OSError, Image.DecompressionBombError):
        return False


def _make(dataset: AttributeDataset, i: int, frame: Frame, crop: Path) -> str:
    """Write the crop of image ``i``; the reason why it has none, else nothing."""
    try:
        image = dataset.read(i)
    except JobError as error:
        return str(error)
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    faces = find(image)
    if not faces:
        return f"{dataset.names[i]}: no face found"
    pixels: NDArray[np.uint8] = align(image, faces[0].eyes, frame)
    write_atomically(crop, lambda file: Image.fromarray(pixels).save(file, "PNG"))
    return ""


def _rows(dataset: AttributeDataset, kept: Iterable[int]) -> Iterable[list[object]]:
    """The table: a header, then a line an image; what is unknown is an empty cell."""
    eyes = [value for point in LOOSE_EYES for value in point]
    digits = len(str(dataset.identity.max()))  # as text, people sort as their numbers do
    yield ["file", "identity", "session", "split", *EYES, *dataset.attributes]
    for i in kept:
        person = "" if dataset.identity[i] < 0 else f"{dataset.identity[i]:0{digits}}"
        labels = ["" if value < 0 else value for value in dataset.labels[i]]
        yield [_crop_name(dataset, i), person, dataset.session[i], SPLITS[dataset.split[i]], *eyes, *labels]
