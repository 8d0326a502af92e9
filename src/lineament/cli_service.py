"""The verbs of the store and the service, as `lineament.cli` calls them. Heavy imports happen inside a verb too."""

from collections.abc import Callable
from pathlib import Path
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


def serve(
    store: str | None = None,
    key_ring: bool = False,
    keys: Path | None = None,
    audit: Path | None = None,
    detector: Path | None = None,
    cohort: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    certificate: Path | None = None,
    certificate_key: Path | None = None,
    proxy: str | None = None,
    fmr: float = 0.01,
    rate: float = 20.0,
    address_rate: float = 50.0,
    framed: bool = False,
) -> None:
    """Serve enrolment, verification and watching over HTTP, on this machine alone unless told otherwise.

    Args:
        store: path or postgresql:// URL of the store; $LINEAMENT_STORE unless given, else one in your data folder.
        key_ring: open it by the platform's key ring instead of a passphrase.
        keys: the file of keys; the one in your data folder if there is one. Elsewhere than on this machine it must be.
        audit: the audit log; a file in your data folder unless given.
        detector: an artifact or a run folder; the detector that comes with the package unless given.
        cohort: what `lineament calibrate` made of that detector.
        host: where to listen.
        port: where to listen; 0 takes a free one.
        certificate: speak TLS with this file of certificates (PEM).
        certificate_key: and this private key.
        proxy: address of a proxy whose word on the client's address is taken.
        fmr: the false match rate at which users are enrolled.
        rate: requests a second for a key; twice as many at once.
        address_rate: requests a second from an address, of whichever key.
        framed: take images as crops that show one face as the detector was trained on; look for none.
    """
    from lineament.service.commands import serve
    from lineament.service.settings import Settings

    settings = Settings(
        rate=rate, burst=max(1.0, 2 * rate), address_rate=address_rate, address_burst=max(1.0, 2 * address_rate)
    )
    serve(
        store=store, key_ring=key_ring, keys=keys, audit=audit, detector=detector, cohort=cohort, host=host, port=port,
        certificate=certificate, certificate_key=certificate_key, proxy=proxy, fmr=fmr, framed=framed,
        settings=settings,
    )  # fmt: skip


def keys_new(scopes: Positional[tuple[str, ...]], days: float = 90, label: str = "", keys: Path | None = None) -> None:
    """Make a key for the service and print it, once.

    Args:
        scopes: what it may do: enrol, verify, admin.
        days: how long.
        label: what it is for, for the list.
        keys: the file of keys; one in your data folder unless given.
    """
    from lineament.service.commands import new_key

    new_key(scopes, days, label, keys)


def keys_list(keys: Path | None = None, json: bool = False) -> None:
    """List the service's keys: what each may do, until when.

    Args:
        keys: the file of keys; the one in your data folder unless given.
        json: print JSON instead of a table.
    """
    from lineament.service.commands import list_keys

    list_keys(keys, json=json)


def keys_revoke(key: Positional[str], keys: Path | None = None) -> None:
    """End a key; a running service refuses it at once.

    Args:
        key: its id, as the list gives it.
        keys: the file of keys; the one in your data folder unless given.
    """
    from lineament.service.commands import revoke_key

    revoke_key(key, keys)


def audit_check(audit: Path | None = None, head: str | None = None) -> None:
    """Read the service's audit log whole; say where a line was changed, added or removed (then exit code 1).

    Args:
        audit: the log; the one in your data folder unless given.
        head: a line's number and hash, noted before; what was cut off since shows by it.
    """
    from lineament.service.commands import check_audit

    check_audit(audit, head)


VERBS: dict[str, Callable[..., Any]] = {
    "serve": serve,
    "keys new": keys_new,
    "keys list": keys_list,
    "keys revoke": keys_revoke,
    "audit check": audit_check,
    "store list": store_list,
    "store delete": store_delete,
    "store check": store_check,
    "store rekey": store_rekey,
}
"""Look after stored templates, and serve over HTTP."""
