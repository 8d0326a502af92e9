"""The door: who asks, whether their key allows it, whether they ask too often, and whether they asked this before."""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from lineament.service.keys import SCOPES, Keys
from lineament.service.limits import Buckets, Nonces, network
from lineament.service.problems import Problem
from lineament.service.settings import Settings

__all__ = ["Caller", "Door"]

NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
TIMESTAMP = re.compile(r"\d{1,12}(\.\d{1,6})?")
REFUSALS = {
    "stale": (400, "X-Timestamp: the request is older than {window:g} seconds, or than the service; set the clock"),
    "early": (400, "X-Timestamp: over {ahead:g} seconds in the future; set the clock"),
    "replayed": (409, "X-Nonce: this nonce was used before; send a new one with every request"),
    "full": (503, "too many requests are remembered; try again in {window:g} seconds"),
}


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        key: the id of the key, or ``"local"`` where the service asks for none.
        scopes: what it may do.
        address: whence.
    """

    key: str
    scopes: frozenset[str]
    address: str


class Door:
    """Everybody passes here before anything of their request but its head is read.

    Args:
        keys: the file of keys; None lets everybody in, for a service that only this machine can reach.
        settings: rates and the window of replay.
    """

    def __init__(self, keys: Keys | None, settings: Settings) -> None:
        self.keys, self.settings = keys, settings
        self.addresses = Buckets(settings.address_rate, settings.address_burst)
        self.callers = Buckets(settings.rate, settings.burst)
        self.nonces = Nonces(settings.replay_window, settings.clock_ahead)

    def identify(self, connection: HTTPConnection) -> Caller:
        """Who asks, by their key; ``Problem`` if it is none, or if too many ask from their address."""
        address = network(connection.client.host if connection.client else "")
        _spend(self.addresses, address, "this address")
        if self.keys is None:
            if any(name == "forwarded" or name.startswith("x-forwarded-") for name in connection.headers):
                told = "a service without keys answers this machine alone, and this came through a proxy; make keys"
                raise Problem(403, "proxy", told)
            if not LOCAL.fullmatch(connection.headers.get("host", "")):  # a page elsewhere whose name leads here
                raise Problem(403, "host", "Host: a service without keys answers to localhost and 127.0.0.1 alone")
            return Caller("local", frozenset(SCOPES), address)
        kind, _, secret = connection.headers.get("authorization", "").partition(" ")
        key = self.keys.find(secret.strip()) if kind.lower() == "bearer" else None
        if key is None:
            told = "Authorization: expected Bearer and a key that is valid (not expired, not revoked)"
            raise Problem(401, "key", told, {"WWW-Authenticate": 'Bearer realm="lineament"'})
        return Caller(key.id, key.scopes, address)

    def check(self, caller: Caller, headers: Headers, scope: str) -> None:
        """``Problem`` if the caller's key lacks the scope, they ask too often, or they asked this before."""
        _spend(self.callers, caller.key, "this key")
        if scope not in caller.scopes:
            has = ", ".join(sorted(caller.scopes))
            raise Problem(403, "scope", f"this needs a key with the scope {scope}; key {caller.key} has {has}")
        nonce, sent = headers.get("x-nonce", ""), headers.get("x-timestamp", "")
        if not NONCE.fullmatch(nonce):
            raise Problem(400, "nonce", "X-Nonce: expected 16 to 64 random letters, digits, - or _, new every time")
        if not TIMESTAMP.fullmatch(sent):
            raise Problem(400, "timestamp", "X-Timestamp: expected the time of sending in Unix seconds")
        if code := self.nonces.refusal(caller.key, nonce, float(sent)):
            status, detail = REFUSALS[code]
            window, ahead = self.settings.replay_window, self.settings.clock_ahead
            raise Problem(status, code, detail.format(window=window, ahead=ahead))

    def still(self, caller: Caller) -> bool:
        """Whether the caller's key is still valid."""
        return self.keys is None or self.keys.valid(caller.key) is not None


def _spend(buckets: Buckets, who: str, what: str) -> None:
    if wait := buckets.take(who):
        told = f"{what} may ask {buckets.rate:g} times a second, {buckets.burst:g} at once"
        raise Problem(429, "rate", told, {"Retry-After": str(int(wait) + 1)})
