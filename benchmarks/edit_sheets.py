"""Grids of edited test images, for the eyes of whoever runs a benchmark; written below ``runs``, never kept."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.edit_task import Held, Plan
from lineament.editing.evaluation import rebuilt, swapped
from lineament.editing.grids import Column, write_grid
from lineament.editing.operations import AnyEditor, edit

ROWS, DRAWS, LENT = 10, 6, 3


def sheets(plan: Plan, model: AnyEditor, held: Held, lent: Callable[[int, int], Tensor]) -> None:
    """Three grids of one model: every attribute switched, draws of each, each borrowed from two references.

    Args:
        plan: names the files.
        model: what edits.
        held: its first images of different people are shown.
        lent: an attribute's number and how many to as many references that have it.
    """
    names = list(held.attributes)
    few = _different(held.identity, max(ROWS, len(names)))
    images, labels = held.images[few], held.labels[few]
    begun, shown = edit(images[:ROWS], model), edit(images[: len(names)], model)
    columns = [Column("image", begun.originals), Column("drawn again", rebuilt(model, begun.originals))]
    for i, name in enumerate(names):
        columns.append(Column(name, swapped(begun, name, (labels[:ROWS, i] != 1).long())))
    write_grid(f"{plan.sheets}-swap.png", columns, caption="Each attribute as it is not.")
    draws = torch.stack([shown[[i]].sample(name, count=DRAWS).images for i, name in enumerate(names)])
    columns = [Column("image", shown.originals), *(Column(f"draw {k + 1}", draws[:, k]) for k in range(DRAWS))]
    write_grid(f"{plan.sheets}-draws.png", columns, names)
    columns, references = [Column("image", shown.originals)], torch.stack([lent(i, LENT) for i in range(len(names))])
    for k in range(LENT):
        made = [shown[[i]].borrow(name, references[[i], k], force=True).images for i, name in enumerate(names)]
        columns += [Column("reference", references[:, k]), Column("borrowed", torch.cat(made))]
    write_grid(f"{plan.sheets}-borrow.png", columns, names)


def _different(identity: Sequence[int], count: int) -> list[int]:
    """The first image of each of the first people."""
    first: dict[int, int] = {}
    for place, person in enumerate(identity):
        first.setdefault(int(person) if person >= 0 else -1 - place, place)
    return list(first.values())[:count]
