"""Where a server listens: its socket, how that is written in an address, and whether only this machine reaches it."""

import ipaddress
import socket

from lineament.errors import JobError, UsageError

__all__ = ["bound", "in_address", "is_local"]


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, to be had before anything that takes time.

    Args:
        host: name or number, IPv4 or IPv6.
        port: 0 takes any that is free.

    Raises:
        UsageError: no such port.
        JobError: it is taken, or the host is none of this machine's.
    """
    if not 0 <= port < 65536:
        raise UsageError(f"--port: expected 0 to 65535, got {port}")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = error.strerror or error
        raise JobError(
            f"{in_address(host)}:{port}: cannot listen there ({reason}); choose with --host, --port"
        ) from None


def in_address(host: str) -> str:
    """The host as it stands in a URL: IPv6 numbers in brackets."""
    return f"[{host}]" if ":" in host else host


def is_local(host: str) -> bool:
    """Whether what listens there can be reached from this machine alone; of names only ``localhost``."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
