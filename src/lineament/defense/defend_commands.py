"""What the verb `defend` does: purify files or test images, decide before and after, flag what looks attacked."""

import json as json_module
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from lineament.artifacts import check_writable
from lineament.datasets.base import SPLITS
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


def defend_images(request: Request, *, fpr: float, out: Path | None, json: bool, dry_run: bool) -> None:
    """Defend picture files, or test images of a set; arguments as on the command line.

    Files that cannot be taken are named on standard error; the rest is still defended, and then ``JobError`` is raised.
    """
    if not 0 < fpr < 1:
        raise UsageError(f"--fpr: expected a share of clean images between 0 and 1, such as 0.05, got {fpr:g}")
    check_out(out)
    device = compute_on(request.device)
    given = chosen(request, device)
    stands = shield(str(request.defense), shape=given.shape, data=given.data, generator=request.generator,
                    mode=request.mode, device=device)  # fmt: skip
    if dry_run:
        facts = {"classifier": given.classifier.name, "classes": given.classes, "shape": given.shape, "fpr": fpr,
                 "defense": stands.purifier.name, "threshold": calibrated(stands, fpr), "seed": request.seed,
                 "images": [*map(str, request.images)] or f"{request.n} test images of {request.data}"}  # fmt: skip
        print(json_module.dumps(facts, indent=1))
        return
    pictures, _, failures = given_images(request, given, device)
    cut = _cut(request, given, stands, fpr, device)
    if out is not None:
        check_writable(out.parent if is_page(out) else out)
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


def _cut(request: Request, given: Chosen, stands: Shield, fpr: float, device: torch.device) -> float | None:
    """The error above which an image is flagged: from the generator's card, else from development images of the set."""
    if (noted := calibrated(stands, fpr)) is not None:
        return noted
    if request.data is None:
        say("Nothing is flagged: no errors of clean images are known; name their set with --data")
        return None
    try:
        dataset = open_dataset(request.data, request.root)
    except LineamentError as reason:
        if not request.images:
            raise
        say(f"Nothing is flagged: no errors of clean images are known, and there are none to purify ({reason})")
        return None
    rows = np.flatnonzero(dataset.split == SPLITS.index("development"))
    rows = np.random.default_rng(request.seed).permutation(rows)[:CLEAN]
    names = [dataset.names[int(i)] for i in rows]
    say(f"{stands.purifier.name}: no errors of clean images are noted; purifying {len(rows)} development images")
    images = [
        fitted(dataset.read(int(i)), given.shape, name, fit=request.fit) for i, name in zip(rows, names, strict=True)
    ]
    found = clean_errors(
        stands.purifier, torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), device, seed=request.seed
    )
    return threshold(found, fpr)
