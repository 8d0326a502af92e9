"""What the verbs `edit swap`, `edit sample` and `edit borrow` do. The command line parses and calls these."""

import json as json_module
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from lineament.artifacts import check_writable
from lineament.editing.edit_inputs import Given, Request, given_to, opened, references_at, references_in, wanted_of
from lineament.editing.edit_report import Edited, is_grid, show, write
from lineament.editing.operations import Edit
from lineament.errors import JobError, UsageError
from lineament.report import readable

__all__ = ["Request", "borrow", "sample", "swap"]


def swap(request: Request, *, on: Sequence[str], off: Sequence[str], strength: float) -> None:
    """Put attributes on or take them off; arguments as on the command line."""
    wanted = wanted_of(on, off)
    given = given_to(request, opened(request, [*wanted]), wanted)
    done = given.begun
    for name, present in wanted.items():
        done = done.swap(name, present, strength=strength)
    title = ", ".join(f"{'' if present else 'no '}{readable(name)}" for name, present in wanted.items())
    _finish(request, given, wanted, {title: done})


def sample(
    request: Request, *, on: Sequence[str], off: Sequence[str], count: int, scale: float, strength: float
) -> None:
    """Put attributes on or take them off, several times as they look elsewhere; arguments as on the command line."""
    wanted = wanted_of(on, off)
    given = given_to(request, opened(request, [*wanted]), wanted)
    done = given.begun
    for i, (name, present) in enumerate(wanted.items()):
        times = 1 if i else count
        done = done.sample(name, present, count=times, scale=scale, strength=strength, seed=request.seed)
    _finish(request, given, wanted, {f"draw {k + 1}": done[k::count] for k in range(count)})


def borrow(
    request: Request, *, attributes: Sequence[str], reference: Sequence[Path], mean: bool, force: bool, strength: float
) -> None:
    """Give images the attributes of each reference, or of the mean of all; arguments as on the command line."""
    wanted = wanted_of(attributes, (), "--attributes")
    if not reference and (request.data is None or mean):
        raise UsageError("--reference: name one or several pictures to borrow from")
    given = given_to(request, opened(request, [*wanted]), wanted)

    def borrowed(source: Tensor | Sequence[Tensor]) -> Edit:
        done = given.begun
        for name in wanted:
            done = done.borrow(name, source, strength=strength, force=force)
        return done

    if given.dataset is not None and not reference:
        drawn = references_in(given.dataset, given.begun, [*wanted], request.seed, force)
        variants = {"borrowed": borrowed(drawn.images)}
        return _finish(request, given, wanted, variants, reference=drawn.images, references=drawn.names)
    references, names = references_at(reference, given.begun, [*wanted], fit=request.fit, force=force)
    if mean:
        title = f"mean of {len(names)} references"
        return _finish(request, given, wanted, {title: borrowed(torch.split(references, 1))}, references=names)
    variants = {f"from {name}": borrowed(each[None]) for name, each in zip(names, references, strict=True)}
    _finish(request, given, wanted, variants, heads=[*references], references=names)


def _finish(
    request: Request, given: Given, changed: Mapping[str, bool], variants: Mapping[str, Edit], *,
    reference: Tensor | None = None, heads: Sequence[Tensor] = (), references: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write and tell what was done, or with ``--dry-run`` what would be; ``JobError`` on pictures left out of it."""
    steps = next(iter(variants.values())).steps
    original, card = given.begun.originals, given.begun.editor.card
    inputs = {"input": original} if reference is None else {"reference": reference, "query": original}
    facts: dict[str, Any] = {
        "operation": ".".join(("edit(images)", *steps)),
        "editor": {key: card.get(key, "unknown") for key in ("weights_sha256", "data", "licence")},
        "data": request.data,
        "seed": request.seed,
        "references": list(references),
    }
    if request.dry_run:
        told = facts | {"images": given.names, "variants": list(variants), "out": str(request.out)}
        print(json_module.dumps(told, indent=1))
    else:
        _carry_out(request, Edited(given.names, given.begun, changed, variants, inputs, heads), facts)
    if given.failures:
        raise JobError("\n".join(given.failures))


def _carry_out(request: Request, edited: Edited, facts: Mapping[str, Any]) -> None:
    check_writable(request.out.parent if is_grid(request.out) else request.out)
    caption = f"{facts['operation']}; editor of {facts['editor']['data']}, seed {request.seed}."
    write(edited, request.out, facts, caption)
    if request.json:
        print(json_module.dumps({**facts, "images": edited.rows}, indent=1))
    else:
        show(edited)
    told = [f"{len(edited.names)} images edited: {request.out}", *([edited.doubts] if edited.doubts else [])]
    Console(stderr=True).print("\n".join(told), highlight=False, soft_wrap=True, markup=False)
