"""The two ways a call can fail on purpose: it was wrong (exit code 2), or the job could not be done (exit code 1).

Messages say what was expected, what came, and what to do next; ``nearest`` helps with misspelt names.
"""

import difflib
from collections.abc import Iterable

__all__ = ["JobError", "LineamentError", "UsageError", "nearest"]


class LineamentError(Exception):
    """Base of every error that lineament raises on purpose; its text is meant for the user."""

    exit_code = 1


class JobError(LineamentError):
    """The call was right but the job failed: a torn file, a full disk, no face in the picture."""

    exit_code = 1


class UsageError(LineamentError, ValueError):
    """The call itself was wrong: an unknown name, a value out of range, a tensor of the wrong shape."""

    exit_code = 2


def nearest(name: str, known: Iterable[str], kind: str = "name") -> str:
    """One sentence that refuses ``name`` and offers the closest of the ``known`` names, or all of them when none is."""
    known = list(known)
    folded = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower().replace(" ", "_"), list(folded), n=3, cutoff=0.5)
    if close:
        return f"unknown {kind} {name!r}; did you mean {' or '.join(repr(folded[entry]) for entry in close)}?"
    return f"unknown {kind} {name!r}; known: {', '.join(sorted(known)) or 'none'}"
