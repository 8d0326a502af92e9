"""Who may ask how often (token buckets), and what was asked before (nonces); both in bounded memory."""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Buckets", "Nonces", "network"]


class Buckets:
    """A token bucket for everyone who asks.

    Args:
        rate: tokens that flow in, a second.
        burst: tokens that a bucket holds.
        most: buckets that are kept; beyond, the one that was not asked for longest is forgotten.
        clock: seconds.
    """

    def __init__(
        self, rate: float, burst: float, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.most, self.clock = rate, burst, most, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        now = self.clock()
        tokens, then = self._buckets.pop(who, (self.burst, now))
        tokens = min(self.burst, tokens + max(0.0, now - then) * self.rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self.rate
        self._buckets[who] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        return wait


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, all of which one customer holds."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"  # a Unix socket, or a test
    if isinstance(number, ipaddress.IPv6Address):
        mapped = number.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(number) >> 64 << 64, 64)))
    return str(number)


class Nonces:
    """Requests that were seen, as long as they are valid.

    Nothing is forgotten early: when the memory is full, new requests are refused. What was seen before a restart is
    gone, so a request from before it is refused too.

    Args:
        window: seconds that a request is valid.
        ahead: seconds that its sender's clock may be ahead.
        most: nonces that are kept.
        clock: Unix time.
    """

    def __init__(
        self, window: float, ahead: float, most: int = 100_000, clock: Callable[[], float] = time.time
    ) -> None:
        self.window, self.ahead, self.most, self.clock = window, ahead, most, clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self.began = self._latest = clock()

    def refusal(self, key: str, nonce: str, sent: float) -> str:
        """``stale``, ``early``, ``replayed`` or ``full`` if it is refused; else empty, and the request is remembered.

        Args:
            key: whose nonce it is.
            nonce: what its sender uses once.
            sent: Unix time by its sender's clock.
        """
        now = self._latest = max(self._latest, self.clock())  # a clock set back must not revive old requests
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if not sent >= max(now - self.window, self.began):  # NaN is stale
            return "stale"
        if sent > now + self.ahead:
            return "early"
        token = hashlib.blake2b(f"{key}\0{nonce}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if token in self._seen:
            return "replayed"
        if len(self._seen) >= self.most:
            return "full"
        self._seen[token] = now + self.window + self.ahead
        return ""
