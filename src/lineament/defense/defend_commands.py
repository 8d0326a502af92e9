"""What the verb `defend` does: purify files or test images, decide before and after, flag what looks attacked."""

import json as json_module
from math import ceil
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from lineament.artifacts import check_writable
from lineament.datasets.base import SPLITS
from lineament.datasets.labelled import floats
from lineament.datasets.registry import open_dataset
from lineament.defense.choices import Chosen, Request, chosen
from lineament.defense.defend_report import Purification, defend_page, show, write_folder
from lineament.defense.detection import error, threshold
from lineament.defense.flagging import calibrated, clean_errors
from lineament.defense.pictures import fitted
from lineament.defense.shields import Shield, compute_on, shield
from lineament.defense.subjects import check_out, decided, given_images, is_page, say
from lineament.errors import JobError, LineamentError, UsageError

__all__ = ["defend_images"]

AT_ONCE = 50
"""Images purified at a time, so that a bar can move."""

CLEAN = 200
"""Development images that tell what is usual, where no card does."""

TIMED = 2
"""Of them, purified once more to tell how long all take; more at once go faster."""


def defend_images(request: Request, *, fpr: float, out: Path | None, json: bool, dry_run: bool) -> None:
    """Defend picture files, or test images of a set; arguments as on the command line.

    Files that cannot be taken are named on standard error; the rest is still defended, and then ``JobError`` is raised.
    """
    if not 0 < fpr < 1:
        raise UsageError(f"--fpr: expected a share of clean images between 0 and 1, such as 0.05, got {fpr:g}")
    check_out(out)
    device = compute_on(request.device)
    given = chosen(request, device)
    stands = shield(str(request.defense), shape=given.shape, data=given.data or request.data,
                    generator=request.generator, mode=request.mode, device=device)  # fmt: skip
    pictures, _, failures = given_images(request, given, device)
    cut = calibrated(stands, fpr)
    clean = _clean(request, given, fpr) if cut is None else None
    if dry_run:
        facts = {"classifier": given.classifier.name, "classes": given.classes, "shape": given.shape, "fpr": fpr,
                 "defense": stands.purifier.name, "threshold": cut, "seed": request.seed, "n": len(pictures),
                 "first": None if clean is None else f"purify {len(clean)} development images for the threshold",
                 "images": [*map(str, request.images)] or f"{request.n} test images of {request.data}"}  # fmt: skip
        return print(json_module.dumps(facts, indent=1))
    if out is not None:
        check_writable(out.parent if is_page(out) else out)
    if clean is not None:
        cut = _cut(stands, clean, fpr, device, request.seed)
    purified = _purified(stands, pictures.images, request.seed)
    done = Purification(
        request, given, stands, pictures, purified, decided(given.classifier, pictures.images),
        decided(given.classifier, purified), error(pictures.images, purified), cut, fpr,
    )  # fmt: skip
    if out is not None:
        (defend_page if is_page(out) else write_folder)(done, out)
        say(f"What became of {len(pictures)} images: {out}")
    if json:
        print(json_module.dumps(done.figures(), indent=1))
    else:
        show(done)
    if failures:
        raise JobError("\n".join(failures))


def _purified(stands: Shield, images: Tensor, seed: int) -> Tensor:
    console = Console(stderr=True)
    parts = torch.split(images, AT_ONCE)
    hidden = not console.is_terminal
    return torch.cat(
        [stands.purifier(part, seed=seed) for part in track(parts, "purifying", console=console, disable=hidden)]
    )


def _clean(request: Request, given: Chosen, fpr: float) -> Tensor | None:
    """Development images ``(m, channels, height, width)`` uint8 whose errors tell what is usual, where no card does.

    None where their set is not known or not there. Raises ``UsageError`` for a rate that takes more of them.
    """
    if request.data is None:
        say("Nothing is flagged: no errors of clean images are known; name their set with --data")
        return None
    try:
        dataset = open_dataset(request.data, request.root)
    except LineamentError as reason:
        say(f"Nothing is flagged: no errors of clean images are known, and there are none to purify ({reason})")
        return None
    rows = np.flatnonzero(dataset.split == SPLITS.index("development"))
    rows = np.random.default_rng(request.seed).permutation(rows)[:CLEAN]
    if len(rows) < 1 / fpr - 1:
        raise UsageError(
            f"--fpr {fpr:g}: takes at least {ceil(1 / fpr) - 1} clean images, and {len(rows)} development images of "
            f"{dataset.name} are purified to know what is usual; ask for {1 / (len(rows) + 1):.2g} or more"
        )
    names = [dataset.names[int(i)] for i in rows]
    images = [
        fitted(dataset.read(int(i)), given.shape, name, fit=request.fit) for i, name in zip(rows, names, strict=True)
    ]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _cut(stands: Shield, clean: Tensor, fpr: float, device: torch.device, seed: int) -> float:
    """The error above which an image is flagged, from clean images; how long these take is told from a few of them."""
    begun = perf_counter()
    stands.purifier(floats(clean[:TIMED]).to(device), seed=seed)
    seconds = (perf_counter() - begun) * len(clean) / TIMED
    long = f", at most about {ceil(seconds / 60)} min" if seconds > 60 else ""
    say(f"{stands.purifier.name}: no errors of clean images are noted; purifying {len(clean)} development images"
        f" first{long}")  # fmt: skip
    return threshold(clean_errors(stands.purifier, clean, device, seed=seed), fpr)
