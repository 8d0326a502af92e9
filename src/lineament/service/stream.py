"""Watching over a WebSocket: one monitor a connection, frames in, decisions out, locked whenever anything is amiss.

A message is eight bytes of counter (big-endian, larger with every frame) and a JPEG or PNG image. Each is answered by
one decision in JSON, so whoever waits for it before the next frame is never behind; whoever does not is slowed down.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator

from fastapi import WebSocket
from starlette.websockets import WebSocketState

from lineament.authentication.monitor import Decision, Monitor, Observation
from lineament.authentication.reasons import situations
from lineament.authentication.template import Template
from lineament.service.access import Caller
from lineament.service.answers import Decided
from lineament.service.parts import Service
from lineament.service.problems import Problem, answer, as_problem

__all__ = ["COUNTER", "Ended", "watch"]

COUNTER = struct.Struct(">Q")
MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
TICK = 0.5
"""Seconds between two looks at the clock while no frame comes."""


class Ended(Exception):
    """Why a watch ends; always after a locked decision.

    Args:
        code: of the WebSocket's closing.
        reason: a word.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


async def watch(socket: WebSocket, service: Service, user: str) -> None:
    """Serve one connection from its handshake to its end."""
    try:
        caller = service.admit(socket, "verify")
        with service.watching(caller, user):
            watching = await _begun(socket, service, user, caller)
            await socket.accept()
            reason = await watching.until_it_ends()
            with service.noted("watch", caller, user) as note:
                note(reason, frames=watching.frames)
    except Exception as error:
        problem = as_problem(error)
        if socket.application_state == WebSocketState.CONNECTING:
            await socket.send_denial_response(answer(problem))


async def _begun(socket: WebSocket, service: Service, user: str, caller: Caller) -> "_Watch":
    """The watch, still locked."""
    with service.noted("watch", caller, user) as note:
        monitor, template = await service.work.do(service.operations.monitor, user)
        note("begun", template=template.sha256)
    return _Watch(socket, service, user, caller, monitor, template)


class _Watch:
    """One connection and its monitor."""

    def __init__(
        self, socket: WebSocket, service: Service, user: str, caller: Caller, monitor: Monitor,
        template: Template,
    ) -> None:  # fmt: skip
        self.socket, self.service, self.user, self.caller = socket, service, user, caller
        self.monitor, self.template = monitor, template
        self.began, self.counter, self.frames, self.state = time.monotonic(), -1, 0, "locked"

    async def until_it_ends(self) -> str:
        """Answer frames, and at the end lock; returns why it ended, in a word."""
        try:
            await self._run()
        except Exception as error:
            end = error if isinstance(error, Ended) else Ended(1011, as_problem(error).code)
            await self._lock(end)
            return end.reason
        return "disconnected"

    async def _run(self) -> None:
        """Answer frames until the other side hangs up; ``Ended`` for every other end."""
        heard = checked = self.began
        while True:
            if time.monotonic() - checked > self.service.settings.recheck:
                await self._still_there()
                checked = time.monotonic()
            try:
                async with asyncio.timeout(TICK):
                    message = await self.socket.receive()
            except TimeoutError:
                if time.monotonic() - heard > self.service.settings.silence:
                    raise Ended(4408, "silence") from None
                await self._tell(self.monitor.tick(time.monotonic()), None)
                continue
            heard = time.monotonic()
            if message["type"] == "websocket.disconnect":
                return
            await self._frame(message.get("bytes") or b"")

    async def _lock(self, end: Ended) -> None:
        """Say that it is locked, and why, and hang up; to whom is gone already, nothing."""
        with contextlib.suppress(Exception):  # without the monitor: a frame that took too long may still be at it
            lost = situations({"lost": f"The watch has ended: {end.reason}."})
            await self._send(Decision(time.monotonic(), "locked", None, self.template.threshold, 0, lost, {}), None)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self.service.settings.silence):
                await self.socket.close(end.code, end.reason)

    async def _frame(self, content: bytes) -> None:
        """Answer one frame; one whose counter was seen is none of a camera's, so nothing after it is believed."""
        counter = COUNTER.unpack_from(content)[0] if len(content) > COUNTER.size else -1
        if counter <= self.counter:
            raise Ended(4409, "malformed" if counter < 0 else "replayed")
        self.counter, self.frames = counter, self.frames + 1
        try:
            async with self._in_time():
                while wait := self.service.door.callers.take(self.caller.key):
                    await asyncio.sleep(wait)
                decision = await self.service.work.do(self._observe, content[COUNTER.size :], time.monotonic())
        except Problem as problem:
            if problem.code != "busy":
                raise
            decision = self.monitor.tick(time.monotonic())
        await self._tell(decision, counter)

    def _observe(self, image: bytes, now: float) -> Decision:
        kind = next((kind for magic, kind in MAGIC.items() if image.startswith(magic)), "image/jpeg")
        try:
            observation = self.service.operations.observe((image, kind), now)
        except Problem as problem:  # a frame that cannot be read is none; the monitor's patience with that is limited
            observation = Observation(now, problems={problem.code: problem.detail})
        return self.monitor.observe(observation)

    async def _still_there(self) -> None:
        if not self.service.door.still(self.caller):
            raise Ended(4401, "key")
        try:
            async with self._in_time():
                template = await self.service.work.do(self.service.operations.enrolled, self.user)
        except Problem as problem:
            if problem.code != "busy":  # then the next time is near
                raise Ended(4404, "user") from None
        else:
            if template != self.template.sha256:
                raise Ended(4404, "user")

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """No clock is looked at while something is awaited, so it may take no longer than the policy lets a face."""
        try:
            async with asyncio.timeout(self.service.operations.policy.no_face_after):
                yield
        except TimeoutError:
            raise Ended(4408, "slow") from None

    async def _tell(self, decision: Decision, counter: int | None) -> None:
        """Send what was decided on a frame; what the clock decides, only where it changes the state."""
        if counter is not None or decision.state != self.state:
            await self._send(decision, counter)
        self.state = decision.state

    async def _send(self, decision: Decision, counter: int | None) -> None:
        text = Decided.of(decision, counter, self.began).model_dump_json()
        try:
            async with asyncio.timeout(self.service.settings.silence):
                await self.socket.send_text(text)
        except TimeoutError:
            raise Ended(4408, "unread") from None
