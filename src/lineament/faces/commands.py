"""What the verb ``faces show`` does."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lineament.artifacts import write_atomically
from lineament.errors import UsageError
from lineament.faces.drawing import look, page, table

__all__ = ["show"]


def show(images: Sequence[Path], out: Path | None, *, json: bool) -> None:
    """Print what was found in each picture, and draw it to ``out`` if that is given."""
    if not images:
        raise UsageError("images: name at least one picture")
    pictures = [look(path) for path in images]
    if out is not None:
        write_atomically(out, lambda file: page(pictures).savefig(file, format="png"))
    if json:
        print(json_module.dumps([picture.as_dict() for picture in pictures], indent=1))
        return
    Console().print(table(pictures))
    for picture in pictures:
        if picture.situation.problems:
            print(f"{picture.name}: {picture.situation.sentence}")
