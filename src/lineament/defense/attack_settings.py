"""Attacks as a command line names them: a name, a budget and NAME=VALUE words become an attack with its settings."""

from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from typing import Any

from lineament.attacks.base import Attack
from lineament.attacks.methods import ATTACKS
from lineament.errors import UsageError, nearest

__all__ = ["BLACK_BOX", "attack_names", "prepared", "settings_of"]

BLACK_BOX = "black_box"
"""Transfers what FGSM makes of a substitute, which must be trained first; so it is not prepared here."""

_READ: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a word"),
    bool: (lambda text: {"true": True, "false": False}[text.lower()], "true or false"),
}


def attack_names() -> list[str]:
    """Every attack that the command line knows."""
    return sorted({*ATTACKS, BLACK_BOX})


def settings_of(name: str) -> dict[str, Field[Any]]:
    """The settings of an attack by name, ``eps`` apart; `BLACK_BOX` has none."""
    kind = ATTACKS.get(name)
    found = fields(kind) if kind is not None and name != BLACK_BOX else ()
    return {field.name: field for field in found if field.init and field.name != "eps"}


def prepared(names: Sequence[str], eps: float, words: Sequence[str]) -> dict[str, Attack]:
    """Attacks by name, `BLACK_BOX` left out; each takes those of the settings that it has.

    Args:
        names: of attacks, none twice.
        eps: budget of those that have one.
        words: ``NAME=VALUE`` each.

    Raises ``UsageError`` for an unknown name, a setting that none of the attacks has, or a value that it does not take.
    """
    known = attack_names()
    for name in names:
        if name not in known:
            raise UsageError(f"--attack: {nearest(name, known, 'attack')}")
    if not names or len(set(names)) < len(names):
        raise UsageError(f"--attack: expected one or more different attacks, got {', '.join(names) or 'none'}")
    given = dict(_pair(word) for word in words)
    legal = {setting for name in names for setting in settings_of(name)}
    for setting in given:
        if setting not in legal:
            kind = f"setting of {' or '.join(names)}"
            raise UsageError(f"--settings {setting}: {nearest(setting, legal, kind)}")
    return {name: _made(name, eps, given) for name in names if name != BLACK_BOX}


def _made(name: str, eps: float, given: dict[str, str]) -> Attack:
    kind = ATTACKS[name]
    chosen = {key: _read(key, given[key], field) for key, field in settings_of(name).items() if key in given}
    budget = {"eps": eps} if "eps" in {field.name for field in fields(kind)} else {}
    return kind(**budget, **chosen)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"--settings {word}: expected NAME=VALUE, such as steps=100")
    return name, value


def _read(name: str, text: str, field: Field[Any]) -> Any:
    read, wanted = _READ[field.type]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise UsageError(f"--settings {name}={text}: expected {wanted}") from None
