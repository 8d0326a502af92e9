"""Watching over a WebSocket: the owner unlocks it, a stranger locks it, and every end is a locked one."""

import asyncio
import json
import threading
import time
from dataclasses import replace

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from lineament.authentication.monitor import Policy
from lineament.service import stream
from lineament.service.access import Caller
from tests.service.client import frame, headers, image, images

ANNA, BEN = 3, 11
QUICK = Policy(half_life=0.1, unlock_after=0.1, lock_after=0.1)


@pytest.fixture
def client(serving, store):
    client = serving(QUICK, silence=2, recheck=0.2)
    for person in (ANNA, BEN):  # drawn now, not while the service waits
        images(person, range(9, 12))
    if "anna" not in store.users():
        enrol(client, "anna")
    return client


def enrol(client, user):
    parts = {"files": images(ANNA, range(9)), "headers": headers(client.key)}
    assert client.post(f"/v1/users/{user}/enrol", **parts).status_code == 201


def watch(client, user="anna", key=None):
    return client.websocket_connect(f"/v1/users/{user}/watch", headers=headers(key or client.key))


def show(socket, counters, person):
    decisions = []
    for counter in counters:
        socket.send_bytes(frame(counter, image(person, 9 + counter % 3)))
        decisions.append(json.loads(socket.receive_text()))
        time.sleep(0.05)
    return decisions


def ending(socket):
    """The last decision, and the code that the service hung up with."""
    decision = None
    with pytest.raises(WebSocketDisconnect) as end:
        while True:
            decision = json.loads(socket.receive_text())
    return decision, end.value.code


def test_the_owner_unlocks_and_a_stranger_locks_with_a_reason(client):
    with watch(client) as socket:
        owner = show(socket, range(8), ANNA)
        assert owner[0]["state"] == "locked"
        assert owner[-1]["state"] == "unlocked"
        assert not owner[-1]["reasons"]
        assert [decision["counter"] for decision in owner] == list(range(8))
        stranger = show(socket, range(8, 20), BEN)
        assert stranger[-1]["state"] == "locked"
        assert {reason["kind"] for reason in stranger[-1]["reasons"]} <= {"attribute", "face"}
        times = [decision["time"] for decision in owner + stranger]
        assert times == sorted(times)
        assert 0 <= times[0] < 5


def test_silence_locks_and_hangs_up(client):
    with watch(client) as socket:
        assert show(socket, range(8), ANNA)[-1]["state"] == "unlocked"
        decision, code = ending(socket)
        assert (decision["state"], decision["counter"], code) == ("locked", None, 4408)
        assert decision["reasons"][0]["name"] == "lost"


@pytest.mark.parametrize("message", [frame(7, b"x"), frame(3, image(ANNA, 9)), b"", b"1234567", b"\0" * 8])
def test_a_frame_that_was_sent_before_or_has_no_counter_ends_it(client, message):
    with watch(client) as socket:
        assert show(socket, range(8), ANNA)[-1]["state"] == "unlocked"
        socket.send_bytes(message)
        decision, code = ending(socket)
        assert (decision["state"], code) == ("locked", 4409)


def test_text_ends_it(client):
    with watch(client) as socket:
        socket.send_text("unlock")
        decision, code = ending(socket)
        assert (decision["state"], code) == ("locked", 4409)


def test_what_is_no_image_is_no_frame_and_does_not_unlock(client):
    with watch(client) as socket:
        for counter, content in enumerate([b"x", image(ANNA, 9)[:200], b"\xff\xd8\xff" + b"\0" * 50] * 3):
            socket.send_bytes(frame(counter, content))
            decision = json.loads(socket.receive_text())
            assert decision["state"] == "locked"
            assert decision["score"] is None
        assert decision["reasons"][0]["kind"] == "situation"


def test_a_revoked_key_and_a_deleted_user_end_it(client):
    key = client.keys.new(["verify"], 1)
    with watch(client, key=key) as socket:
        show(socket, range(3), ANNA)
        client.keys.revoke(key[4:12])
        decision, code = ending(socket)
        assert (decision["state"], code) == ("locked", 4401)
    enrol(client, "kim")
    with watch(client, "kim") as socket:
        show(socket, range(3), ANNA)
        assert client.delete("/v1/users/kim", headers=headers(client.key)).status_code == 204
        decision, code = ending(socket)
        assert (decision["state"], code) == ("locked", 4404)


def test_a_detector_that_fails_locks(serving, seeing, store):
    class Failing:
        broken = False

        def __getattr__(self, name):
            return getattr(seeing[0], name)

        def probabilities(self, images, eyes=None):
            if self.broken:
                raise RuntimeError("secret")
            return seeing[0].probabilities(images, eyes)

    detector = Failing()
    client = serving(QUICK, detector=detector)
    with watch(client) as socket:
        assert show(socket, range(8), ANNA)[-1]["state"] == "unlocked"
        detector.broken = True
        (decision,) = show(socket, [8], ANNA)
        assert decision["state"] == "locked"
        assert "secret" not in json.dumps(decision)


class Stalling:
    """A detector that can be made to think for long."""

    def __init__(self, detector):
        self.detector, self.go = detector, threading.Event()
        self.go.set()

    def __getattr__(self, name):
        return getattr(self.detector, name)

    def probabilities(self, images, eyes=None):
        self.go.wait(10)
        return self.detector.probabilities(images, eyes)


def test_a_frame_that_takes_too_long_locks_before_it_is_done(client, serving, seeing):
    detector = Stalling(seeing[0])
    slow = serving(replace(QUICK, no_face_after=0.5), detector=detector)
    with watch(slow) as socket:
        assert show(socket, range(8), ANNA)[-1]["state"] == "unlocked"
        detector.go.clear()
        began = time.monotonic()
        socket.send_bytes(frame(8, image(ANNA, 9)))
        decision, code = ending(socket)
        took = time.monotonic() - began
        detector.go.set()
        assert (decision["state"], decision["counter"], code) == ("locked", None, 4408)
        assert "slow" in decision["reasons"][0]["sentence"]
        assert took < 3


class Deaf:
    """A connection whose other side asks and never reads."""

    def __init__(self):
        self.counter, self.closing = 0, False

    async def receive(self):
        self.counter += 1
        return {"type": "websocket.receive", "bytes": frame(self.counter, b"x")}

    async def send_text(self, text):
        await asyncio.Event().wait()

    async def close(self, code, reason):
        self.closing = True
        await asyncio.Event().wait()


def test_who_does_not_read_is_not_waited_for(client, seeing, store):
    service, socket = client.app.state.service, Deaf()

    async def scene():
        monitor, template = service.operations.monitor("anna")
        watch = stream._Watch(socket, service, "anna", Caller("a", frozenset(["verify"]), "x"), monitor, template)
        return await watch.until_it_ends()

    service.settings = replace(service.settings, silence=0.2)
    assert asyncio.run(asyncio.wait_for(scene(), 5)) == "unread"
    assert socket.closing


def test_who_may_not_watch_is_told_before_it_begins(client):
    own = headers(client.key)
    cases = [("anna", headers("wrong"), 401), ("nobody", headers(client.key), 404), ("anna", own, 101),
             ("anna", own, 409), ("anna", headers(client.keys.new(["enrol"], 1)), 403)]  # fmt: skip
    for user, sent, status in cases:
        if status == 101:
            with client.websocket_connect(f"/v1/users/{user}/watch", headers=sent):
                continue
        with pytest.raises(WebSocketDenialResponse) as refusal:
            client.websocket_connect(f"/v1/users/{user}/watch", headers=sent).__enter__()
        assert refusal.value.status_code == status
        assert refusal.value.json()["status"] == status


def test_frames_and_watches_count_for_their_key(client, serving):
    client = serving(QUICK, rate=5, burst=8, key_watches=2)
    with watch(client) as one, watch(client) as two:  # two tokens
        with pytest.raises(WebSocketDenialResponse) as refusal:
            watch(client).__enter__()  # one more
        assert refusal.value.status_code == 503
        began = time.monotonic()
        for counter in range(8):
            for socket in (one, two):
                socket.send_bytes(frame(counter, b"x"))
                socket.receive_text()
        assert time.monotonic() - began > 1.5, "16 frames with 5 tokens left, at 5 a second"
        other = client.keys.new(["verify"], 1)
        with watch(client, key=other):
            assert client.app.state.service.watches == {client.key[4:12]: 2, other[4:12]: 1}


def test_watches_are_counted_and_bounded(serving):
    client = serving(QUICK, watches=1)
    with watch(client) as socket:
        show(socket, range(2), ANNA)
        assert "lineament_watches 1" in client.get("/metrics", headers=headers(client.key)).text
        with pytest.raises(WebSocketDenialResponse) as refusal:
            watch(client).__enter__()
        assert refusal.value.status_code == 503
    time.sleep(0.2)
    assert "lineament_watches 0" in client.get("/metrics", headers=headers(client.key)).text
    events = [json.loads(line) for line in client.audit.path.read_text().splitlines()]
    told = [(event["event"], event["outcome"]) for event in events]
    assert told == [("watch", "begun"), ("watch", "busy"), ("watch", "disconnected")]
    assert events[-1]["frames"] == 2
