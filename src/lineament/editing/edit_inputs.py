"""What the verbs of editing are given: the flags they share, the editor, the images, and references to borrow from."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lineament.datasets.base import AttributeDataset
from lineament.datasets.registry import open_dataset
from lineament.editing.edit_report import check_out
from lineament.editing.editor import Editor, load, shipped
from lineament.editing.operations import Edit, edit, index_of
from lineament.editing.pictures import Pictures, candidates, drawn, expanded, read_pictures
from lineament.errors import JobError, UsageError
from lineament.training.run import Device

__all__ = ["Given", "Request", "given_to", "opened", "references_at", "references_in", "wanted_of"]

LOOKED_AT = 200
"""Test images at most among which the editor looks for references."""


@dataclass(frozen=True)
class Request:
    """The flags that the three verbs share; see the command line."""

    out: Path
    images: Sequence[Path]
    editor: Path | None
    data: str | None
    root: Path | None
    n: int
    fit: bool
    json: bool
    seed: int
    device: Device
    dry_run: bool


@dataclass(frozen=True)
class Given:
    """The images of a call, an edit of them that has done nothing yet, and what could not be read."""

    begun: Edit
    names: list[str]
    failures: list[str]
    dataset: AttributeDataset | None


def wanted_of(on: Sequence[str], off: Sequence[str], flags: str = "--on, --off") -> dict[str, bool]:
    """Attribute to whether it shall be there; ``UsageError`` for none, or one that is named twice."""
    names = [*on, *off]
    if not names:
        raise UsageError(f"{flags}: name at least one attribute")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{flags}: {twice} is named twice")
    return dict.fromkeys(on, True) | dict.fromkeys(off, False)


def opened(request: Request, attributes: Sequence[str]) -> Editor:
    """The editor, once everything that can be checked without images holds."""
    check_out(request.out)
    editor = shipped() if request.editor is None else load(request.editor)
    for name in attributes:
        if name not in editor.attributes and os.path.exists(name):  # noqa: PTH110 (False for what can be no path)
            raise UsageError(f"{name}: was taken for an attribute; name pictures first, then the flags")
        index_of(editor, name)
    if bool(request.images) == (request.data is not None):
        raise UsageError(
            "images: name pictures before the flags, or with --data a set of whose test images some are drawn"
        )
    if request.n < 1:
        raise UsageError(f"--n: expected at least 1, got {request.n}")
    if not 0 <= request.seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, got {request.seed}")
    if request.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: cuda was asked for, but PyTorch sees no GPU; use cpu or auto")
    return editor.to("cuda" if request.device != "cpu" and torch.cuda.is_available() else "cpu")


def given_to(request: Request, editor: Editor, wanted: Mapping[str, bool]) -> Given:
    """Pictures, or test images that lack what is ``wanted``."""
    size, dataset, failures = editor.shape[1], None, list[str]()
    if request.data is None:
        pictures, failures = read_pictures(request.images, size, fit=request.fit)
    else:
        options = {"size": size} if request.data == "portraits" else {}
        dataset = open_dataset(request.data, request.root, **options)
        lacking = {name: not present for name, present in wanted.items()}
        pictures = drawn(dataset, candidates(dataset, lacking, request.seed)[: request.n], size)
    begun = edit(pictures.images.to(editor.centroids.device), editor)
    return Given(begun, pictures.names, failures, dataset)


def references_in(
    dataset: AttributeDataset, begun: Edit, attributes: Sequence[str], seed: int, force: bool
) -> Pictures:
    """A test image for each one to edit, that has the attributes by its labels and, unless forced, to the editor."""
    rows = candidates(dataset, dict.fromkeys(attributes, True), seed)[:LOOKED_AT]
    pictures = drawn(dataset, rows, begun.editor.shape[1])
    found = edit(pictures.images.to(begun.originals.device), begun.editor)
    places = [index_of(begun.editor, name) for name in attributes]
    seen = (found.presence[:, places] > 0.5).all(1) | force
    if not seen.any():
        raise JobError(
            f"{dataset.name}: in none of {len(rows)} test images labelled {', '.join(attributes)} does the "
            "editor see them; name a --reference, or take one all the same with --force"
        )
    kept = seen.nonzero()[:, 0]
    chosen = kept[torch.arange(len(begun)) % len(kept)]
    return Pictures(found.originals[chosen], [pictures.names[i] for i in chosen.tolist()])


def references_at(paths: Sequence[Path], begun: Edit, attributes: Sequence[str], *, fit: bool, force: bool) -> Pictures:
    """Pictures to borrow from, each once; an error names the file if one cannot be taken or, unforced, lacks it."""
    found, failures = read_pictures([*dict.fromkeys(expanded(paths))], begun.editor.shape[1], fit=fit)
    if failures:
        raise JobError("\n".join(failures))
    short = [Path(name).name for name in found.names]
    names = short if len(set(short)) == len(short) else found.names
    images = found.images.to(begun.originals.device)
    if not force:
        places = [index_of(begun.editor, name) for name in attributes]
        for name, read in zip(found.names, edit(images, begun.editor).presence[:, places].tolist(), strict=True):
            _check_shown(name, dict(zip(attributes, read, strict=True)))
    return Pictures(images, names)


def _check_shown(file: str, read: Mapping[str, float]) -> None:
    for attribute, probability in read.items():
        if not probability > 0.5:
            raise UsageError(
                f"--reference {file}: does not show {attribute} (the editor is {probability:.0%} sure of it), so there "
                "is nothing to borrow; name another one, or take what it has with --force"
            )
