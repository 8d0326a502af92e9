"""The service as a process of its own: how it starts and ends, real sockets, and what a kill leaves behind."""

import json
import socket
import struct
import threading
import time

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.service_client import Serving
from benchmarks.service_load import FLAGS, kills
from lineament.cli import main
from lineament.service import audit, patience
from tests.postgresql import running_postgresql
from tests.service.client import headers, image

ANNA, BEN = 3, 11


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Serving(tmp_path_factory.mktemp("serving") / "own", *FLAGS) as service:
        client = service.client()
        status, body = client.enrol("anna", [(str(n // 3), image(ANNA, n)) for n in range(9)])
        assert status == 201, body
        client.close()
        yield service


def test_it_verifies_and_watches_over_real_sockets(service):
    client = service.client()
    assert [client.verify("anna", image(who, 9))[1]["accepted"] for who in (ANNA, BEN)] == [True, False]
    client.close()
    address = f"ws://127.0.0.1:{service.port}/v1/users/anna/watch"
    with connect(address, additional_headers=headers(service.key)) as watch:
        states = []
        for counter in range(16):
            watch.send(struct.pack(">Q", counter) + image(ANNA, 9 + counter % 3))
            states.append(json.loads(watch.recv())["state"])
            time.sleep(0.1)
        assert states[0] == "locked"
        assert states[-1] == "unlocked"
        with pytest.raises(ConnectionClosed):
            watch.send(b"\0" * (9 << 20))
            watch.recv()
    assert b"Server" not in raw(service.port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


def raw(port, content):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(content)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "content", [b"\x16\x03\x01\x02\x00", b"GET /\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
)
def test_what_is_no_http_is_refused(service, content):
    assert b" 400 " in raw(service.port, content).split(b"\r\n")[0]


def test_it_ends_in_order_when_told_to(service):
    code, said = service.stop()
    head = audit.check(service.audit)
    assert code == 0
    assert said == f"stopped; audit log at {head}\n"
    assert main(["audit", "check", "--audit", str(service.audit), "--head", str(head)]) == 0
    assert main(["audit", "check", "--audit", str(service.audit), "--head", f"{head.number + 1}:00"]) == 1


def test_a_kill_while_enrolling_loses_nothing_on_sqlite(tmp_path):
    lost, told = kills(tmp_path / "sqlite", None, 1, seed=0)
    assert not lost
    assert told


def test_a_kill_while_enrolling_loses_nothing_on_postgresql(tmp_path):
    with running_postgresql() as url:
        lost, told = kills(tmp_path / "postgresql", url, 1, seed=1)
    assert not lost
    assert told


def test_who_does_not_finish_asking_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.3)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        time.sleep(0.5)  # a slow answer is none of theirs
        await send({"type": "http.response.body", "body": b"ok"})

    server = uvicorn.Server(uvicorn.Config(app, http=patience.Impatient, lifespan="off", log_level="error"))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        for begun in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            assert dripped(port, begun) < 3
        assert b"ok" in raw(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.8)
            connection.sendall(b"GET")
            assert connection.recv(65536).endswith(b"ok")
            assert connection.recv(65536) == b""  # the second request's head did not come in time
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def dripped(port, begun):
    """Seconds until a connection that sends a byte now and then is closed."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.settimeout(0.1)
        connection.sendall(begun)
        while time.monotonic() - began < 5:
            try:
                connection.sendall(b"a: b\r\n" if begun else b"")
                if connection.recv(10) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    return time.monotonic() - began
