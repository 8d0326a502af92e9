"""Parameters that carry their law: a dataclass field says what it may be, and from that it is drawn and checked."""

from collections.abc import Mapping
from dataclasses import field, fields
from numbers import Real
from random import Random
from typing import Any, TypeVar

from lineament.errors import UsageError, nearest

__all__ = ["check", "draw", "laws", "one_of", "pick", "within"]

T = TypeVar("T")


def within(low: float = 0.0, high: float = 1.0) -> Any:
    """A number drawn uniformly from [low, high]; the default [0, 1] is a place inside a range that drawing decides."""
    return field(metadata={"law": (low, high)})


def one_of(*choices: str) -> Any:
    """One of a few short names, equally likely; to name one twice makes it twice as likely."""
    return field(metadata={"law": choices})


def laws(kind: type) -> Mapping[str, Any]:
    """What each field of a dataclass may be: (low, high), or the names to choose from."""
    return {entry.name: entry.metadata["law"] for entry in fields(kind)}


def pick(law: Any, random: Random) -> Any:
    """A value that a law allows, at random."""
    return random.choice(law) if isinstance(law[0], str) else random.uniform(*law)


def draw(kind: type[T], random: Random, **fixed: Any) -> T:
    """An instance of a dataclass of such fields, each drawn in order except the ``fixed`` ones."""
    # drawn even where fixed, so that fixing one parameter never moves the others
    drawn = {name: pick(law, random) for name, law in laws(kind).items()}
    return kind(**(drawn | fixed))


def check(kind: type, name: str, value: Any) -> Any:
    """``value`` if the field ``name`` of ``kind`` may take it, else a ``UsageError`` that states what is legal."""
    law = laws(kind)[name]
    if isinstance(law[0], str):
        if value not in law:
            raise UsageError(f"{name}: {nearest(str(value), set(law), 'value')}")
        return value
    if isinstance(value, Real) and not isinstance(value, bool) and law[0] <= value <= law[1]:
        return float(value)
    raise UsageError(f"{name}: expected a number in [{law[0]:g}, {law[1]:g}], got {value!r}")
