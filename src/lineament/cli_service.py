"""The verbs of the store and the service, as `lineament.cli` calls them. Heavy imports happen inside a verb too."""

from collections.abc import Callable
from typing import Any

from tyro.conf import Positional

__all__ = ["VERBS"]


def store_list(store: str | None = None, key_ring: bool = False, json: bool = False) -> None:
    """List who is enrolled, for which detector, since when. Passphrases: $LINEAMENT_PASSPHRASE, else you are asked.

    Args:
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        json: print JSON instead of a table.
    """
    from lineament.authentication.store_commands import list_store

    list_store(store, key_ring=key_ring, json=json)


def store_delete(user: Positional[str], store: str | None = None, key_ring: bool = False) -> None:
    """Destroy all that is kept of a user, and the keys to it.

    Args:
        user: whose.
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
    """
    from lineament.authentication.store_commands import delete

    delete(store, user, key_ring=key_ring)


def store_check(store: str | None = None, key_ring: bool = False) -> None:
    """Open every template and look through the file; name what is damaged or was moved (then exit code 1).

    Args:
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
    """
    from lineament.authentication.store_commands import check

    check(store, key_ring=key_ring)


def store_rekey(store: str | None = None, key_ring: bool = False, new_key_ring: bool = False) -> None:
    """Change the passphrase, to $LINEAMENT_NEW_PASSPHRASE or what you are asked for; all of it or nothing.

    Args:
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of the old passphrase.
        new_key_ring: put the new key into the platform's key ring, instead of a new passphrase.
    """
    from lineament.authentication.store_commands import rekey

    rekey(store, key_ring=key_ring, new_key_ring=new_key_ring)


VERBS: dict[str, Callable[..., Any]] = {
    "store list": store_list,
    "store delete": store_delete,
    "store check": store_check,
    "store rekey": store_rekey,
}
"""Look after stored templates, and serve over HTTP."""
