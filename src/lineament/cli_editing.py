"""The verbs of the editing wing, as `lineament.cli` calls them. Heavy imports happen inside a verb here too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

__all__ = ["VERBS"]


def train_editor(
    out: Path,
    data: str = "portraits",
    root: Path | None = None,
    preset: str = "lineament",
    attributes: tuple[str, ...] = (),
    steps: int | None = None,
    size: int = 64,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    dry_run: bool = False,
) -> None:
    """Train an editor of attributes for `lineament edit`. Killed and called again, it goes on where it was.

    Args:
        out: folder of the run; the editor is written to its subfolder "editor".
        data: a data set that `lineament data list` names; of portraits, ones whose attributes come by a fair coin.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        preset: lineament, or paper for the dissertation's objective.
        attributes: to edit; unless given eight with a style for portraits, five for celeba, else all of the set.
        steps: instead of the preset's number; what is trained before the editor is shortened likewise.
        size: cut images to a square about their middle and bring it to so many pixels a side: 32, 64, 128 or 256.
        seed: of weights and batches.
        device: where to compute.
        precision: of the arithmetic; auto takes bfloat16 where it is faster.
        dry_run: print the resolved run as JSON and stop.
    """
    from lineament.editing.commands import train

    train(
        out=out, data=data, root=root, preset_name=preset, attributes=attributes, steps=steps, size=size, seed=seed,
        device=device, precision=precision, dry_run=dry_run,
    )  # fmt: skip


def edit_swap(
    out: Path,
    images: Positional[tuple[Path, ...]] = (),
    on: tuple[str, ...] = (),
    off: tuple[str, ...] = (),
    strength: float = 1.0,
    editor: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    n: int = 6,
    fit: bool = False,
    json: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: bool = False,
) -> None:
    """Put attributes on faces or take them off: Swap.

    Args:
        out: a new or empty folder for the edited pictures, a grid of them and edits.json; or, if the name ends in
            .png and is new, for the grid alone.
        images: picture files, or folders of them; named first, for a flag of names takes all that follow it.
        on: attributes to put on.
        off: attributes to take off.
        strength: share of the way, in [0, 1].
        editor: a run of `lineament train editor`, or an artifact; the one of portraits in the package unless given.
        data: where no pictures are named, a data set of whose test images some are drawn that lack what shall come.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images.
        fit: cut and scale pictures of another size, and take grey ones.
        json: print the figures as JSON instead of a table.
        seed: which test images.
        device: where to compute.
        dry_run: open all that is named, print what would be done as JSON and stop.
    """
    from lineament.editing.edit_commands import Request, swap

    request = Request(
        out=out, images=images, editor=editor, data=data, root=root, n=n, fit=fit, json=json, seed=seed,
        device=device, dry_run=dry_run,
    )  # fmt: skip
    swap(request, on=on, off=off, strength=strength)


def edit_sample(
    out: Path,
    images: Positional[tuple[Path, ...]] = (),
    on: tuple[str, ...] = (),
    off: tuple[str, ...] = (),
    count: int = 5,
    scale: float = 1.0,
    strength: float = 1.0,
    editor: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    n: int = 6,
    fit: bool = False,
    json: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: bool = False,
) -> None:
    """Put attributes on faces, each time as they look somewhere else: Diverse Swap.

    Args:
        out: a new or empty folder for the edited pictures, a grid of them and edits.json; or, if the name ends in
            .png and is new, for the grid alone.
        images: picture files, or folders of them; named first, for a flag of names takes all that follow it.
        on: attributes to put on.
        off: attributes to take off.
        count: draws an image, up to 1,000.
        scale: how far draws lie from the mean of the attribute, above 0, up to 100; 1 is as far as of real images.
        strength: share of the way, in [0, 1].
        editor: a run of `lineament train editor`, or an artifact; the one of portraits in the package unless given.
        data: where no pictures are named, a data set of whose test images some are drawn that lack what shall come.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images.
        fit: cut and scale pictures of another size, and take grey ones.
        json: print the figures as JSON instead of a table.
        seed: of the draws, and which test images.
        device: where to compute.
        dry_run: open all that is named, print what would be done as JSON and stop.
    """
    from lineament.editing.edit_commands import Request, sample

    request = Request(
        out=out, images=images, editor=editor, data=data, root=root, n=n, fit=fit, json=json, seed=seed,
        device=device, dry_run=dry_run,
    )  # fmt: skip
    sample(request, on=on, off=off, count=count, scale=scale, strength=strength)


def edit_borrow(
    out: Path,
    attributes: tuple[str, ...],
    images: Positional[tuple[Path, ...]] = (),
    reference: tuple[Path, ...] = (),
    mean: bool = False,
    force: bool = False,
    strength: float = 1.0,
    editor: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    n: int = 6,
    fit: bool = False,
    json: bool = False,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: bool = False,
) -> None:
    """Give faces the attributes of a reference as they look there: Borrow.

    Args:
        out: a new or empty folder for the edited pictures, a grid of them and edits.json; or, if the name ends in
            .png and is new, for the grid alone.
        attributes: to borrow.
        images: picture files, or folders of them; named first, for a flag of names takes all that follow it.
        reference: pictures to borrow from, each on its own; with --data, one test image for each unless given.
        mean: borrow the mean of the references instead.
        force: borrow from a reference that has not the attribute, too.
        strength: share of the way, in [0, 1].
        editor: a run of `lineament train editor`, or an artifact; the one of portraits in the package unless given.
        data: where no pictures are named, a data set of whose test images some are drawn that lack what shall come.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        n: how many test images.
        fit: cut and scale pictures of another size, and take grey ones.
        json: print the figures as JSON instead of a table.
        seed: which test images.
        device: where to compute.
        dry_run: open all that is named, print what would be done as JSON and stop.
    """
    from lineament.editing.edit_commands import Request, borrow

    request = Request(
        out=out, images=images, editor=editor, data=data, root=root, n=n, fit=fit, json=json, seed=seed,
        device=device, dry_run=dry_run,
    )  # fmt: skip
    borrow(request, attributes=attributes, reference=reference, mean=mean, force=force, strength=strength)


def augment(
    out: Path | None = None,
    on: tuple[str, ...] = (),
    off: tuple[str, ...] = (),
    count: int | None = None,
    operation: Literal["swap", "sample", "borrow"] = "sample",
    scale: float = 1.0,
    editor: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    alone: bool = False,
    json: bool = False,
    seed: int = 0,
    dry_run: bool = False,
) -> None:
    """Fill a rare combination of attributes with edited training images; without --on and --off, list the rare ones.

    Args:
        out: a new or empty folder for the set and its edited images; `--data folder --root OUT` opens it.
        on: attributes that the edited images shall show.
        off: attributes that they shall not.
        count: how many, at 64 px up to 100,000; as many as chance would have put there unless given.
        operation: swap puts on the mean of an attribute, sample a draw, borrow what another training image has.
        scale: of the spread of sample, above 0; 1 is as far as real images lie from the mean.
        editor: a run of `lineament train editor`, or an artifact; the one of portraits in the package unless given.
        data: a data set that `lineament data list` names; the one that the editor was trained on unless given.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        alone: write the edited images alone, without the set's own.
        json: print the figures as JSON.
        seed: which images are edited, and of the draws.
        dry_run: print what would be made as JSON and stop.
    """
    from lineament.editing.augment_commands import augment_set

    augment_set(
        out=out, on=on, off=off, count=count, operation=operation, scale=scale, editor=editor, data=data, root=root,
        alone=alone, json=json, seed=seed, dry_run=dry_run,
    )  # fmt: skip


VERBS: dict[str, Callable[..., Any]] = {
    "train editor": train_editor,
    "edit swap": edit_swap,
    "edit sample": edit_sample,
    "edit borrow": edit_borrow,
    "augment": augment,
}
"""Train editors, edit pictures, fill rare combinations."""
