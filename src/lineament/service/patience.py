"""HTTP/1.1 as uvicorn speaks it, with one limit more: the head of a request has to come within a time.

Without it a connection that sends nothing, or a byte now and then, is kept for ever, and enough of them keep everybody
else out.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["SECONDS", "Impatient"]

SECONDS = 10.0
"""From the connection, or from the last answer, to the end of the next request's head."""


class Impatient(H11Protocol):
    """uvicorn's protocol; it hangs up on who takes longer than `SECONDS` to ask."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there: wait for what they ask."""
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        """They were answered: wait for what they ask next."""
        super().on_response_complete()
        self._wait()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on another protocol has the connection."""
        self._stop()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._waiting = self.loop.call_later(SECONDS, self._hang_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    def _hang_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
