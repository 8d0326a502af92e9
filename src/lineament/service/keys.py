"""API keys: shown once when they are made, stored as SHA-256, with scopes, an end, and a revocation that takes at once.

A key is 256 random bits, so a plain hash of it cannot be searched, and needs no salt and no slow function. The file is
SQLite, because a revocation must not be lost to whoever makes another key at the same moment.
"""

import hashlib
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineament.errors import JobError, UsageError, nearest

__all__ = ["SCOPES", "Key", "Keys"]

SCOPES = ("enrol", "verify", "admin")
"""What a key may do: put a user in, ask whether a face is a user's (also by watching), take a user out."""

TABLE = """CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL, scopes TEXT NOT NULL, label TEXT NOT NULL,
    created REAL NOT NULL, expires REAL NOT NULL, revoked REAL)"""


@dataclass(frozen=True)
class Key:
    """What is known of a key once it was shown.

    Attributes:
        id: eight hex digits; what lists and the audit log call it.
        scopes: some of `SCOPES`.
        label: what it was made for, in its owner's words.
        created, expires: Unix time.
        revoked: Unix time, or None.
    """

    id: str
    scopes: frozenset[str]
    label: str
    created: float
    expires: float
    revoked: float | None

    def state(self, now: float) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked is not None else "expired" if now >= self.expires else "valid"


class Keys:
    """The file of keys.

    Args:
        path: the file; ``JobError`` if it is not there, unless ``make``, or holds something else.
        make: begin an empty one, for its owner's eyes only, where there is none.
    """

    def __init__(self, path: str | Path, *, make: bool = False) -> None:
        self.path = Path(path)
        try:
            if make:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            elif not self.path.is_file():
                raise JobError(f"{path}: no such file; make a first key with `lineament keys new --keys {path}`")
            self._base = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            self._ask(TABLE if make else "SELECT id FROM keys LIMIT 1")
        except OSError as error:
            raise JobError(f"{path}: could not be opened ({error.strerror or error})") from None

    def new(self, scopes: Iterable[str], days: float, label: str = "") -> str:
        """Make a key and return it; nobody can ever read it again."""
        scopes = sorted(set(scopes))
        for scope in scopes:
            if scope not in SCOPES:
                raise UsageError(nearest(scope, SCOPES, "scope"))
        if not scopes or not 0 < days <= 3660:
            raise UsageError(f"a key needs a scope ({', '.join(SCOPES)}) and 0 to 3660 days, got {scopes}, {days} days")
        name, now = secrets.token_hex(4), time.time()
        key = f"lin_{name}_{secrets.token_urlsafe(32)}"
        row = (name, _digest(key), " ".join(scopes), label, now, now + days * 86400)
        self._ask("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)", *row)
        return key

    def revoke(self, name: str) -> None:
        """End a key now; ``UsageError`` if there is none of this id."""
        self._ask("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?", time.time(), name)
        if name not in (known := [key.id for key in self.entries()]):
            raise UsageError(nearest(name, known, "key"))

    def entries(self) -> list[Key]:
        """Every key that was made, oldest first."""
        return [_key(row) for row in self._ask("SELECT * FROM keys ORDER BY created, id")]

    def find(self, key: str) -> Key | None:
        """The valid key that these characters are, or None."""
        name = key[4:12] if key.startswith("lin_") else ""
        rows = self._ask("SELECT * FROM keys WHERE id = ?", name)
        stored = rows[0][1] if rows else bytes(32)
        same = hmac.compare_digest(_digest(key), stored)  # as long for an unknown id as for a known one
        return self.valid(name) if same else None

    def valid(self, name: str) -> Key | None:
        """The key of this id while it is valid."""
        rows = self._ask("SELECT * FROM keys WHERE id = ?", name)
        key = _key(rows[0]) if rows else None
        return key if key and key.state(time.time()) == "valid" else None

    def close(self) -> None:
        """Let the file go."""
        self._base.close()

    def _ask(self, statement: str, *values: object) -> list[Any]:
        try:
            return self._base.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise JobError(f"{self.path}: not a readable file of keys ({error})") from None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _key(row: Any) -> Key:
    name, _, scopes, label, created, expires, revoked = row
    return Key(name, frozenset(scopes.split()), label, created, expires, revoked)
