"""What goes around every answer: headers that keep browsers careful, a count, and a last net under every exception."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineament.service.metrics import Metrics
from lineament.service.problems import answer, as_problem

__all__ = ["HEADERS", "Envelope"]

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Envelope:
    """ASGI middleware; the outermost."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an exception that comes back becomes a 500 that grants nothing."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(HEADERS)
                if scope["scheme"] == "https":
                    MutableHeaders(scope=message)["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        try:
            await self.app(scope, receive, sealed)
        except Exception as error:
            if status:  # too late for another answer; the connection breaks off
                raise
            await answer(as_problem(error))(scope, receive, sealed)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.request(route, status, time.perf_counter() - started)
