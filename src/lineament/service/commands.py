"""What the verbs ``serve``, ``keys new|list|revoke`` and ``audit check`` do."""

import contextlib
import json as json_module
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from lineament.errors import JobError, UsageError
from lineament.listening import bound, in_address, is_local
from lineament.service import audit as audits
from lineament.service.keys import Keys
from lineament.service.settings import Settings

if TYPE_CHECKING:  # at run time only when something is served: fastapi and the store are extras
    from fastapi import FastAPI
    from uvicorn import Config

    from lineament.authentication.cohort import Cohort
    from lineament.subject import AttributeDetector

__all__ = ["check_audit", "default_file", "list_keys", "new_key", "revoke_key", "serve"]


def default_file(name: str) -> Path:
    """A file of the service in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "lineament" / name


def new_key(scopes: tuple[str, ...], days: float, label: str, path: Path | None) -> None:
    """Make a key and print it, the only time that anybody sees it."""
    keys = Keys(path or default_file("keys.sqlite"), make=True)
    try:
        print(keys.new(scopes, days, label))
    finally:
        keys.close()
    print(f"in {keys.path}; keep it now, it cannot be shown again", file=sys.stderr)


def list_keys(path: Path | None, *, json: bool) -> None:
    """Print every key's id, scopes, label, times and state."""
    keys = Keys(path or default_file("keys.sqlite"))
    rows = [
        {"id": key.id, "scopes": ", ".join(sorted(key.scopes)), "label": key.label,
         "created": _date(key.created), "expires": _date(key.expires), "state": key.state(time())}
        for key in keys.entries()
    ]  # fmt: skip
    keys.close()
    if json:
        print(json_module.dumps(rows, indent=1))
        return
    table = Table("id", "scopes", "label", "created", "expires", "state", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row.values())
    Console(markup=False).print(table if rows else "no key was made yet")


def revoke_key(name: str, path: Path | None) -> None:
    """End a key; a running service refuses it from its next request on."""
    keys = Keys(path or default_file("keys.sqlite"))
    try:
        keys.revoke(name)
    finally:
        keys.close()
    print(f"{name}: revoked")


def check_audit(path: Path | None, head: str | None) -> None:
    """Read an audit log whole; ``JobError`` where its chain breaks, or if it does not contain the line ``head``."""
    path = path or default_file("audit.jsonl")
    found = audits.check(path, head)
    print(f"{path}: {found.number} lines, none changed or removed; head {found}")


def serve(
    *,
    store: str | None,
    key_ring: bool,
    keys: Path | None,
    audit: Path | None,
    detector: Path | None,
    cohort: Path | None,
    host: str,
    port: int,
    certificate: Path | None,
    certificate_key: Path | None,
    proxy: str | None,
    fmr: float,
    framed: bool,
    settings: Settings,
) -> None:
    """Serve until a signal comes; prints where, and the head of the audit log before and after."""
    try:
        from lineament.service.app import create_app
    except ModuleNotFoundError as error:
        raise JobError(f"the service needs {error.name}: pip install 'lineament[app]'") from None
    from lineament.authentication.monitor import Policy
    from lineament.authentication.store_commands import open_store

    if (certificate is None) != (certificate_key is None):
        raise UsageError("--certificate, --certificate-key: give both, or neither")
    ring, seeing = _keys(keys, host, proxy), _seeing(detector, cohort)
    with bound(host, port) as listening, open_store(store, key_ring=key_ring, create=True) as opened:
        log = audits.AuditLog(audit or default_file("audit.jsonl"))
        app = create_app(*seeing, opened, Policy(fmr=fmr), settings, keys=ring, audit=log, framed=framed)
        config = _config(app, settings, certificate, certificate_key, proxy)
        secure = "" if certificate or is_local(host) else "; without TLS: let a proxy on this machine speak it"
        place = f"http{'s' if certificate else ''}://{in_address(host)}:{listening.getsockname()[1]}"
        print(f"serving {place}; audit log {log.path} at {log.head}{secure}", flush=True)
        _run(config, listening)
        log.close()
        print(f"stopped; audit log at {log.head}", flush=True)


def _config(
    app: "FastAPI", settings: Settings, certificate: Path | None, certificate_key: Path | None, proxy: str | None
) -> "Config":
    """How uvicorn runs the app; ``JobError`` if the certificate is none."""
    from uvicorn import Config

    from lineament.service.patience import Impatient

    config = Config(
        app,
        http=Impatient,
        ws="websockets-sansio",
        ws_max_size=settings.image_bytes + 8,
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        limit_concurrency=1000,
        timeout_graceful_shutdown=10,
        ssl_certfile=certificate,
        ssl_keyfile=certificate_key and str(certificate_key),
    )
    try:
        config.load()
    except (OSError, ValueError) as error:  # what TLS says of a certificate
        raise JobError(f"{certificate}: not a certificate with its key ({error})") from None
    return config


def _run(config: "Config", listening: socket.socket) -> None:
    """Serve until a signal comes, and be at work's end when this returns."""
    from uvicorn import Server

    def told(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, told)  # uvicorn ends its work first, then repeats the signal to whom it found here
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        Server(config).run(sockets=[listening])


def _seeing(detector: Path | None, cohort: Path | None) -> "tuple[AttributeDetector, Cohort]":
    """The detector and its cohort; those that come with the package unless given."""
    import torch

    from lineament.authentication import cohort as cohorts
    from lineament.detectors.detector import shipped
    from lineament.detectors.loading import load_any

    if (detector is None) != (cohort is None):
        raise UsageError("--detector, --cohort: a detector needs its own cohort; make it with 'lineament calibrate'")
    torch.set_num_threads(1)  # requests go in batches; more threads would only wait for each other
    if detector is None or cohort is None:
        return shipped(), cohorts.shipped()
    return load_any(detector), cohorts.load(cohort)


def _keys(path: Path | None, host: str, proxy: str | None) -> Keys | None:
    """The keys that are named, or those in the user's data folder; none only where nobody else gets in."""
    if path is None and default_file("keys.sqlite").exists():
        path = default_file("keys.sqlite")
    if path is not None:
        return Keys(path)
    if not is_local(host):
        raise UsageError(f"--host {host}: others can reach it, so it needs keys; make one with 'lineament keys new'")
    if proxy is not None:
        raise UsageError(
            f"--proxy {proxy}: others come through it, so it needs keys; make one with 'lineament keys new'"
        )
    print("without keys: whoever is on this machine may enrol, verify and delete", file=sys.stderr)
    return None


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")
