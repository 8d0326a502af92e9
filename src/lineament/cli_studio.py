"""The verb of the studio, as `lineament.cli` calls it. Heavy imports happen inside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["VERBS"]


def studio(
    editor: Path | None = None,
    data: str | None = None,
    root: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8001,
    seed: int = 0,
) -> None:
    """Serve a page on which one edits faces: Swap, Diverse Swap, Borrow. On this machine alone unless told otherwise.

    Args:
        editor: folder of a run of `lineament train editor`, or an editor's artifact; the one that comes with the
            package unless given.
        data: a data set that `lineament data list` names, of whose test part faces are there to choose from; the one
            that the editor was trained on unless given.
        root: its folder, or one that holds it under its usual name; $LINEAMENT_DATA unless given.
        host: where to listen.
        port: where to listen; 0 takes a free one.
        seed: which faces.
    """
    from lineament.studio.commands import studio

    studio(editor=editor, data=data, root=root, host=host, port=port, seed=seed)


VERBS: dict[str, Callable[..., Any]] = {"studio": studio}
"""Edit faces on a page."""
