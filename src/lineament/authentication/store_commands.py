"""The verbs about the store: list, delete, check, rekey; and how every verb opens it and asks for a passphrase."""

import getpass
import json as json_module
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from lineament.errors import JobError, UsageError

if TYPE_CHECKING:  # at run time only when a store is opened: sqlalchemy and cryptography are an extra
    from lineament.authentication.store import Store

__all__ = [
    "PASSPHRASE",
    "ask_passphrase",
    "check",
    "default_store",
    "delete",
    "list_store",
    "needs_extra",
    "open_store",
    "rekey",
]

PASSPHRASE, NEW_PASSPHRASE = "LINEAMENT_PASSPHRASE", "LINEAMENT_NEW_PASSPHRASE"
"""Environment variables that are read instead of asking, for services and scripts."""


def default_store() -> str:
    """Which store is meant unless a verb is told: ``$LINEAMENT_STORE``, else a file in the user's data folder."""
    if own := os.environ.get("LINEAMENT_STORE"):
        return own
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return str(Path(data) / "lineament" / "store.sqlite")


def open_store(url: str | None, *, key_ring: bool = False, create: bool = False) -> "Store":
    """Open a store as every verb does; the caller closes it, or uses it as a context manager.

    Args:
        url: a path or a URL; `default_store` if None.
        key_ring: open by the platform's key ring instead of by a passphrase.
        create: make it where there is none.

    Raises:
        UsageError: there is no passphrase and nobody to ask, or the one of a new store was not typed the same twice.
        JobError: see `store.Store.open`; or the extra ``store`` is not installed.
    """
    with needs_extra():
        from lineament.authentication.store import Store
    place, passphrase = url or default_store(), None
    if not key_ring:
        new = create and _is_new(place)
        passphrase = ask_passphrase(PASSPHRASE, f"Passphrase of the {'new ' * new}store: ", twice=new)
    return Store.open(place, passphrase, create=create)


@contextmanager
def needs_extra() -> Iterator[None]:
    """Turn a package of the extra ``store`` that is not there, imported within, into a ``JobError`` that names it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise JobError(f"keeping templates needs {package}: pip install 'lineament[store]'") from None


def _is_new(place: str) -> bool:
    """Whether no store is there yet: a passphrase that was mistyped would found one that nobody can open."""
    from lineament.authentication.database import connect, telling
    from lineament.authentication.migrations import revision

    try:
        engine = connect(place, create=False)
    except JobError:
        return True
    try:
        with telling(engine), engine.connect() as connection:
            return revision(connection) is None
    finally:
        engine.dispose()


def list_store(url: str | None, *, key_ring: bool, json: bool) -> None:
    """Print who is enrolled, for which model, since when."""
    with open_store(url, key_ring=key_ring) as store:
        entries = store.entries()
    if json:
        rows = [{"user": entry.user, "model": entry.model, "enrolled": entry.enrolled} for entry in entries]
        sys.stdout.write(json_module.dumps(rows, indent=1) + "\n")
        return
    table = Table("user", "model", "enrolled", box=box.SIMPLE_HEAD)
    for entry in entries:
        table.add_row(entry.user, entry.model[:12], entry.enrolled or "unknown")
    Console(markup=False).print(table if entries else "nobody is enrolled")


def delete(url: str | None, user: str, *, key_ring: bool) -> None:
    """Destroy the templates of a user and say so."""
    with open_store(url, key_ring=key_ring) as store:
        store.delete(user)
    _say(f"{user}: deleted")


def check(url: str | None, *, key_ring: bool) -> None:
    """Open every template and say how many are whole; ``JobError`` names those that are not."""
    with open_store(url, key_ring=key_ring) as store:
        count, faults = len(store.entries()), store.check()
    if faults:
        raise JobError("\n".join(faults))
    _say(f"{count} templates, all whole")


def rekey(url: str | None, *, key_ring: bool, new_key_ring: bool) -> None:
    """Change the passphrase, or move the key into or out of the platform's key ring."""
    with open_store(url, key_ring=key_ring) as store:
        store.rekey(None if new_key_ring else ask_passphrase(NEW_PASSPHRASE, "New passphrase: ", twice=True))
    _say("the store opens by the platform's key ring now" if new_key_ring else "the store opens by the new passphrase")


def ask_passphrase(variable: str, prompt: str, *, twice: bool = False) -> str:
    """What the environment variable holds, else what is typed at the terminal; ``UsageError`` if there is neither."""
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        raise UsageError(f"no passphrase: set {variable}, or call from a terminal to be asked, or use --key-ring")
    typed = getpass.getpass(prompt)
    if twice and getpass.getpass("The same again: ") != typed:
        raise UsageError("the two passphrases differ; nothing was changed")
    return typed


def _say(text: str) -> None:
    Console(markup=False, highlight=False).print(text, soft_wrap=True)
